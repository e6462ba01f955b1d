//! What may be true of the log after a crash.
//!
//! `base` was certain when the log was last opened; `acts` were submitted since, in order. The log
//! must come back as `base` and some first `k` of the acts.

use std::sync::Arc;

use parking_lot::Mutex;

use super::model::{Act, Model};
use crate::{Completion, LogError};

#[derive(Debug, Default)]
struct Acknowledged {
    /// Acts known to be durable.
    acts: usize,
    /// Acts that the marker must know.
    marked: usize,
    failed: bool,
    violation: Option<String>,
}

#[derive(Debug)]
pub(super) struct Oracle {
    base: Model,
    pub(super) acts: Vec<Act>,
    /// After all acts.
    pub(super) now: Model,
    acknowledged: Arc<Mutex<Acknowledged>>,
}

impl Oracle {
    pub(super) fn new() -> Oracle {
        Oracle {
            base: Model::default(),
            acts: Vec::new(),
            now: Model::default(),
            acknowledged: Arc::default(),
        }
    }

    pub(super) fn submit(&mut self, act: Act) {
        self.now.apply(&act);
        self.acts.push(act);
    }

    /// The completion of all acts submitted so far.
    pub(super) fn completion(&self, is_vote: bool) -> Completion {
        let acts = self.acts.len();
        let acknowledged = Arc::clone(&self.acknowledged);
        Box::new(move |result: Result<(), LogError>| {
            let mut known = acknowledged.lock();
            match result {
                Ok(()) if known.failed => {
                    known.violation = Some("acknowledged after a failure".to_owned());
                }
                Ok(()) if acts < known.acts => {
                    known.violation = Some("acknowledged out of order".to_owned());
                }
                Ok(()) => {
                    known.acts = acts;
                    if is_vote {
                        known.marked = acts;
                    }
                }
                Err(_) => known.failed = true,
            }
        })
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.lock().acts
    }

    /// The marker was written: it knows all that is acknowledged.
    pub(super) fn marked(&self) {
        let mut known = self.acknowledged.lock();
        known.marked = known.acts;
    }

    pub(super) fn check_completions(&self) -> Result<(), String> {
        self.acknowledged
            .lock()
            .violation
            .clone()
            .map_or(Ok(()), Err)
    }

    /// How many acts have survived, at least the acknowledged ones, or if synced bytes were damaged
    /// the marked ones.
    pub(super) fn survivors(&self, observed: &Model, damaged: bool) -> Result<usize, String> {
        let known = self.acknowledged.lock();
        let least = if damaged { known.marked } else { known.acts };
        let mut model = self.base.clone();
        let mut nearest = None;
        for k in 0..=self.acts.len() {
            if model.clone().tidy() == *observed {
                if k >= least {
                    return Ok(k);
                }
                nearest = Some(k);
            }
            if let Some(act) = self.acts.get(k) {
                model.apply(act);
            }
        }
        Err(match nearest {
            Some(k) => format!(
                "{k} of {} acts survived, {least} were synced",
                self.acts.len()
            ),
            None => format!(
                "came back as no prefix ({least} of {} acts synced): {observed:#?}\nsubmitted: {:#?}",
                self.acts.len(),
                self.now
            ),
        })
    }

    /// True if every vote is one that its group had at or after the marked act.
    pub(super) fn votes_are_kept(&self, observed: &Model) -> bool {
        let least = self.acknowledged.lock().marked;
        let mut models = vec![self.base.clone()];
        for act in &self.acts {
            let mut next = models.last().unwrap().clone();
            next.apply(act);
            models.push(next);
        }
        let groups = self.now.0.keys();
        groups.into_iter().all(|group| {
            let vote = observed.get(*group).vote;
            models[least..]
                .iter()
                .any(|model| model.get(*group).vote == vote)
        })
    }

    /// The log came back with the first `k` acts. Returns the others.
    pub(super) fn recovered(&mut self, k: usize) -> Vec<Act> {
        let lost = self.acts.split_off(k);
        for act in self.acts.drain(..) {
            self.base.apply(&act);
        }
        self.now = self.base.clone();
        self.acknowledged = Arc::default();
        lost
    }
}
