//! The gateway's side of a shard: numbers operations and brings them through.
//!
//! Whatever arrived while the batches before were under way goes into the next one. A batch whose
//! outcome is not known is submitted again under the same numbers, to whoever leads by then, until
//! the hold time is over: so each operation runs once, whatever happens to leaders.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use prost::Message;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{Command, OpenSession, Outcome, Refusal};
use squorum_types::service::ServiceError;
use squorum_types::{Entropy, PartitionId};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::HOLD;
use super::batch::{Batch, FreshReceive, Submitted};
use super::entry::{ENTRY_BYTES_MAX, ENTRY_COMMANDS_MAX};
use super::numbers::{Acknowledgement, Numbers, OpenNumber};
use super::request::{Admission, Answer, OpenReceive, PendingRelease, Reply, Request};
use super::route::{GaveUp, Route};
use crate::shutdown::stopped;

/// Batches under way at once. Two keep the way to the leader and its disk busy together.
const BATCHES_IN_FLIGHT_MAX: usize = 2;
/// Requests that wait, at most; who comes then waits for room.
const REQUESTS_MAX: usize = 4096;

/// Where operations for one shard go. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct SessionHandle {
    requests: mpsc::Sender<Request>,
}

impl SessionHandle {
    /// Has an operation applied and answers its outcome. Dropping the future does not take the
    /// operation back, but undoes a receive.
    pub(crate) async fn propose(
        &self,
        operation: Operation,
        admission: Option<Admission>,
    ) -> Reply {
        self.request(operation, admission, None).await
    }

    /// The same for a receive without a claim on the leader's board: the leader shall look first
    /// whether `partition` has anything.
    pub(crate) async fn propose_fresh(
        &self,
        operation: Operation,
        partition: PartitionId,
    ) -> Reply {
        self.request(operation, None, Some(partition)).await
    }

    async fn request(
        &self,
        operation: Operation,
        admission: Option<Admission>,
        fresh: Option<PartitionId>,
    ) -> Reply {
        let (reply, answer) = oneshot::channel();
        let request = Request {
            operation,
            reply,
            admission,
            fresh,
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

/// This node's session with one shard. Runs until its handles or the shutdown are gone.
pub(crate) struct Session {
    route: Route,
    entropy: Arc<dyn Entropy>,
    requests: mpsc::Receiver<Request>,
    releases: mpsc::UnboundedReceiver<PendingRelease>,
    release_sender: mpsc::UnboundedSender<PendingRelease>,
    numbers: Arc<Mutex<Numbers>>,
    /// Whether the shard knows the session. Before, one batch is under way at a time: a second one
    /// could overtake the first, which opens it.
    is_open: bool,
}

/// A command that was given a number.
struct Numbered {
    number: OpenNumber,
    /// Encoded: the one copy of its bodies that this node holds.
    command: Bytes,
    is_receive: bool,
    reply: Option<oneshot::Sender<Reply>>,
    fresh: Option<PartitionId>,
    /// Closed by the release that it is.
    _released: Option<PendingRelease>,
    _admission: Option<Admission>,
}

/// Commands that are submitted as one batch.
struct Proposal {
    commands: Vec<Numbered>,
    numbers: Arc<Mutex<Numbers>>,
    deadline: Instant,
    /// Whether they are tried under new numbers if the shard has forgotten the session: none of them
    /// was tried so before, nor has run.
    may_be_renumbered: bool,
}

/// A proposal that was submitted, what its batch acknowledged, and what became of it.
struct Proposed {
    proposal: Proposal,
    acknowledgement: Acknowledgement,
    result: Result<(Vec<Submitted>, bool), GaveUp>,
}

impl Session {
    pub(crate) fn new(route: Route, entropy: Arc<dyn Entropy>) -> (Session, SessionHandle) {
        let (requests_sender, requests) = mpsc::channel(REQUESTS_MAX);
        let (release_sender, releases) = mpsc::unbounded_channel();
        let numbers = Arc::new(Mutex::new(Numbers::new(session_id(&*entropy))));
        let session = Session {
            route,
            entropy,
            requests,
            releases,
            release_sender,
            numbers,
            is_open: false,
        };
        let requests = requests_sender;
        (session, SessionHandle { requests })
    }

    pub(crate) async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut under_way = FuturesUnordered::new();
        loop {
            let batches_max = if self.is_open {
                BATCHES_IN_FLIGHT_MAX
            } else {
                1
            };
            let room = under_way.len() < batches_max;
            tokio::select! {
                biased;
                Some(proposed) = under_way.next() => {
                    for again in self.finish(proposed) {
                        under_way.push(self.submit(again));
                    }
                }
                Some(release) = self.releases.recv(), if room => {
                    let mut commands = self.opening();
                    commands.extend(self.number_release(release));
                    let proposal = self.gather(commands);
                    under_way.push(self.submit(proposal));
                }
                Some(request) = self.requests.recv(), if room => {
                    let mut commands = self.opening();
                    commands.push(self.number(request));
                    let proposal = self.gather(commands);
                    under_way.push(self.submit(proposal));
                }
                () = stopped(&mut shutdown) => return,
            }
        }
    }

    /// What the first batch of a session begins with. To be called before anything else is numbered:
    /// the shard refuses a session that nothing has opened.
    fn opening(&self) -> Vec<Numbered> {
        let opens = self.numbers.lock().is_new();
        opens.then(|| self.open_session()).into_iter().collect()
    }

    /// The commands, and everything that waits, as far as it fits into a batch.
    fn gather(&mut self, mut commands: Vec<Numbered>) -> Proposal {
        let bytes = commands.iter().map(|command| command.command.len());
        let mut bytes: usize = bytes.sum();
        while commands.len() < ENTRY_COMMANDS_MAX && bytes < ENTRY_BYTES_MAX {
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
            bytes += next.command.len();
            commands.push(next);
        }
        Proposal {
            commands,
            numbers: Arc::clone(&self.numbers),
            deadline: Instant::now() + HOLD,
            may_be_renumbered: true,
        }
    }

    fn open_session(&self) -> Numbered {
        self.numbered(Operation::OpenSession(OpenSession {}))
    }

    fn numbered(&self, operation: Operation) -> Numbered {
        let number = OpenNumber {
            number: self.numbers.lock().open(),
            numbers: Arc::clone(&self.numbers),
        };
        let is_receive = matches!(operation, Operation::Receive(_));
        let command = Command {
            number: number.number,
            operation: Some(operation),
        };
        Numbered {
            number,
            command: command.encode_to_vec().into(),
            is_receive,
            reply: None,
            fresh: None,
            _released: None,
            _admission: None,
        }
    }

    fn number(&self, request: Request) -> Numbered {
        let Request {
            operation,
            reply,
            admission,
            fresh,
        } = request;
        Numbered {
            reply: Some(reply),
            fresh,
            _admission: admission,
            ..self.numbered(operation)
        }
    }

    /// `None` for a receive of a session that is gone: nothing can be undone there.
    fn number_release(&self, release: PendingRelease) -> Option<Numbered> {
        if !release.is_of(&self.numbers) {
            return None;
        }
        self.route.figures().releases.increment();
        let numbered = self.numbered(release.operation());
        Some(Numbered {
            _released: Some(release),
            ..numbered
        })
    }

    /// Submits the commands; the future ends with what became of them. Its flag says whether they
    /// were certainly not applied by an earlier try.
    fn submit(&self, proposal: Proposal) -> impl Future<Output = Proposed> + Send + use<> {
        let (session, acknowledgement) = {
            let mut numbers = proposal.numbers.lock();
            (numbers.session, numbers.acknowledgement())
        };
        let commands = proposal.commands.iter().enumerate();
        let fresh = commands.filter_map(|(position, command)| {
            let partition = command.fresh?;
            Some(FreshReceive {
                position,
                partition,
            })
        });
        let batch = Batch {
            session,
            acknowledgement: acknowledgement.clone(),
            fresh_receives: fresh.collect(),
            commands: proposal
                .commands
                .iter()
                .map(|command| command.command.clone())
                .collect(),
        };
        let route = self.route.clone();
        async move {
            let result = route.submit(batch, proposal.deadline).await;
            Proposed {
                proposal,
                acknowledgement,
                result,
            }
        }
    }

    /// Answers whoever waits, or says what to submit again.
    fn finish(&mut self, proposed: Proposed) -> Vec<Proposal> {
        let Proposed {
            proposal,
            acknowledgement,
            result,
        } = proposed;
        match result {
            Ok((answers, only_try)) => {
                // A batch of fresh receives that found nothing has not come to the log.
                if answers.iter().any(Submitted::is_applied) {
                    proposal.numbers.lock().acknowledged(&acknowledgement);
                }
                self.answer(proposal, answers, only_try)
            }
            Err(gave_up) => {
                // The shard may never have heard of the session.
                if !self.is_open && Arc::ptr_eq(&proposal.numbers, &self.numbers) {
                    self.renew_session();
                }
                for command in proposal.commands {
                    if let Some(reply) = command.reply {
                        let reason = gave_up.reason();
                        let _ = reply.send(Err(ServiceError::Unavailable { reason }));
                    }
                }
                Vec::new()
            }
        }
    }

    /// Hands out the outcomes. Commands that the shard refused because it has forgotten the session,
    /// and that were submitted once, have surely not run: they are tried under a new session. Receives
    /// whose messages were left out are asked again, for as long as the leader answers some.
    fn answer(
        &mut self,
        proposal: Proposal,
        answers: Vec<Submitted>,
        only_try: bool,
    ) -> Vec<Proposal> {
        assert!(
            answers.len() == proposal.commands.len(),
            "every command has an answer"
        );
        let current = Arc::ptr_eq(&proposal.numbers, &self.numbers);
        self.note_session(current, &answers);
        let may_try_again = only_try && proposal.may_be_renumbered;
        let (mut again, mut left_out) = (Vec::new(), Vec::new());
        for (command, answer) in proposal.commands.into_iter().zip(answers) {
            if matches!(answer, Submitted::LeftOut) {
                left_out.extend(self.still_wanted(command));
            } else if !session_is_gone(&answer) {
                self.answer_one(command, answer);
            } else if may_try_again && command.reply.is_some() {
                again.push(command);
            } else if let Some(reply) = command.reply {
                let reason = "outcome is unknown";
                let _ = reply.send(Err(ServiceError::Unavailable { reason }));
            }
        }
        let left_out = (!left_out.is_empty()).then(|| Proposal {
            commands: left_out,
            numbers: proposal.numbers,
            deadline: Instant::now() + HOLD,
            may_be_renumbered: false,
        });
        let again = (!again.is_empty()).then(|| self.renumber(again, proposal.deadline));
        left_out.into_iter().chain(again).collect()
    }

    /// Learns whether the shard knows the session; takes a new one if it does not.
    fn note_session(&mut self, current: bool, answers: &[Submitted]) {
        if !current {
            return;
        }
        if answers.iter().any(session_is_gone) {
            tracing::warn!(group = %self.route.group_id(), "session has expired and is opened anew");
            self.route.figures().sessions_reopened.increment();
            self.renew_session();
        } else if answers.iter().any(Submitted::is_applied) {
            self.is_open = true;
        }
    }

    /// Numbers of the former session are never used again, so late commands of it do no harm.
    fn renew_session(&mut self) {
        let session = session_id(&*self.entropy);
        self.numbers = Arc::new(Mutex::new(Numbers::new(session)));
        self.is_open = false;
    }

    /// A receive that was applied, to be asked again; undone if nobody waits for it any more.
    fn still_wanted(&self, command: Numbered) -> Option<Numbered> {
        if command
            .reply
            .as_ref()
            .is_some_and(|reply| !reply.is_closed())
        {
            // The leader must answer from the log, not from what there is by now.
            return Some(Numbered {
                fresh: None,
                ..command
            });
        }
        drop(self.open_receive(command.number));
        None
    }

    /// Undoes the receive when it is dropped.
    fn open_receive(&self, number: OpenNumber) -> OpenReceive {
        OpenReceive {
            number: Some(number),
            releases: self.release_sender.clone(),
        }
    }

    fn answer_one(&self, command: Numbered, answer: Submitted) {
        let Some(reply) = command.reply else { return };
        let answer = match answer {
            Submitted::NothingThere { log_index } => Answer::NothingThere { log_index },
            // Asked again above.
            Submitted::LeftOut => return,
            Submitted::Applied { outcome, messages } => Answer::Applied {
                outcome,
                messages,
                receive: command
                    .is_receive
                    .then(|| self.open_receive(command.number)),
            },
        };
        // If nobody waits any more, the answer comes back, and its drop undoes a receive.
        let _ = reply.send(Ok(answer));
    }

    fn renumber(&self, commands: Vec<Numbered>, deadline: Instant) -> Proposal {
        let mut renumbered = self.opening();
        renumbered.extend(commands.into_iter().map(|command| Numbered {
            reply: command.reply,
            fresh: command.fresh,
            _admission: command._admission,
            ..self.numbered(operation_of(&command.command))
        }));
        Proposal {
            commands: renumbered,
            numbers: Arc::clone(&self.numbers),
            deadline,
            may_be_renumbered: false,
        }
    }
}

fn operation_of(command: &Bytes) -> Operation {
    let command = Command::decode(command.clone());
    let operation = command.ok().and_then(|command| command.operation);
    operation.expect("this node encoded it")
}

fn session_is_gone(answer: &Submitted) -> bool {
    let Submitted::Applied {
        outcome: Outcome { kind },
        ..
    } = answer
    else {
        return false;
    };
    matches!(kind, Some(Kind::Refused(refused)) if refused.refusal() == Refusal::Session)
}

/// Never 0, which names no session.
fn session_id(entropy: &dyn Entropy) -> u64 {
    entropy.next_u64().max(1)
}
