//! Requests become commands with numbers, and those a batch.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::{Command, OpenSession};
use squorum_types::{Entropy, PartitionId};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Session;
use crate::shard::HOLD;
use crate::shard::entry::{ENTRY_BYTES_MAX, ENTRY_COMMANDS_MAX};
use crate::shard::numbers::{Numbers, OpenNumber};
use crate::shard::request::{Admission, PendingRelease, Reply, Request};

/// A command that was given a number.
pub(super) struct Numbered {
    pub(super) number: OpenNumber,
    /// Encoded: the one copy of its bodies that this node holds.
    pub(super) command: Bytes,
    pub(super) is_receive: bool,
    pub(super) reply: Option<oneshot::Sender<Reply>>,
    pub(super) fresh: Option<PartitionId>,
    /// Closed by the release that it is.
    pub(super) _released: Option<PendingRelease>,
    pub(super) _admission: Option<Admission>,
}

/// Commands that are submitted as one batch.
pub(super) struct Proposal {
    pub(super) commands: Vec<Numbered>,
    pub(super) numbers: Arc<Mutex<Numbers>>,
    pub(super) deadline: Instant,
    /// Whether they are tried under new numbers if the shard has forgotten the session: none of them
    /// was tried so before, nor has run.
    pub(super) may_be_renumbered: bool,
}

impl Session {
    /// What the first batch of a session begins with. To be called before anything else is numbered:
    /// the shard refuses a session that nothing has opened.
    pub(super) fn opening(&self) -> Vec<Numbered> {
        let opens = self.numbers.lock().is_new();
        opens.then(|| self.open_session()).into_iter().collect()
    }

    /// The commands, and everything that waits, as far as it fits into a batch.
    pub(super) fn gather(&mut self, mut commands: Vec<Numbered>) -> Proposal {
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

    pub(super) fn number(&self, request: Request) -> Numbered {
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
    pub(super) fn number_release(&self, release: PendingRelease) -> Option<Numbered> {
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

    pub(super) fn renumber(&self, commands: Vec<Numbered>, deadline: Instant) -> Proposal {
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

/// Never 0, which names no session.
pub(super) fn session_id(entropy: &dyn Entropy) -> u64 {
    entropy.next_u64().max(1)
}
