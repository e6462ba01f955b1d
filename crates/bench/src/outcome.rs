use serde::Deserialize;

use crate::answer::Answer;
use crate::connection::CallError;
use crate::scan::for_each_member;

/// What became of a send or delete of one message or a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Positions in the batch of the entries that failed; the others are done.
    Partial {
        failed: Vec<Failure>,
        reason: String,
    },
    /// Nothing was done.
    Refused {
        is_final: bool,
        reason: String,
    },
    /// There was no answer, or one that says nothing about what was done.
    Unknown {
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) position: usize,
    /// Trying again is of no use.
    pub(crate) is_final: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchAnswer<'a> {
    #[serde(default, borrow)]
    failed: Vec<FailedEntry<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FailedEntry<'a> {
    #[serde(borrow)]
    id: std::borrow::Cow<'a, str>,
    #[serde(default)]
    sender_fault: bool,
    #[serde(default, borrow)]
    code: std::borrow::Cow<'a, str>,
}

impl Outcome {
    /// Entries of a batch have their position as id.
    pub(crate) fn of(answer: Result<Answer, CallError>, action: &str) -> Outcome {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error @ CallError::Connect { .. }) => {
                let reason = format!("{action}: {error}");
                let is_final = false;
                return Outcome::Refused { is_final, reason };
            }
            Err(error) => {
                let reason = format!("{action}: {}", chain(&error));
                return Outcome::Unknown { reason };
            }
        };
        if answer.status != 200 {
            let reason = refusal(action, &answer);
            return match answer.status {
                500.. => Outcome::Unknown { reason },
                status => Outcome::Refused {
                    is_final: status != 429,
                    reason,
                },
            };
        }
        let mut has_failures = false;
        for_each_member(&answer.body, |key, _| has_failures |= key == b"SenderFault");
        if has_failures {
            Outcome::of_batch(&answer.body, action)
        } else {
            Outcome::Done
        }
    }

    fn of_batch(body: &[u8], action: &str) -> Outcome {
        let answer: BatchAnswer<'_> = match serde_json::from_slice(body) {
            Ok(answer) => answer,
            Err(error) => {
                let reason = format!("{action}: {error}");
                return Outcome::Unknown { reason };
            }
        };
        let Some(first) = answer.failed.first() else {
            return Outcome::Done;
        };
        let reason = format!(
            "{action}: {} entries failed, the first with {}",
            answer.failed.len(),
            first.code
        );
        let failures = answer.failed.iter().map(|entry| {
            let position = entry.id.parse().ok()?;
            Some(Failure {
                position,
                is_final: entry.sender_fault,
            })
        });
        match failures.collect() {
            Some(failed) => Outcome::Partial { failed, reason },
            None => Outcome::Unknown { reason },
        }
    }
}

/// An error with those causes that it does not name itself.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Says what a server refused with, cut to a line.
pub(crate) fn refusal(action: &str, answer: &Answer) -> String {
    const CHARACTERS_MAX: usize = 300;
    let body = String::from_utf8_lossy(&answer.body);
    let text: String = body.chars().take(CHARACTERS_MAX).collect();
    format!("{action}: {} {}", answer.status, text.replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> Outcome {
        let body = body.to_owned().into();
        Outcome::of(Ok(Answer { status, body }), "send")
    }

    #[test]
    fn outcomes_say_what_may_be_tried_again() {
        assert_eq!(outcome(200, r#"{"MessageId":"1"}"#), Outcome::Done);
        assert!(matches!(outcome(503, "{}"), Outcome::Unknown { .. }));
        assert!(matches!(
            outcome(400, "{}"),
            Outcome::Refused { is_final: true, .. }
        ));
        assert!(matches!(
            outcome(429, "{}"),
            Outcome::Refused {
                is_final: false,
                ..
            }
        ));
        assert!(matches!(
            Outcome::of(Err(CallError::Deadline), "send"),
            Outcome::Unknown { .. }
        ));
    }

    #[test]
    fn failed_entries_are_told_from_those_that_were_done() {
        let body = r#"{"Successful":[{"Id":"0"},{"Id":"2"}],"Failed":[
            {"Id":"1","SenderFault":true,"Code":"InvalidMessageContents"},
            {"Id":"3","SenderFault":false,"Code":"InternalError","Message":"later"}]}"#;
        let Outcome::Partial { failed, reason } = outcome(200, body) else {
            panic!("not partial");
        };
        let found: Vec<_> = failed
            .iter()
            .map(|one| (one.position, one.is_final))
            .collect();
        assert_eq!(found, [(1, true), (3, false)]);
        assert_eq!(
            reason,
            "send: 2 entries failed, the first with InvalidMessageContents"
        );
        let strange = r#"{"Failed":[{"Id":"x","SenderFault":true}]}"#;
        assert!(matches!(outcome(200, strange), Outcome::Unknown { .. }));
    }
}
