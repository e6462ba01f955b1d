//! Judges a history by what a queue promises, whatever happened to the nodes.
//!
//! [`Rule`] names the promises. Every check takes the doubt of unknown outcomes for the service: a
//! violation is one for sure.

mod delivery;
mod existence;
mod fifo;
mod rule;
mod visible;

#[cfg(test)]
mod tests;

use std::fmt;

pub use self::rule::Rule;
use crate::history::{Change, ChangeOutcome, History, Message, Received};

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub rule: Rule,
    pub text: String,
}

impl Violation {
    pub(crate) fn new(rule: Rule, text: impl Into<String>) -> Violation {
        let text = text.into();
        Violation { rule, text }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)
    }
}

/// What the oracle has to know of a run.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How far two nodes' clocks may be apart: the time that the log carries may jump so far when
    /// the leader changes.
    pub clock_skew_ms: u64,
    /// How long it may take until a message that can be received is found by those who ask.
    pub find_ms: u64,
    /// The longest visibility timeout of the run.
    pub visibility_timeout_ms_max: u64,
    /// The queues were drained at the end: what was not deleted by then is lost.
    pub is_drained: bool,
}

/// Every violation in the history, up to a number that anybody would read.
pub fn judge(history: &History, rules: &Rules) -> Vec<Violation> {
    let messages = history.messages();
    let mut violations = Vec::new();
    for fault in &history.faults {
        violations.push(Violation {
            rule: Rule::Client,
            text: fault.clone(),
        });
    }
    for (key, message) in &messages {
        violations.extend(existence::check(*key, message, rules));
        violations.extend(delivery::check(*key, message, rules));
    }
    violations.extend(fifo::check(&messages));
    violations.extend(visible::check(history, &messages, rules));
    violations.truncate(VIOLATIONS_MAX);
    violations
}

const VIOLATIONS_MAX: usize = 20;

/// When a delivery ends at the earliest if nobody deletes the message: the visibility timeout, and
/// the changes of it that may have happened by `until_ms`.
fn earliest_end_ms(received: &Received, message: &Message<'_>, until_ms: u64) -> u64 {
    let mut end_ms = received.during.began_ms + received.visibility_timeout_ms;
    // A change of unknown outcome may come into force after those that were made after it.
    let mut doubtful_end_ms = u64::MAX;
    let changes = message.changes.get(received.handle.as_str());
    for changed in changes.into_iter().flatten() {
        let Change::VisibilityTimeout { ms } = changed.change else {
            continue;
        };
        if changed.during.began_ms > until_ms {
            break;
        }
        let changed_end_ms = changed.during.began_ms + ms;
        match changed.outcome {
            ChangeOutcome::Done if changed.during.ended_ms < until_ms => end_ms = changed_end_ms,
            ChangeOutcome::Done | ChangeOutcome::Unknown => {
                doubtful_end_ms = doubtful_end_ms.min(changed_end_ms);
            }
            ChangeOutcome::Refused => {}
        }
    }
    end_ms.min(doubtful_end_ms)
}
