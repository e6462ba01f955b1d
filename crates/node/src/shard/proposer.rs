//! The leader's side: makes entries of the batches of all gateways.
//!
//! Whatever arrived while the entries before were under way goes into the next one: entries grow
//! with the load by themselves, and an idle shard's operation waits for nothing.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use squorum_consensus::{Group, ProposeError};
use squorum_queue::CommandOutcome;
use tokio::sync::{mpsc, oneshot, watch};

use super::batch::{Batch, SubmitError, Submitted, SubmittedBatch};
use super::board::{Board, Claim, Look};
use super::entry::EntryBuilder;
use super::state::Outcomes;
use crate::observe::Figures;
use crate::shutdown::stopped;
use crate::stamper::Stamper;

/// Entries under way at once. Two keep the disk and the apply thread busy together; more would only
/// make the entries smaller.
const ENTRIES_IN_FLIGHT_MAX: usize = 2;
/// Batches that wait, at most; who comes then waits for room.
const BATCHES_MAX: usize = 256;

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
    /// The term in which an entry of ours was applied: the next term's first stamp may jump.
    stamped_term: u64,
}

/// A batch that was admitted to an entry.
struct Admitted {
    /// One for each command; `Some` for those that are answered without being proposed.
    answers: Vec<Option<Submitted>>,
    reply: oneshot::Sender<SubmittedBatch>,
}

/// What an entry under way holds.
struct Entry {
    admitted: Vec<Admitted>,
    term: u64,
    /// Rights to the messages that its receives are for; given up when it is applied.
    _claims: Vec<Claim>,
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
            stamped_term: 0,
        };
        let submissions = sender;
        (proposer, ProposerHandle { submissions })
    }

    pub(crate) async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut under_way = FuturesUnordered::new();
        loop {
            let room = under_way.len() < ENTRIES_IN_FLIGHT_MAX;
            tokio::select! {
                biased;
                Some((entry, result)) = under_way.next() => self.finish(entry, result),
                submission = self.submissions.recv(), if room => {
                    let Some(first) = submission else { return };
                    if let Some(proposed) = self.propose(first) {
                        under_way.push(proposed);
                    }
                }
                () = stopped(&mut shutdown) => return,
            }
        }
    }

    /// Hands everything that waits, as far as it fits into an entry, to the group now.
    fn propose(
        &mut self,
        first: Submission,
    ) -> Option<impl Future<Output = (Entry, Result<Outcomes, ProposeError>)> + Send + use<>> {
        let leadership = self.group.leadership();
        let term = leadership.term;
        let mut entry = Entry {
            admitted: Vec::new(),
            term,
            _claims: Vec::new(),
        };
        let now = self.stamper.now();
        let mut builder = EntryBuilder::new(now, term != self.stamped_term);
        let mut next = Some(first);
        while let Some(submission) = next.take() {
            self.admit(submission, &mut entry, &mut builder);
            if builder.has_room() {
                next = self.submissions.try_recv().ok();
            }
        }
        if entry.admitted.is_empty() {
            return None;
        }
        self.figures.entries_proposed.increment();
        let proposed = self.group.propose(builder.encode());
        Some(async move { (entry, proposed.await) })
    }

    /// Puts a batch into the entry, or answers it at once.
    fn admit(&self, submission: Submission, entry: &mut Entry, builder: &mut EntryBuilder) {
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
        let now = self.stamper.now();
        for fresh in fresh_receives {
            match self.board.look(fresh.partition, now) {
                Look::Claimed(claim) => entry._claims.push(claim),
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
        builder.push(batch);
        entry.admitted.push(Admitted { answers, reply });
    }

    fn finish(&mut self, entry: Entry, result: Result<Outcomes, ProposeError>) {
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
        self.stamped_term = self.stamped_term.max(entry.term);
        let mut outcomes = outcomes.into_iter();
        for Admitted { answers, reply } in entry.admitted {
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
        outcome, messages, ..
    } = outcome;
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
