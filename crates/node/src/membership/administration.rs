//! What operators change about members.

use squorum_meta::command::{AdmitNode, AdmitRefusal, RemoveRefusal};
use squorum_meta::{Command, MemberState, Outcome};
use squorum_store::Store;
use squorum_types::NodeId;
use squorum_types::service::ServiceError;
use thiserror::Error;

use crate::cluster::{Candidate, SILENCE_MAX};
use crate::node::{Inner, Node};

/// Why members stay as they are. Each says what an operator can do.
#[derive(Debug, Error)]
pub enum AdministrationError {
    #[error(
        "no node waits to be taken in: start one with an empty data directory and the seeds of this cluster"
    )]
    NobodyWaits,
    #[error("node {0} does not wait to be taken in")]
    NotWaiting(NodeId),
    #[error("several nodes wait: say which with its id: {}", join(.0))]
    SeveralWait(Vec<NodeId>),
    #[error("node {0} is alive: `squorum node drain {0}` takes it out")]
    IsAlive(NodeId),
    #[error("node {0} is not alive: start it, or take it out by `squorum node remove {0}`")]
    IsNotAlive(NodeId),
    #[error(transparent)]
    NotAdmitted(#[from] AdmitRefusal),
    #[error(transparent)]
    NotRemoved(#[from] RemoveRefusal),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

fn join(nodes: &[NodeId]) -> String {
    let nodes: Vec<_> = nodes.iter().map(ToString::to_string).collect();
    nodes.join(", ")
}

impl<S: Store> Node<S> {
    /// Takes a node in that waits, as one more member. Returns its id when that is decided; it is
    /// active once it has caught up.
    pub async fn add_node(&self, node: NodeId) -> Result<NodeId, AdministrationError> {
        self.admit(Some(node), None).await
    }

    /// Takes a node in that waits in the place of a member that is lost. `with` may be left out if
    /// only one node waits.
    pub async fn replace_node(
        &self,
        lost: NodeId,
        with: Option<NodeId>,
    ) -> Result<NodeId, AdministrationError> {
        if self.inner.roster.get().member(lost).is_none() {
            return Err(AdmitRefusal::NoSuchMember(lost).into());
        }
        self.silent(lost).await?;
        self.admit(with, Some(lost)).await
    }

    /// Has a member leave that is alive. Its leaderships go first.
    pub async fn drain_node(&self, node: NodeId) -> Result<(), AdministrationError> {
        if self.inner.roster.get().is_removed(node) {
            return Ok(());
        }
        self.alive(node).await?;
        self.remove(node).await
    }

    /// Takes a member out that is lost, without a replacement.
    pub async fn remove_node(&self, node: NodeId) -> Result<(), AdministrationError> {
        self.silent(node).await?;
        self.remove(node).await
    }

    /// Returns once a node is alive. One that has just started may not have been heard yet.
    async fn alive(&self, node: NodeId) -> Result<(), AdministrationError> {
        let mut alive = self.inner.view.watch_alive();
        let alive = alive.wait_for(|alive| alive.contains(&node));
        match tokio::time::timeout(2 * SILENCE_MAX, alive).await {
            // The view lives as long as this node.
            Ok(_) => Ok(()),
            Err(_) => Err(AdministrationError::IsNotAlive(node)),
        }
    }

    /// Returns once a node is not alive. One that has just died counts as alive for a moment.
    async fn silent(&self, node: NodeId) -> Result<(), AdministrationError> {
        let silent = self.inner.view.silent(node);
        let silent = tokio::time::timeout(2 * SILENCE_MAX, silent).await;
        silent.map_err(|_| AdministrationError::IsAlive(node))
    }

    async fn admit(
        &self,
        node: Option<NodeId>,
        replaces: Option<NodeId>,
    ) -> Result<NodeId, AdministrationError> {
        // Repeated after it was taken in, when it does not wait any more.
        let roster = self.inner.roster.get();
        let is_same = |member: &&squorum_meta::Member| {
            member.replaces == replaces
                && member.state != MemberState::Leaving
                && (node == Some(member.node) || (node.is_none() && replaces.is_some()))
        };
        if let Some(member) = roster.members.iter().find(is_same) {
            return Ok(member.node);
        }
        let candidate = chosen(self.inner.waiting(), node)?;
        let admit = Command::AdmitNode(AdmitNode {
            node: candidate.node,
            address: candidate.address,
            replaces,
        });
        match self.inner.meta.propose(&admit).await? {
            Outcome::AdmitNode(admitted) => Ok(admitted.map(|()| candidate.node)?),
            other => Err(unexpected(&other).into()),
        }
    }

    async fn remove(&self, node: NodeId) -> Result<(), AdministrationError> {
        match self.inner.meta.propose(&Command::RemoveNode(node)).await? {
            Outcome::RemoveNode(removed) => Ok(removed?),
            other => Err(unexpected(&other).into()),
        }
    }
}

impl<S> Inner<S> {
    /// Nodes that wait to be taken in.
    pub(crate) fn waiting(&self) -> Vec<Candidate> {
        let roster = self.roster.get();
        let waiting = self.introducer.candidates().waiting().into_iter();
        // Who was taken in a moment ago has asked before that.
        let is_new = |node| roster.member(node).is_none() && !roster.is_removed(node);
        waiting.filter(|candidate| is_new(candidate.node)).collect()
    }
}

fn chosen(
    mut waiting: Vec<Candidate>,
    node: Option<NodeId>,
) -> Result<Candidate, AdministrationError> {
    if let Some(node) = node {
        let found = waiting.into_iter().find(|candidate| candidate.node == node);
        return found.ok_or(AdministrationError::NotWaiting(node));
    }
    match waiting.pop() {
        Some(candidate) if waiting.is_empty() => Ok(candidate),
        Some(last) => {
            let nodes = waiting.into_iter().chain([last]);
            let nodes = nodes.map(|candidate| candidate.node);
            Err(AdministrationError::SeveralWait(nodes.collect()))
        }
        None => Err(AdministrationError::NobodyWaits),
    }
}

fn unexpected(outcome: &Outcome) -> ServiceError {
    ServiceError::Internal {
        reason: format!("meta answered {outcome:?}"),
    }
}
