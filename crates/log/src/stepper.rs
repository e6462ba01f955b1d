//! Drives the writer, one batch at a time: a thread does it in a node, a test or a simulation by
//! hand.

use std::sync::Arc;

use crate::directory::IoFailure;
use crate::error::LogError;
use crate::log::Completion;
use crate::options::PlantedBug;
use crate::shared::Shared;
use crate::writer::Writer;

/// Writes what is submitted to a [`Log`](crate::Log) that was opened with
/// [`Log::open_stepped`](crate::Log::open_stepped). Dropping it gives the directory free.
#[derive(Debug)]
pub struct Stepper {
    shared: Arc<Shared>,
    writer: Writer,
}

impl Stepper {
    pub(crate) fn new(shared: Arc<Shared>, writer: Writer) -> Stepper {
        Stepper { shared, writer }
    }

    /// Writes and syncs one batch and runs its completions. False if nothing was waiting.
    pub fn step(&mut self) -> bool {
        let Some(batch) = self.shared.take_batch() else {
            return false;
        };
        let (written, took) = self.shared.timed(|| self.writer.step(&batch.operations));
        match written {
            Ok(events) => {
                self.shared.sync_times.record(took);
                self.shared
                    .finish(batch.ticket, events, self.writer.figures());
                for done in batch.done {
                    done(Ok(()));
                }
            }
            Err(failure) => self.fail(&failure, batch.done),
        }
        true
    }

    /// True if the marker lags behind the log.
    pub fn marker_is_behind(&self) -> bool {
        self.shared.state.lock().failure.is_none() && self.writer.marker_is_behind()
    }

    /// Brings the marker up to what is synced.
    pub fn sync_marker(&mut self) {
        if !self.marker_is_behind() {
            return;
        }
        let (written, _) = self.shared.timed(|| self.writer.write_marker());
        if let Err(failure) = written {
            self.fail(&failure, Vec::new());
        }
    }

    fn fail(&self, failure: &IoFailure, done: Vec<Completion>) {
        if self.shared.options.planted(PlantedBug::GoOnAfterFailure) {
            let error = LogError::Poisoned {
                reason: "planted".into(),
            };
            return done.into_iter().for_each(|done| done(Err(error.clone())));
        }
        fail(&self.shared, &failure.to_string(), done);
    }
}

/// Poisons the log: tells `on_fatal`, then every completion that waits.
pub(crate) fn fail(shared: &Shared, reason: &str, mut done: Vec<Completion>) {
    let error = LogError::Poisoned {
        reason: reason.into(),
    };
    tracing::error!(%error, "the log accepts nothing more");
    done.extend(shared.fail(&error));
    if let Some(on_fatal) = &shared.options.on_fatal {
        on_fatal(&error);
    }
    for done in done {
        done(Err(error.clone()));
    }
}
