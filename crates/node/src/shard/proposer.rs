//! The leader's side: makes entries of the batches of all gateways.
//!
//! Whatever arrived while the entry before was under way goes into the next one: entries grow with
//! the load by themselves, and an idle shard's operation waits for nothing. What an entry costs, three
//! nodes' syncs and what wakes for them, hardly depends on its size. So a second one is under way only
//! if it is large.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use squorum_consensus::{Group, ProposeError};
use squorum_queue::CommandOutcome;
use squorum_types::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use super::batch::{Batch, SubmitError, Submitted, SubmittedBatch};
use super::board::{Board, Look};
use super::draft::{Admitted, Draft};
use super::state::Outcomes;
use crate::observe::Figures;
use crate::shutdown::stopped;
use crate::stamper::Stamper;

/// Batches that wait, at most; who comes then waits for room.
const BATCHES_MAX: usize = 256;

/// After such a silence the next entry's stamp may jump, as a new leader's may: a shard's clock moves
/// with its entries alone, and in one entry by twice as much at most. If it were left behind, a
/// message sent after a quiet hour would count as an hour old, and what is due then would be late.
const SILENCE_MS: u64 = 30_000;

/// Where batches for a shard go on the node that leads it.
#[derive(Clone, Debug)]
pub(crate) struct ProposerHandle {
    submissions: mpsc::Sender<Submission>,
}

#[derive(Debug)]
struct Submission {
    batch: Batch,
    reply: oneshot::Sender<SubmittedBatch>,
}

impl ProposerHandle {
    /// Proposes the batch's commands if this node leads. Dropping the future does not take them
    /// back.
    pub(crate) async fn submit(&self, batch: Batch) -> SubmittedBatch {
        let (reply, answer) = oneshot::channel();
        let submission = Submission { batch, reply };
        let handed_over = self.submissions.send(submission).await;
        handed_over.map_err(|_| SubmitError::Stopped)?;
        // A proposer that ends may have proposed it.
        answer.await.unwrap_or(Err(SubmitError::OutcomeUnknown))
    }
}

/// One shard's proposer. Runs until its handles or the shutdown are gone.
pub(crate) struct Proposer {
    group: Group<Outcomes>,
    board: Board,
    stamper: Stamper,
    figures: Arc<Figures>,
    submissions: mpsc::Receiver<Submission>,
    /// Of our last entry that was applied.
    last_stamp: Stamp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp {
    term: u64,
    at: Timestamp,
}

impl Stamp {
    /// Whether the shard's clock may jump from this stamp to the next one.
    fn may_jump_to(self, next: Stamp) -> bool {
        self.term != next.term || next.at.ms_since(self.at) >= SILENCE_MS
    }
}

/// An entry under way.
struct Proposed {
    admitted: Vec<Admitted>,
    stamp: Stamp,
}

impl Proposer {
    pub(crate) fn new(
        group: Group<Outcomes>,
        board: Board,
        stamper: Stamper,
        figures: Arc<Figures>,
    ) -> (Proposer, ProposerHandle) {
        let (sender, submissions) = mpsc::channel(BATCHES_MAX);
        let proposer = Proposer {
            group,
            board,
            stamper,
            figures,
            submissions,
            last_stamp: Stamp::default(),
        };
        let submissions = sender;
        (proposer, ProposerHandle { submissions })
    }

    pub(crate) async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut under_way = FuturesUnordered::new();
        let mut draft = Draft::default();
        loop {
            tokio::select! {
                biased;
                Some((entry, result)) = under_way.next() => self.finish(entry, result),
                submission = self.submissions.recv(), if draft.has_room() => {
                    let Some(submission) = submission else { return };
                    self.admit(submission, &mut draft);
                }
                () = stopped(&mut shutdown) => return,
            }
            while draft.has_room()
                && let Ok(submission) = self.submissions.try_recv()
            {
                self.admit(submission, &mut draft);
            }
            if draft.may_go_beside(under_way.len()) {
                under_way.push(self.propose(std::mem::take(&mut draft)));
            }
        }
    }

    /// Hands the entry to the group now.
    fn propose(
        &self,
        draft: Draft,
    ) -> impl Future<Output = (Proposed, Result<Outcomes, ProposeError>)> + Send + use<> {
        let stamp = Stamp {
            term: self.group.leadership().term,
            at: self.stamper.now(),
        };
        let (entry, admitted) = draft.encode(stamp.at, self.last_stamp.may_jump_to(stamp));
        let proposed = Proposed { admitted, stamp };
        self.figures.entries_proposed.increment();
        let outcomes = self.group.propose(entry);
        async move { (proposed, outcomes.await) }
    }

    /// Puts a batch into the draft, or answers it at once.
    fn admit(&self, submission: Submission, draft: &mut Draft) {
        let Submission { mut batch, reply } = submission;
        let fresh_receives = std::mem::take(&mut batch.fresh_receives);
        // Only a leader's board, of its own term, says for certain that there is nothing.
        if !fresh_receives.is_empty() && !self.group.can_serve_locally() {
            let leader = self.group.leadership().leader;
            let leader = leader.filter(|leader| *leader != self.group.node());
            let _ = reply.send(Err(SubmitError::NotLeader { leader }));
            return;
        }
        let mut answers: Vec<Option<Submitted>> = Vec::new();
        answers.resize_with(batch.commands.len(), || None);
        let mut claims = Vec::new();
        let now = self.stamper.now();
        for fresh in fresh_receives {
            match self.board.look(fresh.partition, now) {
                Look::Claimed(claim) => claims.push(claim),
                Look::Empty => {
                    let log_index = self.group.last_log_index().unwrap_or(0);
                    if let Some(answer) = answers.get_mut(fresh.position) {
                        *answer = Some(Submitted::NothingThere { log_index });
                    }
                }
            }
        }
        let mut answered = answers.iter().map(Option::is_some);
        batch.commands.retain(|_| !answered.next().unwrap_or(false));
        if batch.commands.is_empty() {
            let _ = reply.send(Ok(answers.into_iter().flatten().collect()));
            return;
        }
        let count = batch.commands.len() as u64;
        self.figures.commands_proposed.add(count);
        let admitted = Admitted {
            answers,
            reply,
            _claims: claims,
        };
        draft.push(batch, admitted);
    }

    fn finish(&mut self, entry: Proposed, result: Result<Outcomes, ProposeError>) {
        let outcomes = match result {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::debug!(group = %self.group.id(), %error, "entry was not applied here");
                let error = submit_error(&error);
                for admitted in entry.admitted {
                    let _ = admitted.reply.send(Err(error));
                }
                return;
            }
        };
        self.last_stamp = self.last_stamp.max(entry.stamp);
        let mut outcomes = outcomes.into_iter();
        for admitted in entry.admitted {
            let Admitted { answers, reply, .. } = admitted;
            let answers = answers
                .into_iter()
                .map(|answer| answer.or_else(|| outcomes.next().map(applied)))
                .collect::<Option<Vec<_>>>();
            let answers = answers.expect("every command of an entry has an outcome");
            // If nobody waits any more, the gateway asks again or gives the commands up.
            let _ = reply.send(Ok(answers));
        }
    }
}

fn applied(outcome: CommandOutcome) -> Submitted {
    let CommandOutcome {
        outcome,
        messages,
        left_out,
        ..
    } = outcome;
    if left_out {
        return Submitted::LeftOut;
    }
    Submitted::Applied { outcome, messages }
}

/// What a failed proposal means to whoever asked for it.
pub(crate) fn submit_error(error: &ProposeError) -> SubmitError {
    match error {
        ProposeError::NotLeader { leader } => SubmitError::NotLeader { leader: *leader },
        // Not proposed either; there is room again soon.
        ProposeError::Overloaded => SubmitError::NotLeader { leader: None },
        ProposeError::OutcomeUnknown { .. } => SubmitError::OutcomeUnknown,
        ProposeError::Stopped | ProposeError::TooLarge { .. } => SubmitError::Stopped,
    }
}
