//! What clients asked for, how it was answered and how long that took, counted for operators.
//!
//! A request counts once, when its answer is ready or its client has gone. Its time runs from the
//! last byte of its body, so that it says how long this side took: a long poll's waiting is in it, a
//! slow upload is not.

use std::sync::Arc;

use squorum_types::measure::{Counter, DurationCounts, DurationHistogram};
use tokio::time::Instant;

use crate::generated::Action;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerClass {
    Success,
    /// The request was wrong, or what it is about is not there.
    ClientError,
    /// Refused for now; SDKs retry it.
    Throttled,
    /// No quorum, no leader in time, or no memory; SDKs retry it.
    Unavailable,
    /// This side failed.
    Internal,
    /// The client went before its answer was ready.
    Abandoned,
}

impl AnswerClass {
    pub const ALL: [AnswerClass; 6] = [
        AnswerClass::Success,
        AnswerClass::ClientError,
        AnswerClass::Throttled,
        AnswerClass::Unavailable,
        AnswerClass::Internal,
        AnswerClass::Abandoned,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            AnswerClass::Success => "success",
            AnswerClass::ClientError => "client_error",
            AnswerClass::Throttled => "throttled",
            AnswerClass::Unavailable => "unavailable",
            AnswerClass::Internal => "internal",
            AnswerClass::Abandoned => "abandoned",
        }
    }
}

/// The counters of a server.
#[derive(Debug)]
pub(crate) struct RequestFigures {
    /// In the order of [`Action::ALL`], then one for requests that name no action.
    actions: [ActionFigures; Action::ALL.len() + 1],
}

#[derive(Debug, Default)]
struct ActionFigures {
    /// In the order of [`AnswerClass::ALL`].
    answers: [Counter; AnswerClass::ALL.len()],
    durations: DurationHistogram,
}

/// A reading of what one action's requests came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionCounts {
    /// `unknown` stands for requests that name no action.
    pub action: &'static str,
    /// Of each class that occurred.
    pub answers: Vec<(AnswerClass, u64)>,
    /// Of those that were answered.
    pub durations: DurationCounts,
}

impl RequestFigures {
    pub(crate) fn new() -> RequestFigures {
        RequestFigures {
            actions: std::array::from_fn(|_| ActionFigures::default()),
        }
    }

    /// A request has come.
    pub(crate) fn begin(self: &Arc<Self>, action: Option<Action>) -> OpenRequest {
        OpenRequest {
            figures: Arc::clone(self),
            slot: action.map_or(Action::ALL.len(), |action| action as usize),
            begun: Instant::now(),
            class: AnswerClass::Abandoned,
        }
    }

    /// The actions that were asked for.
    pub(crate) fn read(&self) -> Vec<ActionCounts> {
        let names = Action::ALL.iter().map(|action| action.as_str());
        let actions = names.chain(["unknown"]).zip(&self.actions);
        let counts = actions.map(|(action, figures)| ActionCounts {
            action,
            answers: figures.answers(),
            durations: figures.durations.read(),
        });
        counts.filter(|counts| !counts.answers.is_empty()).collect()
    }
}

impl ActionFigures {
    fn answers(&self) -> Vec<(AnswerClass, u64)> {
        let counts = self.answers.iter().map(Counter::get);
        let answers = AnswerClass::ALL.into_iter().zip(counts);
        answers.filter(|(_, count)| *count > 0).collect()
    }
}

/// A request under way. Counts it when dropped: as abandoned unless it was answered.
#[derive(Debug)]
pub(crate) struct OpenRequest {
    figures: Arc<RequestFigures>,
    slot: usize,
    begun: Instant,
    class: AnswerClass,
}

impl OpenRequest {
    /// What it asks for, where only its body tells.
    pub(crate) fn asks_for(&mut self, action: Action) {
        self.slot = action as usize;
    }

    /// Its body is here: the time begins.
    pub(crate) fn has_arrived(&mut self) {
        self.begun = Instant::now();
    }

    pub(crate) fn answered(mut self, class: AnswerClass) {
        self.class = class;
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let figures = &self.figures.actions[self.slot];
        figures.answers[self.class as usize].increment();
        if self.class != AnswerClass::Abandoned {
            figures.durations.record(self.begun.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_and_class_has_its_own_place() {
        let figures = Arc::new(RequestFigures::new());
        for action in Action::ALL {
            for class in AnswerClass::ALL {
                figures.begin(Some(action)).answered(class);
            }
        }
        figures.begin(None).answered(AnswerClass::ClientError);
        let read = figures.read();
        let names: Vec<_> = read.iter().map(|counts| counts.action).collect();
        let expected = Action::ALL.iter().map(|action| action.as_str());
        assert_eq!(names, expected.chain(["unknown"]).collect::<Vec<_>>());
        let once = AnswerClass::ALL.map(|class| (class, 1));
        assert!(read[..Action::ALL.len()].iter().all(|counts| {
            counts.answers == once && counts.durations.total() == once.len() as u64 - 1
        }));
    }

    #[test]
    fn who_goes_is_counted_and_not_timed() {
        let figures = Arc::new(RequestFigures::new());
        drop(figures.begin(Some(Action::ReceiveMessage)));
        let read = figures.read();
        assert_eq!(read[0].answers, [(AnswerClass::Abandoned, 1)]);
        assert_eq!(read[0].durations.total(), 0);
    }
}
