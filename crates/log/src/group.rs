//! What the log knows of one group.
//!
//! 1. Live entries are `first ..= last.index`, without a hole; none if `last` is `None` or purged.
//! 2. `purged` never goes back, and `last` is never below it.
//! 3. A group that was never purged may begin at any index.

use bytes::Bytes;

use crate::entry::LogId;

/// State of a group as the log has it. The same rules make it from submitted operations, from the
/// operations that the writer puts on disk, and from the records that recovery reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupRecord {
    pub(crate) vote: Option<Bytes>,
    pub(crate) committed: Option<LogId>,
    pub(crate) purged: Option<LogId>,
    /// Index of the first live entry; of no meaning while there is none.
    pub(crate) first: u64,
    pub(crate) last: Option<LogId>,
}

impl GroupRecord {
    /// True if an entry with this index may come next.
    pub(crate) fn follows(&self, index: u64) -> bool {
        self.last.is_none_or(|last| index == last.index + 1)
    }

    /// The caller has checked [`follows`](Self::follows).
    pub(crate) fn append(&mut self, id: LogId) {
        if self.live().is_empty() {
            self.first = id.index;
        }
        self.last = Some(id);
    }

    /// Drops the entries after `kept`; `None` drops all that are not purged.
    pub(crate) fn truncate_after(&mut self, kept: Option<LogId>) {
        let below_purged = |id: LogId| self.purged.is_some_and(|purged| id.index <= purged.index);
        match kept {
            Some(id) if !below_purged(id) => {
                if self.last.is_some_and(|last| last.index > id.index) {
                    self.last = if id.index >= self.first {
                        Some(id)
                    } else {
                        self.purged
                    };
                }
            }
            _ => self.last = self.purged,
        }
    }

    /// Drops the entries up to `upto`, which may lie beyond the last one. Going back is ignored.
    pub(crate) fn purge(&mut self, upto: LogId) {
        if self.purged.is_some_and(|purged| purged.index >= upto.index) {
            return;
        }
        if self.last.is_none_or(|last| last.index <= upto.index) {
            self.last = Some(upto);
            self.first = upto.index + 1;
        } else {
            self.first = self.first.max(upto.index + 1);
        }
        self.purged = Some(upto);
    }

    /// Indexes of the live entries.
    pub(crate) fn live(&self) -> std::ops::Range<u64> {
        match self.last {
            Some(last) if last.index >= self.first => self.first..last.index + 1,
            _ => 0..0,
        }
    }
}

/// State of a group, as submitted so far; `synced_index` tells how much of it is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupState {
    pub vote: Option<Bytes>,
    /// The last committed id that was handed over; durable some time after.
    pub committed: Option<LogId>,
    pub purged: Option<LogId>,
    /// Id of the last entry, or of the last purged one if there is none after it.
    pub last: Option<LogId>,
    /// All entries up to this index are synced; `None` while no entry is.
    pub synced_index: Option<u64>,
}
