//! The state under its lock, and the signals between submitters and the writer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use squorum_types::measure::DurationHistogram;

use crate::error::LogError;
use crate::log::Completion;
use crate::options::{Options, PlantedBug};
use crate::queue::Batch;
use crate::recovery::Recovered;
use crate::state::{Group, State};
use crate::writer::{Event, Figures, Writer};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    /// The queue has work, or the log is closing.
    pub(crate) work: Condvar,
    /// The queue has room, or will never have it again.
    pub(crate) room: Condvar,
    pub(crate) options: Options,
    /// How long writes and syncs of batches took.
    pub(crate) sync_times: DurationHistogram,
}

impl Shared {
    /// The readers' side of a recovered log, and its writer.
    pub(crate) fn new(recovered: Recovered, options: Options) -> (Arc<Shared>, Writer) {
        let Recovered {
            writer,
            groups,
            mut positions,
            files,
        } = recovered;
        let groups = groups.into_iter().map(|(group, record)| {
            let positions = positions.remove(&group).unwrap_or_default();
            (group, Group { record, positions })
        });
        let state = State::new(groups.collect(), files, writer.figures(), &options);
        let shared = Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            room: Condvar::new(),
            options,
            sync_times: DurationHistogram::default(),
        };
        (Arc::new(shared), writer)
    }

    /// Takes the next batch, bounded in bytes; `None` if nothing waits.
    pub(crate) fn take_batch(&self) -> Option<Batch> {
        let batch = self.state.lock().queue.take(self.options.batch_bytes)?;
        self.room.notify_all();
        Some(batch)
    }

    /// Lets the watchdog see for how long the file system has been at work, and says how long it
    /// was.
    pub(crate) fn timed<T>(&self, work: impl FnOnce() -> T) -> (T, Duration) {
        let started = Instant::now();
        self.state.lock().io_started = Some(started);
        let result = work();
        self.state.lock().io_started = None;
        (result, started.elapsed())
    }

    /// The batch with this ticket is durable.
    pub(crate) fn finish(&self, ticket: u64, events: Vec<Event>, figures: Figures) {
        let mut state = self.state.lock();
        for event in events {
            state.learn(event);
        }
        state.synced = state.synced.max(ticket);
        let evictable = match self.options.planted(PlantedBug::EvictUnsynced) {
            true => u64::MAX,
            false => state.synced,
        };
        state.tails.evict(evictable);
        state.figures = figures;
    }

    /// Ends all acknowledgements. Returns the completions that wait in the queue.
    pub(crate) fn fail(&self, error: &LogError) -> Vec<Completion> {
        let mut state = self.state.lock();
        state.failure.get_or_insert_with(|| error.clone());
        let waiting = state.queue.drain();
        drop(state);
        self.room.notify_all();
        waiting
    }
}
