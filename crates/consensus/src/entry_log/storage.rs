use std::fmt;
use std::io;
use std::sync::Arc;

use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use parking_lot::Mutex;
use squorum_log::LogError;
use squorum_types::GroupId;
use tokio::sync::oneshot;

use super::appended_bytes::AppendedBytes;
use super::flush::Flush;
use super::{EntryLog, Holds, LogReader, SyncProgress};
use crate::codec::{self, CodecError};
use crate::options::ApplyOn;
use crate::raft_types::{self, LogId, RaftEntry, RaftVote, TypeConfig};

/// What the adapters of one group know together about its log.
///
/// Invariant: nothing above `durable` is ever purged, because only up to there the state is on
/// disk and needs no re-applying.
#[derive(Debug)]
pub(crate) struct LogView {
    vote: Mutex<Option<RaftVote>>,
    pub(crate) progress: Arc<SyncProgress>,
    pub(crate) appended: AppendedBytes,
    pub(crate) holds: Arc<Holds>,
    durable: Mutex<Option<LogId>>,
}

impl LogView {
    /// `durable`: what the store held when it was opened.
    pub(crate) fn open(
        log: &dyn EntryLog,
        group: GroupId,
        durable: Option<LogId>,
    ) -> Result<LogView, CodecError> {
        let state = log.state(group);
        let vote = state.vote.as_deref().map(codec::decode_vote).transpose()?;
        Ok(LogView {
            vote: Mutex::new(vote),
            progress: Arc::new(SyncProgress::new()),
            appended: AppendedBytes::default(),
            holds: Arc::default(),
            durable: Mutex::new(durable),
        })
    }

    pub(crate) fn vote(&self) -> Option<RaftVote> {
        *self.vote.lock()
    }

    /// The state up to `id` is on disk. Never goes back.
    pub(crate) fn set_durable(&self, id: LogId) {
        let mut durable = self.durable.lock();
        *durable = (*durable).max(Some(id));
    }

    pub(crate) fn durable(&self) -> Option<LogId> {
        *self.durable.lock()
    }
}

/// openraft's log storage over the log that all groups share.
pub(crate) struct LogStorage {
    reader: LogReader,
}

impl LogStorage {
    pub(crate) fn new(
        log: Arc<dyn EntryLog>,
        group: GroupId,
        view: Arc<LogView>,
        apply_on: ApplyOn,
    ) -> LogStorage {
        LogStorage {
            reader: LogReader {
                log,
                group,
                view,
                apply_on,
            },
        }
    }

    /// Writes where it is, unless the writer has to catch up first.
    fn write<T>(&self, bytes: usize, write: impl FnOnce(&dyn EntryLog) -> T) -> T {
        match self.log().write_blocks(bytes) {
            true => self.reader.apply_on.run_here(|| write(self.log())),
            false => write(self.log()),
        }
    }

    fn log(&self) -> &dyn EntryLog {
        &*self.reader.log
    }
}

impl fmt::Debug for LogStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogStorage")
            .field("group", &self.reader.group)
            .finish_non_exhaustive()
    }
}

impl RaftLogStorage<TypeConfig> for LogStorage {
    type LogReader = LogReader;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let state = self.log().state(self.reader.group);
        Ok(LogState {
            last_purged_log_id: state.purged.map(from_log),
            last_log_id: state.last.map(from_log),
        })
    }

    async fn get_log_reader(&mut self) -> LogReader {
        self.reader.clone()
    }

    /// Returns after the sync.
    async fn save_vote(&mut self, vote: &RaftVote) -> io::Result<()> {
        let (sender, receiver) = oneshot::channel();
        let completion = Box::new(move |result| {
            let _ = sender.send(result);
        });
        let (group, encoded) = (self.reader.group, codec::encode_vote(vote));
        self.write(encoded.len(), |log| {
            log.save_vote(group, encoded, completion)
        })
        .map_err(io::Error::other)?;
        receiver
            .await
            .unwrap_or(Err(LogError::Closed))
            .map_err(io::Error::other)?;
        *self.reader.view.vote.lock() = Some(*vote);
        Ok(())
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        if let Some(committed) = committed {
            self.log()
                .save_committed(self.reader.group, to_log(&committed));
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        let state = self.log().state(self.reader.group);
        let last = state.last.map_or(0, |last| last.index);
        // One beyond the last entry says nothing about those that are there: they may be others than
        // were meant. A log may hold such an id that lost its end.
        let committed = state.committed.filter(|committed| committed.index <= last);
        Ok(committed.map(from_log))
    }

    /// Returns when the entries can be read, calls back after the sync.
    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = RaftEntry> + Send,
        I::IntoIter: Send,
    {
        let entries: Vec<_> = entries
            .into_iter()
            .map(|e| codec::entry::encode(&e))
            .collect();
        let Some(first) = entries.first() else {
            callback.io_completed(Ok(()));
            return Ok(());
        };
        let last = entries.last().map_or(0, |entry| entry.id.index);
        let bytes = entries.iter().map(|entry| entry.payload.len()).sum();
        self.reader.view.appended.append(last, entries.len(), bytes);
        let progress = Arc::clone(&self.reader.view.progress);
        let number = progress.submit(first.id.index);
        let flush = Flush {
            number,
            progress,
            callback: Some(callback),
        };
        let completion = Box::new(move |result| flush.complete(result));
        let group = self.reader.group;
        self.write(bytes, |log| log.append(group, entries, completion))
            .map_err(io::Error::other)
    }

    async fn truncate_after(&mut self, kept: Option<LogId>) -> io::Result<()> {
        let kept = kept.as_ref().map(to_log);
        let last = kept.map(|id| id.index);
        self.reader.view.appended.truncate(last);
        let group = self.reader.group;
        self.write(0, |log| log.truncate_after(group, kept))
            .map_err(io::Error::other)
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        let durable = self.reader.view.durable();
        assert!(
            Some(upto) <= durable,
            "purge up to {upto} of what is on disk up to {durable:?} only"
        );
        self.reader.view.appended.purge(upto.index());
        let group = self.reader.group;
        self.write(0, |log| log.purge(group, to_log(&upto)))
            .map_err(io::Error::other)
    }
}

fn to_log(id: &LogId) -> squorum_log::LogId {
    let (term, index) = raft_types::term_index(id);
    squorum_log::LogId::new(term, index)
}

pub(crate) fn from_log(id: squorum_log::LogId) -> LogId {
    raft_types::log_id(id.term, id.index)
}
