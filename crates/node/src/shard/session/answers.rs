//! What became of a batch: answers for those who wait, and what is submitted again.

use std::sync::Arc;

use parking_lot::Mutex;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{Outcome, Refusal};
use squorum_types::service::ServiceError;
use tokio::time::Instant;

use super::Session;
use super::numbering::{Numbered, Proposal, session_id};
use crate::shard::HOLD;
use crate::shard::batch::Submitted;
use crate::shard::numbers::{Acknowledgement, Numbers, OpenNumber};
use crate::shard::request::{Answer, OpenReceive};
use crate::shard::route::GaveUp;

/// A proposal that was submitted, what its batch acknowledged, and what became of it.
pub(super) struct Proposed {
    pub(super) proposal: Proposal,
    pub(super) acknowledgement: Acknowledgement,
    pub(super) result: Result<(Vec<Submitted>, bool), GaveUp>,
}

impl Session {
    /// Answers whoever waits, or says what to submit again.
    pub(super) fn finish(&mut self, proposed: Proposed) -> Vec<Proposal> {
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
