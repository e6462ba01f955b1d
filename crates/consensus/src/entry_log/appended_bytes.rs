use std::collections::VecDeque;

use parking_lot::Mutex;

/// Where in a group's log the newest so and so many bytes begin.
///
/// It counts from when the group was started, so what was there before counts nothing: then more
/// stays in the log than was asked for, never less.
#[derive(Debug, Default)]
pub(crate) struct AppendedBytes(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    total: u64,
    /// (index, total up to and with it), ascending, at least [`STEP_BYTES`] apart.
    marks: VecDeque<(u64, u64)>,
}

/// Bytes between two marks: what the answer may be off, upwards.
const STEP_BYTES: u64 = 64 << 10;

/// What an entry takes in the log besides its payload.
const ENTRY_BYTES: u64 = 32;

impl AppendedBytes {
    /// Entries up to index `last` were appended.
    pub(super) fn append(&self, last: u64, entries: usize, payload_bytes: usize) {
        let mut counts = self.0.lock();
        counts.total += payload_bytes as u64 + entries as u64 * ENTRY_BYTES;
        let marked = counts.marks.back().map_or(0, |(_, total)| *total);
        if counts.total - marked >= STEP_BYTES {
            let total = counts.total;
            counts.marks.push_back((last, total));
        }
    }

    /// The entries after `last` were dropped.
    pub(super) fn truncate(&self, last: Option<u64>) {
        let mut counts = self.0.lock();
        while counts
            .marks
            .back()
            .is_some_and(|(index, _)| Some(*index) > last)
        {
            counts.marks.pop_back();
        }
        counts.total = counts.marks.back().map_or(0, |(_, total)| *total);
    }

    /// The entries up to `upto` are gone.
    pub(super) fn purge(&self, upto: u64) {
        let mut counts = self.0.lock();
        while counts.marks.front().is_some_and(|(index, _)| *index < upto) {
            counts.marks.pop_front();
        }
    }

    /// An index after which the log has at least `bytes`, as high as is known.
    pub(crate) fn index_before_last(&self, bytes: u64) -> Option<u64> {
        let counts = self.0.lock();
        let mut marks = counts.marks.iter().rev();
        marks
            .find(|(_, total)| counts.total - total >= bytes)
            .map(|(index, _)| *index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: usize = (STEP_BYTES - ENTRY_BYTES) as usize;

    #[test]
    fn the_newest_bytes_begin_after_the_answer() {
        let log = AppendedBytes::default();
        assert_eq!(log.index_before_last(0), None);
        for index in 1..=10 {
            log.append(index, 1, ENTRY);
        }
        assert_eq!(log.index_before_last(0), Some(10));
        assert_eq!(log.index_before_last(1), Some(9));
        assert_eq!(log.index_before_last(3 * STEP_BYTES), Some(7));
        assert_eq!(log.index_before_last(9 * STEP_BYTES), Some(1));
        assert_eq!(log.index_before_last(9 * STEP_BYTES + 1), None);

        log.purge(5);
        assert_eq!(log.index_before_last(6 * STEP_BYTES), None);
        log.truncate(Some(8));
        assert_eq!(log.index_before_last(3 * STEP_BYTES), Some(5));
        // Small entries share a mark.
        log.append(9, 1, 10);
        assert_eq!(log.index_before_last(0), Some(8));
        assert_eq!(log.index_before_last(STEP_BYTES), Some(7));
        log.truncate(None);
        assert_eq!(log.index_before_last(0), None);
    }
}
