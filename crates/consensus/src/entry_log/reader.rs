use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::sync::Arc;

use futures::stream::{self, Stream};
use openraft::storage::RaftLogReader;
use squorum_types::GroupId;

use super::{EntryLog, LogView};
use crate::codec;
use crate::options::ApplyOn;
use crate::raft_types::{RaftEntry, RaftVote, TypeConfig};

/// Most bytes of entries that are read at once: into one replication request, or for one batch of
/// `apply`. openraft by itself would bound them by their number alone.
pub(crate) const READ_BYTES_MAX: usize = 4 << 20;

/// Reads one group's entries. Reads that miss the log's memory wait for the disk: after a restart,
/// and for a follower that is far behind.
#[derive(Clone)]
pub(crate) struct LogReader {
    pub(crate) log: Arc<dyn EntryLog>,
    pub(crate) group: GroupId,
    pub(crate) view: Arc<LogView>,
    pub(crate) apply_on: ApplyOn,
}

impl LogReader {
    /// The first entries of `range`, as many as [`READ_BYTES_MAX`] allows, at least one if there is
    /// one.
    fn read(&self, range: Range<u64>) -> io::Result<Vec<RaftEntry>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let blocks = self.log.read_blocks(self.group, range.start);
        let read = || {
            let entries = self.log.read(self.group, range, READ_BYTES_MAX);
            entries
                .map_err(io::Error::other)?
                .into_iter()
                .map(|entry| codec::entry::decode(entry).map_err(io::Error::other))
                .collect()
        };
        match blocks {
            true => self.apply_on.run_here(read),
            false => read(),
        }
    }

    /// The part of `range` that the log has.
    fn existing(&self, range: &impl RangeBounds<u64>) -> Range<u64> {
        let state = self.log.state(self.group);
        let start = match range.start_bound() {
            Bound::Included(index) => *index,
            Bound::Excluded(index) => index.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(index) => index.saturating_add(1),
            Bound::Excluded(index) => *index,
            Bound::Unbounded => u64::MAX,
        };
        let first = state.purged.map_or(0, |purged| purged.index + 1);
        let behind = state.last.map_or(0, |last| last.index + 1);
        start.max(first)..end.min(behind)
    }
}

impl RaftLogReader<TypeConfig> for LogReader {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + Send>(
        &mut self,
        range: RB,
    ) -> io::Result<Vec<RaftEntry>> {
        let mut range = self.existing(&range);
        let mut entries: Vec<RaftEntry> = Vec::new();
        // Every round reads one entry or more.
        while !range.is_empty() {
            let mut read = self.read(range.clone())?;
            let Some(last) = read.last() else { break };
            range.start = last.log_id.index() + 1;
            entries.append(&mut read);
        }
        Ok(entries)
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> io::Result<Vec<RaftEntry>> {
        self.read(start..end)
    }

    async fn read_vote(&mut self) -> io::Result<Option<RaftVote>> {
        Ok(self.view.vote())
    }

    /// Reads in pieces of [`READ_BYTES_MAX`] as the stream is drained.
    async fn entries_stream<RB>(
        &mut self,
        range: RB,
    ) -> impl Stream<Item = io::Result<RaftEntry>> + Send
    where
        RB: RangeBounds<u64> + Clone + Debug + Send,
    {
        let pieces = stream::unfold(
            (self.clone(), self.existing(&range)),
            async |(reader, mut rest)| {
                if rest.is_empty() {
                    return None;
                }
                let piece = reader.read(rest.clone());
                rest.start = match piece.as_ref().map(|entries| entries.last()) {
                    Ok(Some(last)) => last.log_id.index() + 1,
                    Ok(None) | Err(_) => rest.end,
                };
                let items: Vec<io::Result<RaftEntry>> = match piece {
                    Ok(entries) => entries.into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error)],
                };
                Some((stream::iter(items), (reader, rest)))
            },
        );
        futures::StreamExt::flatten(pieces)
    }
}
