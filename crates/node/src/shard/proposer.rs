//! Gathers a shard's operations into entries.
//!
//! Whatever arrived while the entries before were under way goes into the next one: batches grow
//! with the load by themselves, and an idle shard's operation waits for nothing. An entry whose
//! outcome is not known is proposed again under the same numbers until the hold time is over.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use squorum_consensus::{Group, ProposeError};
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{OpenSession, Refusal};
use squorum_queue::CommandOutcome;
use squorum_types::Entropy;
use squorum_types::service::ServiceError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::numbers::{Numbers, OpenNumber};
use super::request::{Admission, Answer, OpenReceive, PendingRelease, Reply, Request};
use super::state::Outcomes;
use crate::shard::entry::{Batch, EntryBuilder};
use crate::shutdown::stopped;
use crate::stamper::Stamper;

/// Entries under way at once. Two keep the disk and the apply thread busy together; more would only
/// make the entries smaller.
const ENTRIES_IN_FLIGHT_MAX: usize = 2;
/// Requests that wait, at most; who comes then waits for room.
const REQUESTS_MAX: usize = 4096;
/// How long an operation is held while nobody leads.
pub(crate) const HOLD: Duration = Duration::from_secs(5);
/// Between two tries when there is no event to wait for.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Where operations of one shard go.
#[derive(Clone, Debug)]
pub(crate) struct ProposerHandle {
    requests: mpsc::Sender<Request>,
}

impl ProposerHandle {
    /// Proposes an operation and answers its outcome. Dropping the future does not take the
    /// operation back, but undoes a receive.
    pub(crate) async fn propose(
        &self,
        operation: Operation,
        admission: Option<Admission>,
    ) -> Reply {
        let (reply, answer) = oneshot::channel();
        let request = Request {
            operation,
            reply,
            admission,
        };
        let stopped = ServiceError::Unavailable {
            reason: "node is stopping",
        };
        self.requests
            .send(request)
            .await
            .map_err(|_| stopped.clone())?;
        answer.await.unwrap_or(Err(stopped))
    }
}

/// One shard's proposer. Runs until its handles and the shutdown are gone.
pub(crate) struct Proposer {
    group: Group<Outcomes>,
    stamper: Stamper,
    entropy: Arc<dyn Entropy>,
    requests: mpsc::Receiver<Request>,
    releases: mpsc::UnboundedReceiver<PendingRelease>,
    release_sender: mpsc::UnboundedSender<PendingRelease>,
    numbers: Arc<Mutex<Numbers>>,
    /// Whether the shard knows the session. Before, one entry is under way at a time: a second one
    /// could overtake the first, which opens it.
    session_is_open: bool,
    /// The term in which an entry of ours was applied: the next term's first stamp may jump.
    stamped_term: u64,
}

/// A command that was given a number.
struct Numbered {
    number: OpenNumber,
    operation: Operation,
    reply: Option<oneshot::Sender<Reply>>,
    /// Closed by the release that it is.
    _released: Option<PendingRelease>,
    _admission: Option<Admission>,
}

/// Commands that were proposed, or are to be proposed again, as one entry.
struct Proposal {
    commands: Vec<Numbered>,
    numbers: Arc<Mutex<Numbers>>,
    deadline: Instant,
    tries: u32,
    term: u64,
}

type Proposed = (Proposal, Result<Outcomes, ProposeError>);

impl Proposer {
    pub(crate) fn new(
        group: Group<Outcomes>,
        stamper: Stamper,
        entropy: Arc<dyn Entropy>,
    ) -> (Proposer, ProposerHandle) {
        let (requests_sender, requests) = mpsc::channel(REQUESTS_MAX);
        let (release_sender, releases) = mpsc::unbounded_channel();
        let numbers = Arc::new(Mutex::new(Numbers::new(session_id(&*entropy))));
        let proposer = Proposer {
            group,
            stamper,
            entropy,
            requests,
            releases,
            release_sender,
            numbers,
            session_is_open: false,
            stamped_term: 0,
        };
        (
            proposer,
            ProposerHandle {
                requests: requests_sender,
            },
        )
    }

    pub(crate) async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut under_way = FuturesUnordered::new();
        let mut again: VecDeque<Proposal> = VecDeque::new();
        loop {
            let entries_max = if self.session_is_open {
                ENTRIES_IN_FLIGHT_MAX
            } else {
                1
            };
            let room = under_way.len() < entries_max;
            if let Some(proposal) = again.pop_front() {
                under_way.push(self.propose(proposal));
                continue;
            }
            tokio::select! {
                biased;
                Some((proposal, result)) = under_way.next() => {
                    again.extend(self.finish(proposal, result).await);
                }
                Some(release) = self.releases.recv(), if room => {
                    let first = self.number_release(release);
                    let proposal = self.gather(first);
                    under_way.push(self.propose(proposal));
                }
                Some(request) = self.requests.recv(), if room => {
                    let first = Some(self.number(request));
                    let proposal = self.gather(first);
                    under_way.push(self.propose(proposal));
                }
                () = stopped(&mut shutdown) => return,
            }
        }
    }

    /// Everything that waits, as far as it fits into an entry.
    fn gather(&mut self, first: Option<Numbered>) -> Proposal {
        let mut builder_bytes = 0;
        let mut commands = Vec::new();
        if self.numbers.lock().is_new() {
            commands.push(self.open_session());
        }
        let sized = |command: &Numbered| EntryBuilder::command_bytes(&command.operation);
        if let Some(first) = first {
            builder_bytes += sized(&first);
            commands.push(first);
        }
        while EntryBuilder::has_room(commands.len(), builder_bytes) {
            let next = if let Ok(release) = self.releases.try_recv() {
                match self.number_release(release) {
                    Some(command) => command,
                    None => continue,
                }
            } else if let Ok(request) = self.requests.try_recv() {
                self.number(request)
            } else {
                break;
            };
            builder_bytes += sized(&next);
            commands.push(next);
        }
        Proposal {
            commands,
            numbers: Arc::clone(&self.numbers),
            deadline: Instant::now() + HOLD,
            tries: 0,
            term: 0,
        }
    }

    fn open_session(&self) -> Numbered {
        let operation = Operation::OpenSession(OpenSession {});
        Numbered {
            number: self.open_number(),
            operation,
            reply: None,
            _released: None,
            _admission: None,
        }
    }

    fn open_number(&self) -> OpenNumber {
        let number = self.numbers.lock().open();
        OpenNumber {
            number,
            numbers: Arc::clone(&self.numbers),
        }
    }

    fn number(&self, request: Request) -> Numbered {
        let Request {
            operation,
            reply,
            admission,
        } = request;
        let number = self.open_number();
        Numbered {
            number,
            operation,
            reply: Some(reply),
            _released: None,
            _admission: admission,
        }
    }

    /// `None` for a receive of a session that is gone: nothing can be undone there.
    fn number_release(&self, release: PendingRelease) -> Option<Numbered> {
        if !release.is_of(&self.numbers) {
            return None;
        }
        let operation = release.operation();
        let number = self.open_number();
        let released = Some(release);
        Some(Numbered {
            number,
            operation,
            reply: None,
            _released: released,
            _admission: None,
        })
    }

    /// Hands the commands to the group now; the future ends with what became of them.
    fn propose(&self, mut proposal: Proposal) -> impl Future<Output = Proposed> + Send + use<> {
        proposal.tries += 1;
        proposal.term = self.group.leadership().term;
        let (session, acknowledgement) = {
            let numbers = proposal.numbers.lock();
            (numbers.session, numbers.acknowledgement())
        };
        let commands = proposal.commands.iter();
        let commands = commands.map(|command| (command.number.number, &command.operation));
        let entry = EntryBuilder {
            now: self.stamper.now(),
            first_stamp: proposal.term != self.stamped_term,
            batch: Batch {
                session,
                acknowledgement,
            },
        };
        let proposed = self.group.propose(entry.encode(commands));
        async move {
            let result = proposed.await;
            (proposal, result)
        }
    }

    /// Answers whoever waits, or says what to propose again.
    async fn finish(
        &mut self,
        proposal: Proposal,
        result: Result<Outcomes, ProposeError>,
    ) -> Option<Proposal> {
        match result {
            Ok(outcomes) => {
                self.stamped_term = self.stamped_term.max(proposal.term);
                self.answer(proposal, outcomes)
            }
            Err(ProposeError::Stopped | ProposeError::TooLarge { .. }) => {
                fail(proposal, "group has stopped");
                None
            }
            Err(error) if Instant::now() < proposal.deadline => {
                tracing::debug!(group = %self.group.id(), %error, "proposal is repeated");
                self.wait_for_leader(proposal.deadline).await;
                Some(proposal)
            }
            Err(error) => {
                tracing::warn!(group = %self.group.id(), %error, "proposal is given up");
                fail(proposal, "no leader could be reached");
                None
            }
        }
    }

    async fn wait_for_leader(&self, deadline: Instant) {
        tokio::time::sleep(RETRY_PAUSE).await;
        let mut leadership = self.group.watch_leadership();
        let ready = leadership.wait_for(|leadership| leadership.ready_to_serve);
        // Either way it is proposed again: the answer tells.
        let _ = tokio::time::timeout_at(deadline, ready).await;
    }

    /// Hands out the outcomes. Commands that the shard refused because it has forgotten the session,
    /// and that were proposed once, have surely not run: they are tried under a new session.
    fn answer(&mut self, proposal: Proposal, outcomes: Outcomes) -> Option<Proposal> {
        let lost = outcomes.first().is_some_and(session_is_gone);
        let current = Arc::ptr_eq(&proposal.numbers, &self.numbers);
        if current {
            self.session_is_open = !lost;
        }
        if lost && current {
            tracing::warn!(group = %self.group.id(), "session has expired and is opened anew");
            let session = session_id(&*self.entropy);
            self.numbers = Arc::new(Mutex::new(Numbers::new(session)));
        }
        let mut again = Vec::new();
        let first_try = proposal.tries == 1;
        for (command, outcome) in proposal.commands.into_iter().zip(outcomes) {
            assert!(
                outcome.number == command.number.number,
                "outcomes come in order"
            );
            if !session_is_gone(&outcome) {
                self.answer_one(command, outcome);
            } else if first_try && command.reply.is_some() {
                again.push(command);
            } else if let Some(reply) = command.reply {
                let reason = "outcome is unknown";
                let _ = reply.send(Err(ServiceError::Unavailable { reason }));
            }
        }
        (!again.is_empty()).then(|| self.renumber(again, proposal.deadline))
    }

    fn answer_one(&self, command: Numbered, outcome: CommandOutcome) {
        let Some(reply) = command.reply else { return };
        let CommandOutcome {
            outcome, messages, ..
        } = outcome;
        let is_receive = matches!(command.operation, Operation::Receive(_));
        let receive = is_receive.then(|| OpenReceive {
            number: Some(command.number),
            releases: self.release_sender.clone(),
        });
        // If nobody waits any more, the answer comes back, and its drop undoes a receive.
        let _ = reply.send(Ok(Answer {
            outcome,
            messages,
            receive,
        }));
    }

    fn renumber(&self, commands: Vec<Numbered>, deadline: Instant) -> Proposal {
        let opens = self.numbers.lock().is_new();
        let mut renumbered: Vec<_> = opens.then(|| self.open_session()).into_iter().collect();
        renumbered.extend(commands.into_iter().map(|command| {
            let Numbered {
                operation,
                reply,
                _admission,
                ..
            } = command;
            let number = self.open_number();
            Numbered {
                number,
                operation,
                reply,
                _released: None,
                _admission,
            }
        }));
        // Not a first try: a session that is refused again leaves its commands unanswered.
        let numbers = Arc::clone(&self.numbers);
        Proposal {
            commands: renumbered,
            numbers,
            deadline,
            tries: 1,
            term: 0,
        }
    }
}

fn session_is_gone(outcome: &CommandOutcome) -> bool {
    matches!(&outcome.outcome.kind, Some(Kind::Refused(refused))
        if refused.refusal() == Refusal::Session)
}

fn fail(proposal: Proposal, reason: &'static str) {
    for command in proposal.commands {
        if let Some(reply) = command.reply {
            let _ = reply.send(Err(ServiceError::Unavailable { reason }));
        }
    }
}

/// Never 0, which names no session.
fn session_id(entropy: &dyn Entropy) -> u64 {
    entropy.next_u64().max(1)
}
