use std::sync::Arc;
use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::Fatal;
use openraft::metrics::RaftServerMetrics;
use openraft::type_config::alias::WatchReceiverOf;
use openraft::{Instant, Raft, RaftMetrics, ServerState};
use squorum_types::{GroupId, NodeId};
use tokio::sync::watch;

use super::Group;
use super::handover::{Handover, HandoverWatch};
use crate::error::{FatalError, FatalHook};
use crate::raft_types::TypeConfig;
use crate::state_machine::{Publication, StateMachine};
use crate::transport::Registration;

/// Who leads a group, as far as this node knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leadership {
    pub leader: Option<NodeId>,
    pub term: u64,
    /// This node leads, does not hand over, and has applied an entry of its own term, so its state
    /// has everything that was acknowledged before. Whether its lease holds as well, which needs no event to end, says
    /// [`Group::can_serve_locally`].
    pub ready_to_serve: bool,
}

impl<O: Send + 'static> Group<O> {
    pub fn leadership(&self) -> Leadership {
        *self.inner.leadership.borrow()
    }

    /// Sees every change of [`leadership`](Self::leadership), the last one at least. Closed when
    /// the group has ended.
    pub fn watch_leadership(&self) -> watch::Receiver<Leadership> {
        self.inner.leadership.clone()
    }

    /// True if this node leads, its lease holds, and its state has everything that was acknowledged
    /// before: what it reads from its own state now is what a read through the log would find. Cheap.
    pub fn can_serve_locally(&self) -> bool {
        let metrics = self.inner.metrics.borrow_watched();
        metrics.state == ServerState::Leader
            && self.inner.handover.may_serve_in(metrics.current_term)
            && metrics.running_state.is_ok()
            && metrics.current_leader == Some(self.inner.node.0)
            && self.inner.publication.term() == metrics.current_term
            && self.lease_holds(&metrics)
    }

    /// A lease begins when the heartbeat was sent that a quorum acknowledged. A tenth is left for
    /// clocks that do not run equally fast. A sole voter needs no lease; a leader that is no voter
    /// any more hands over, and has none.
    fn lease_holds(&self, metrics: &RaftMetrics<TypeConfig>) -> bool {
        let own_id = self.inner.node.0;
        let membership = &metrics.membership_config;
        if membership.voter_ids().all(|voter| voter == own_id) {
            return membership.voter_ids().next().is_some();
        }
        if membership.voter_ids().all(|voter| voter != own_id) {
            return false;
        }
        let lease = self.inner.lease - self.inner.lease / 10;
        metrics
            .last_quorum_acked
            .is_some_and(|acked| acked.elapsed() < lease)
    }
}

/// Publishes a group's leadership and reports its end, if that is a failure.
pub(super) struct LeadershipWatch {
    pub(super) group: GroupId,
    pub(super) node: NodeId,
    pub(super) raft: Raft<TypeConfig, StateMachine>,
    pub(super) raft_metrics: WatchReceiverOf<TypeConfig, RaftMetrics<TypeConfig>>,
    pub(super) server_metrics: WatchReceiverOf<TypeConfig, RaftServerMetrics<TypeConfig>>,
    pub(super) applied_term: watch::Receiver<u64>,
    pub(super) handover: HandoverWatch,
    /// Peers reach the group as long as it runs.
    pub(super) registration: Option<Registration>,
    pub(super) leadership: watch::Sender<Leadership>,
    pub(super) on_fatal: FatalHook,
}

/// How long the core may take to say why it ended.
const CORE_END_TIMEOUT: Duration = Duration::from_secs(1);

impl LeadershipWatch {
    pub(super) fn new(
        (group, node): (GroupId, NodeId),
        raft: &Raft<TypeConfig, StateMachine>,
        publication: &Arc<Publication>,
        handover: &Handover,
        (registration, on_fatal): (Registration, FatalHook),
    ) -> (LeadershipWatch, watch::Receiver<Leadership>) {
        let (leadership, receiver) = watch::channel(Leadership::default());
        let watch = LeadershipWatch {
            group,
            node,
            raft: raft.clone(),
            raft_metrics: raft.metrics(),
            server_metrics: raft.server_metrics(),
            applied_term: publication.subscribe_term(),
            handover: handover.watch(),
            registration: Some(registration),
            leadership,
            on_fatal,
        };
        (watch, receiver)
    }

    /// Runs until the group ends.
    pub(super) async fn run(mut self) {
        loop {
            self.publish();
            let ended = tokio::select! {
                biased;
                changed = self.server_metrics.changed() => changed.is_err(),
                // Its sender lives as long as a handle or the apply thread does.
                Ok(()) = self.applied_term.changed() => false,
                () = self.handover.changed() => false,
            };
            if ended {
                break;
            }
        }
        self.registration = None;
        self.leadership.send_modify(|leadership| {
            leadership.leader = None;
            leadership.ready_to_serve = false;
        });
        self.report_end().await;
    }

    fn publish(&mut self) {
        let applied_term = *self.applied_term.borrow_and_update();
        let metrics = self.server_metrics.borrow_and_update();
        let term = metrics.vote.leader_id.term;
        let leads =
            metrics.state == ServerState::Leader && metrics.current_leader == Some(self.node.0);
        let next = Leadership {
            leader: metrics.current_leader.map(NodeId),
            term,
            ready_to_serve: leads
                && metrics.vote.committed
                && applied_term == term
                && self.handover.may_serve_in(term),
        };
        // A leader's clock only says when to beat, which the pulse of the node does.
        self.raft
            .runtime_config()
            .tick(metrics.state != ServerState::Leader);
        drop(metrics);
        self.leadership
            .send_if_modified(|current| std::mem::replace(current, next) != next);
    }

    /// The core sends its last metrics, with the reason of its end, before it drops them.
    async fn report_end(mut self) {
        let ended = async {
            while self.raft_metrics.borrow_watched().running_state.is_ok() {
                if self.raft_metrics.changed().await.is_err() {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(CORE_END_TIMEOUT, ended).await;
        let reason = match &self.raft_metrics.borrow_watched().running_state {
            Err(Fatal::Stopped) => return,
            Err(fatal) => fatal.to_string(),
            Ok(()) => "the group's core ended without a reason".to_string(),
        };
        let error = FatalError {
            group: self.group,
            reason,
        };
        tracing::error!(
            group = self.group.0,
            reason = error.reason,
            "the group failed"
        );
        self.on_fatal.report(error);
    }
}
