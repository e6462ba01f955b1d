//! Giving the leadership to another member.
//!
//! A leader that hands over gives up its lease: the successor need not wait for it. openraft does
//! not show that a leader is handing over, and never takes it back: it lasts until a higher term
//! begins. So this node remembers the terms in which it must serve nothing from its own state.
//!
//! Invariants:
//! 1. Before openraft hears of a hand-over, no term may be served.
//! 2. Afterwards exactly the terms are barred in which openraft may have begun it.

use std::time::Duration;

use openraft::ServerState;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::Fatal;
use squorum_types::NodeId;
use tokio::sync::{Mutex, watch};

use super::Group;
use crate::error::TransferError;
use crate::raft_types::TypeConfig;

/// Until the successor leads.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A successor that lacks more entries than this would be waited for too long.
const LAG_MAX: u64 = 4096;

/// The terms in which this node must not serve.
#[derive(Debug)]
pub(super) struct Handover {
    /// All up to this one.
    barred: watch::Sender<u64>,
    under_way: Mutex<()>,
}

/// Tells when terms are barred.
#[derive(Debug)]
pub(super) struct HandoverWatch(watch::Receiver<u64>);

impl Handover {
    pub(super) fn new() -> Handover {
        Handover {
            barred: watch::Sender::new(0),
            under_way: Mutex::new(()),
        }
    }

    pub(super) fn watch(&self) -> HandoverWatch {
        HandoverWatch(self.barred.subscribe())
    }

    pub(super) fn may_serve_in(&self, term: u64) -> bool {
        *self.barred.borrow() < term
    }
}

impl HandoverWatch {
    pub(super) fn may_serve_in(&mut self, term: u64) -> bool {
        *self.0.borrow_and_update() < term
    }

    pub(super) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

impl<O: Send + 'static> Group<O> {
    /// Hands the leadership to `to`, another voter. From now on this node serves nothing from its
    /// own state and refuses proposals; returns when `to` leads. Goes on if the future is dropped.
    pub async fn transfer_leadership(&self, to: NodeId) -> Result<(), TransferError> {
        let group = self.clone();
        let transfer = tokio::spawn(async move { group.transfer(to).await });
        transfer.await.unwrap_or(Err(TransferError::Stopped))
    }

    async fn transfer(&self, to: NodeId) -> Result<(), TransferError> {
        let handover = &self.inner.handover;
        let Ok(_only) = handover.under_way.try_lock() else {
            return Err(TransferError::UnderWay);
        };
        self.check_successor(to)?;
        let before = handover.barred.send_replace(u64::MAX);
        let (begun, barred) = match self.begin_transfer(to).await {
            Ok(Begun::InTerm(term)) => (true, term),
            Ok(Begun::Never) => (false, before),
            Err(_) => return Err(TransferError::Stopped),
        };
        handover.barred.send_replace(barred);
        if !begun {
            let leader = self.leadership().leader;
            return Err(TransferError::NotLeader { leader });
        }
        self.wait_for_successor(to, barred).await
    }

    /// Whether `to` could take over at once.
    fn check_successor(&self, to: NodeId) -> Result<(), TransferError> {
        let metrics = self.inner.metrics.borrow_watched();
        if metrics.state != ServerState::Leader {
            let leader = metrics.current_leader.map(NodeId);
            return Err(TransferError::NotLeader { leader });
        }
        let is_voter = metrics
            .membership_config
            .voter_ids()
            .any(|voter| voter == to.0);
        if to == self.inner.node || !is_voter {
            return Err(TransferError::NotAVoter(to));
        }
        let last = metrics.last_log_index.unwrap_or(0);
        drop(metrics);
        let progress = self.replication();
        let successor = progress.iter().find(|progress| progress.node == to);
        let is_near = successor.is_some_and(|progress| {
            progress.matched_index.is_some_and(|m| m + LAG_MAX >= last)
                && progress.heard_ago.is_some_and(|ago| ago < self.inner.lease)
        });
        is_near.then_some(()).ok_or(TransferError::NotCaughtUp(to))
    }

    /// Tells openraft. The core handles messages in order, so its term before and after says in
    /// which one it began; if a new term of this node's own came between, it is told once more.
    async fn begin_transfer(&self, to: NodeId) -> Result<Begun, Fatal<TypeConfig>> {
        let (mut term, mut leads) = self.own_term().await?;
        if !leads {
            return Ok(Begun::Never);
        }
        // Every round but the last needs an election that this node won meanwhile.
        loop {
            self.inner.raft.trigger().transfer_leader(to.0).await?;
            let before = term;
            (term, leads) = self.own_term().await?;
            if term == before {
                return Ok(Begun::InTerm(term));
            }
            if !leads {
                // Should this node yet win that term, it does so after the message.
                return Ok(Begun::InTerm(term - 1));
            }
        }
    }

    /// The core's term, and whether this node leads in it.
    async fn own_term(&self) -> Result<(u64, bool), Fatal<TypeConfig>> {
        let own_id = self.inner.node.0;
        let read = self.inner.raft.with_raft_state(move |state| {
            let vote = state.vote_ref();
            let leads = vote.committed && vote.leader_id.voted_for == own_id;
            (vote.leader_id.term, leads)
        });
        read.await
    }

    async fn wait_for_successor(&self, to: NodeId, barred: u64) -> Result<(), TransferError> {
        let mut leadership = self.watch_leadership();
        let elected = leadership.wait_for(|now| now.term > barred && now.leader.is_some());
        match tokio::time::timeout(TIMEOUT, elected).await {
            Ok(Ok(now)) => match now.leader {
                Some(leader) if leader != to => Err(TransferError::Elsewhere(leader)),
                Some(_) | None => Ok(()),
            },
            Ok(Err(_)) => Err(TransferError::Stopped),
            Err(_) => Err(TransferError::TimedOut),
        }
    }
}

enum Begun {
    /// In this term, or in one below it.
    InTerm(u64),
    Never,
}
