//! Settings of a log, all with a default that suits a node.

use std::fmt;
use std::sync::Arc;

use crate::error::{LogError, OpenError};

/// Called once, on the writer thread, before any completion hears of the failure.
pub type OnFatal = Arc<dyn Fn(&LogError) + Send + Sync>;

/// Settings of a log.
#[derive(Clone)]
pub struct Options {
    /// Size of a segment file, in bytes. May change between two starts.
    pub segment_bytes: u64,
    /// Freed segments kept for reuse; more are removed. An overwritten segment syncs in about half
    /// the time of a new one.
    pub spare_segments: usize,
    /// Memory for recent entries of all groups together, in bytes. Entries that are not synced yet
    /// are kept beyond it.
    pub tail_bytes: usize,
    /// Operations waiting for the writer, in bytes. Submitters block while it is full.
    pub queue_bytes: usize,
    /// Most bytes that go into one write and one sync.
    pub batch_bytes: usize,
    /// Distance between two remembered positions of a group's entries, in bytes of log: the most
    /// that a read has to skip, and the price of the index (24 bytes of memory each).
    pub index_interval_bytes: u64,
    /// How far the marker may lag behind the log, in milliseconds. Votes never wait for it.
    pub marker_interval_ms: u64,
    /// Open a log that has provably lost synced data, with what is left of it.
    ///
    /// Only for a cluster of one voter, by the operator's explicit wish: acknowledged data is gone,
    /// and a voter of a larger cluster that does this can elect a leader which lacks committed
    /// entries. What is left is the longest intact history from the oldest segment on; segments
    /// beyond it are kept as `lost-*` and never deleted; votes are taken from the marker.
    pub accept_loss: bool,
    /// Told of the failure that poisons the log, for example to end the process.
    pub on_fatal: Option<OnFatal>,
    #[cfg(test)]
    pub(crate) planted: Option<PlantedBug>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            segment_bytes: 64 << 20,
            spare_segments: 4,
            tail_bytes: 64 << 20,
            queue_bytes: 64 << 20,
            batch_bytes: 8 << 20,
            index_interval_bytes: 64 << 10,
            marker_interval_ms: 100,
            accept_loss: false,
            on_fatal: None,
            #[cfg(test)]
            planted: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("segment_bytes", &self.segment_bytes)
            .field("spare_segments", &self.spare_segments)
            .field("tail_bytes", &self.tail_bytes)
            .field("queue_bytes", &self.queue_bytes)
            .field("batch_bytes", &self.batch_bytes)
            .field("index_interval_bytes", &self.index_interval_bytes)
            .field("marker_interval_ms", &self.marker_interval_ms)
            .field("accept_loss", &self.accept_loss)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Smallest segment that is accepted, in bytes.
    pub const SEGMENT_BYTES_MIN: u64 = 8 << 10;
    /// Largest segment that is accepted, in bytes: a record's length is 32 bits.
    pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;
    /// Most groups in one log.
    pub const GROUPS_MAX: usize = 1024;
    /// Largest vote, in bytes.
    pub const VOTE_BYTES_MAX: usize = 128;

    /// Largest payload of an entry, in bytes: half a segment, so that a segment always has room
    /// for its head and one entry.
    pub fn payload_bytes_max(&self) -> usize {
        (self.segment_bytes / 2) as usize
    }

    /// Most groups whose state fits into the other half of a segment.
    pub(crate) fn groups_max(&self) -> usize {
        let room = self.segment_bytes as usize / 2 - 1024;
        (room / crate::format::head::GROUP_BYTES_MAX).clamp(1, Self::GROUPS_MAX)
    }

    pub(crate) fn check(&self) -> Result<(), OpenError> {
        if self.segment_bytes < Self::SEGMENT_BYTES_MIN {
            return Err(OpenError::Options("segment_bytes is below 8 KiB"));
        }
        if self.segment_bytes > Self::SEGMENT_BYTES_MAX {
            return Err(OpenError::Options("segment_bytes is above 1 GiB"));
        }
        if self.batch_bytes == 0 || self.queue_bytes == 0 || self.index_interval_bytes == 0 {
            return Err(OpenError::Options(
                "batch, queue and index interval must not be 0",
            ));
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn planted(&self, bug: PlantedBug) -> bool {
        self.planted == Some(bug)
    }

    /// Always false outside of this crate's own tests: the compiler removes every branch on it.
    #[cfg(not(test))]
    #[inline(always)]
    pub(crate) fn planted(&self, _bug: PlantedBug) -> bool {
        false
    }
}

/// Bugs that the tests can plant, to prove that they would be noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlantedBug {
    /// Completions run although nothing was synced.
    CompleteBeforeSync,
    /// A failed sync is tried again.
    RetryFailedSync,
    /// Created, renamed and removed files are not made durable in their directory.
    SkipDirectorySync,
    /// A new segment is begun before the old one is synced.
    SkipSyncOnRotation,
    /// Votes are acknowledged when the log has them, the marker not yet.
    SkipMarkerOnVote,
    /// Recovery does not compare the log with the marker.
    IgnoreMarker,
    /// Recovery takes any record whose own checksum is right, whatever its sequence and chain.
    AcceptStaleRecords,
    /// After a torn tail the writer goes on in the same segment.
    ContinueInTornSegment,
    /// Recovery believes what the page cache shows beyond the marker.
    TrustPageCache,
    /// A segment is freed when its newest entries are purged, whatever its older ones.
    FreeTooEarly,
    /// Recovery does not check that all live entries were found.
    SkipCoverageCheck,
    /// A segment takes the number of one that was begun and never synced.
    ReuseSegmentNumber,
    /// Entries leave the tail before they are synced.
    EvictUnsynced,
    /// After a failed batch the next one is tried.
    GoOnAfterFailure,
}
