//! The way from this gateway to whoever leads a shard.

use std::sync::Arc;
use std::time::Duration;

use squorum_consensus::{Group, Leadership};
use squorum_types::{GroupId, ShardId};
use tokio::sync::watch;
use tokio::time::Instant;

use super::batch::{Batch, SubmitError, Submitted, SubmittedBatch};
use super::proposer::ProposerHandle;
use super::state::Outcomes;
use crate::cluster::ClusterView;
use crate::gateway::LeaderClient;
use crate::observe::Figures;

/// Between two tries when there is no event to wait for.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Route {
    pub(super) shard: ShardId,
    pub(super) group: Group<Outcomes>,
    pub(super) proposer: ProposerHandle,
    pub(super) leaders: LeaderClient,
    pub(super) view: ClusterView,
    pub(super) figures: Arc<Figures>,
}

/// Why a batch was not brought through. Its commands may have been applied, or may yet be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GaveUp {
    /// Nobody led the shard, or could be reached, for as long as a request is held.
    NoLeader,
    /// This node reaches no majority, so it will not find a leader soon.
    CutOff,
    Stopped,
}

impl GaveUp {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            GaveUp::NoLeader => "no leader could be reached",
            GaveUp::CutOff => "this node reaches no majority of the cluster",
            GaveUp::Stopped => "node is stopping",
        }
    }
}

impl Route {
    pub(crate) fn figures(&self) -> &Figures {
        &self.figures
    }

    pub(crate) fn group_id(&self) -> GroupId {
        self.group.id()
    }

    /// Submits a batch to the leader, again and again until it was applied or the deadline is over.
    /// True in the answer if no try before the last could have been applied.
    pub(crate) async fn submit(
        &self,
        mut batch: Batch,
        deadline: Instant,
    ) -> Result<(Vec<Submitted>, bool), GaveUp> {
        let mut may_be_applied = false;
        loop {
            let error = match self.submit_once(&batch, deadline).await {
                Ok(answers) => return Ok((answers, !may_be_applied)),
                Err(SubmitError::Stopped) => return Err(GaveUp::Stopped),
                Err(error) => error,
            };
            if error == SubmitError::OutcomeUnknown {
                may_be_applied = true;
                // They may have messages already: the leader must answer them from the log.
                batch.fresh_receives.clear();
            }
            if self.view.is_cut_off() {
                self.figures.batches_given_up.increment();
                return Err(GaveUp::CutOff);
            }
            if Instant::now() + RETRY_PAUSE >= deadline {
                tracing::warn!(group = %self.group.id(), %error, "commands are given up");
                self.figures.batches_given_up.increment();
                return Err(GaveUp::NoLeader);
            }
            tracing::debug!(group = %self.group.id(), %error, "commands are submitted again");
            let resubmitted = match error {
                SubmitError::OutcomeUnknown => &self.figures.batches_resubmitted_unknown,
                _ => &self.figures.batches_resubmitted_not_leader,
            };
            resubmitted.increment();
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn submit_once(&self, batch: &Batch, deadline: Instant) -> SubmittedBatch {
        let mut watch = self.group.watch_leadership();
        let leadership = *watch.borrow_and_update();
        let Some(leader) = leadership.leader else {
            self.wait_for_leader(&mut watch, deadline).await;
            return Err(SubmitError::NotLeader { leader: None });
        };
        let submit = async {
            if leader == self.group.node() {
                self.proposer.submit(batch.clone()).await
            } else {
                let leaders = &self.leaders;
                leaders.submit(leader, self.shard, batch, deadline).await
            }
        };
        tokio::select! {
            answer = submit => answer,
            () = deposed(&mut watch, leadership.term) => Err(SubmitError::OutcomeUnknown),
            () = self.view.cut_off() => Err(SubmitError::OutcomeUnknown),
            () = tokio::time::sleep_until(deadline) => Err(SubmitError::OutcomeUnknown),
        }
    }

    async fn wait_for_leader(&self, watch: &mut watch::Receiver<Leadership>, deadline: Instant) {
        let found = watch.wait_for(|leadership| leadership.leader.is_some());
        // Either way it is submitted again: the answer tells.
        tokio::select! {
            _ = tokio::time::timeout_at(deadline, found) => {}
            () = self.view.cut_off() => {}
        }
    }
}

/// Returns when a higher term has begun: an answer from the old leader may never come.
async fn deposed(watch: &mut watch::Receiver<Leadership>, term: u64) {
    if watch
        .wait_for(|leadership| leadership.term > term)
        .await
        .is_err()
    {
        // The group has ended; the deadline ends the rest.
        std::future::pending().await
    }
}
