use squorum_types::measure::Counter;

/// Counts the snapshots of all groups of a node.
#[derive(Debug, Default)]
pub(crate) struct SnapshotFigures {
    pub(super) sent: Counter,
    pub(super) sent_bytes: Counter,
    pub(super) failed: Counter,
    pub(super) installed: Counter,
    pub(super) installed_bytes: Counter,
}

/// Snapshots so far, of all groups of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotCounts {
    /// A peer has said that it installed it.
    pub sent: u64,
    /// Of all that were begun.
    pub sent_bytes: u64,
    /// Begun and not brought to their end.
    pub failed: u64,
    pub installed: u64,
    /// Of those that were installed.
    pub installed_bytes: u64,
}

impl SnapshotFigures {
    pub(super) fn read(&self) -> SnapshotCounts {
        SnapshotCounts {
            sent: self.sent.get(),
            sent_bytes: self.sent_bytes.get(),
            failed: self.failed.get(),
            installed: self.installed.get(),
            installed_bytes: self.installed_bytes.get(),
        }
    }

    /// Counts a snapshot that is about to be sent as failed, unless it is brought to its end.
    pub(super) fn begin(&self) -> SendingSnapshot<'_> {
        SendingSnapshot {
            figures: self,
            done: false,
        }
    }
}

/// A snapshot that is being sent. Whoever cancels it just drops it.
#[derive(Debug)]
pub(super) struct SendingSnapshot<'a> {
    figures: &'a SnapshotFigures,
    done: bool,
}

impl SendingSnapshot<'_> {
    pub(super) fn done(mut self) {
        self.done = true;
    }
}

impl Drop for SendingSnapshot<'_> {
    fn drop(&mut self) {
        match self.done {
            true => self.figures.sent.increment(),
            false => self.figures.failed.increment(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cancels_has_failed() {
        let figures = SnapshotFigures::default();
        figures.begin().done();
        drop(figures.begin());
        let expected = SnapshotCounts {
            sent: 1,
            failed: 1,
            ..SnapshotCounts::default()
        };
        assert_eq!(figures.read(), expected);
    }
}
