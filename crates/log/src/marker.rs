//! The marker file: proof of how far the log was synced.
//!
//! 1. A marker never claims a record, or a vote, that the log has not synced.
//! 2. The two slots are written in turn, each synced before the other is touched: a torn write
//!    costs at most the newer one, which then was not acknowledged.
//! 3. The file exists, durably, before the first segment does.

use std::sync::Arc;

use crate::directory::{Directory, IoFailure};
use crate::error::OpenError;
use crate::format::marker::{Decoded, Marker, SLOT_BYTES};
use crate::fs::File;

const NAME: &str = "marker";
/// Renamed when it is complete.
pub(crate) const TEMPORARY_NAME: &str = "marker.new";

#[derive(Debug)]
pub(crate) struct MarkerFile {
    directory: Directory,
    file: Arc<dyn File>,
    newest: Marker,
}

impl MarkerFile {
    /// Creates the file, with a marker of an empty log.
    pub(crate) fn create(directory: &Directory) -> Result<MarkerFile, IoFailure> {
        let file = directory.create(TEMPORARY_NAME)?;
        let failure = || directory.failure("preallocating", TEMPORARY_NAME);
        file.preallocate(2 * SLOT_BYTES as u64).map_err(failure())?;
        let newest = Marker::default();
        let marker = MarkerFile {
            directory: directory.clone(),
            file,
            newest,
        };
        marker.put(&marker.newest)?;
        directory.rename(TEMPORARY_NAME, NAME)?;
        directory.sync()?;
        Ok(marker)
    }

    /// Opens the file and reads the newer of its slots. `Ok(None)` if there is no such file.
    pub(crate) fn open(
        directory: &Directory,
        names: &[String],
    ) -> Result<Option<MarkerFile>, OpenError> {
        if !names.iter().any(|name| name == NAME) {
            return Ok(None);
        }
        let file = directory.open(NAME)?;
        let length = file.len().map_err(directory.failure("measuring", NAME))?;
        let mut newest: Option<Marker> = None;
        for slot in 0..2u64 {
            let start = slot * SLOT_BYTES as u64;
            let mut bytes = vec![0; length.saturating_sub(start).min(SLOT_BYTES as u64) as usize];
            file.read_exact_at(&mut bytes, start)
                .map_err(directory.failure("reading", NAME))?;
            match Marker::decode(&bytes) {
                Decoded::Valid(marker) => {
                    if newest
                        .as_ref()
                        .is_none_or(|newest| newest.counter < marker.counter)
                    {
                        newest = Some(marker);
                    }
                }
                Decoded::Unsupported(version) => {
                    return Err(OpenError::Unsupported {
                        what: "the marker",
                        version,
                    });
                }
                Decoded::Invalid => {}
            }
        }
        let newest = newest.ok_or(OpenError::Marker { what: "damaged" })?;
        Ok(Some(MarkerFile {
            directory: directory.clone(),
            file,
            newest,
        }))
    }

    pub(crate) fn newest(&self) -> &Marker {
        &self.newest
    }

    /// Writes the newest marker once more, in place: what was read may be in the page cache only,
    /// because the process before ended on a failed sync.
    pub(crate) fn refresh(&self) -> Result<(), IoFailure> {
        self.put(&self.newest)
    }

    /// Writes `marker` durably; its counter is set here.
    pub(crate) fn write(&mut self, mut marker: Marker) -> Result<(), IoFailure> {
        marker.counter = self.newest.counter + 1;
        assert!(
            marker.sequence >= self.newest.sequence,
            "a marker went back"
        );
        self.put(&marker)?;
        self.newest = marker;
        Ok(())
    }

    fn put(&self, marker: &Marker) -> Result<(), IoFailure> {
        let start = marker.counter % 2 * SLOT_BYTES as u64;
        self.file
            .write_all_at(&marker.encode(), start)
            .map_err(self.directory.failure("writing", NAME))?;
        self.file
            .sync_data()
            .map_err(self.directory.failure("syncing", NAME))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use bytes::Bytes;
    use squorum_types::GroupId;

    use super::*;
    use crate::sim::{Fault, SimDisk};

    fn directory(disk: &SimDisk) -> Directory {
        Directory::new(disk.boot(), PathBuf::from("/log"), true)
    }

    fn open(disk: &SimDisk) -> Result<MarkerFile, OpenError> {
        let directory = directory(disk);
        let names = directory.list()?;
        Ok(MarkerFile::open(&directory, &names)?.expect("the file is there"))
    }

    /// Several sectors long, so that a write of it can be torn.
    fn marker(sequence: u64) -> Marker {
        let votes = (0..16).map(|group| (GroupId(group), Bytes::from(vec![sequence as u8; 100])));
        Marker {
            sequence,
            votes: votes.collect(),
            ..Marker::default()
        }
    }

    /// A process ends on a failed sync of the marker, the next one loses power while it writes the
    /// other slot. What was acknowledged must still be there.
    fn survives(seed: u64, refreshes: bool) -> bool {
        let disk = SimDisk::new(seed);
        let mut file = MarkerFile::create(&directory(&disk)).expect("no fault yet");
        file.write(marker(1)).expect("no fault yet");
        disk.fault_after(1, Fault::Io);
        file.write(marker(2)).expect_err("the sync fails");
        disk.kill();

        let mut file = open(&disk).expect("the cache shows it");
        if refreshes {
            file.refresh().expect("no fault");
        }
        disk.fault_after(1, Fault::PowerCut);
        file.write(marker(3)).expect_err("the power goes");
        open(&disk).is_ok_and(|file| file.newest().sequence >= 1)
    }

    #[test]
    fn a_marker_survives_a_failed_sync_and_a_torn_write() {
        assert!((0..200).all(|seed| survives(seed, true)));
        // And this shows that the test can tell.
        assert!((0..200).any(|seed| !survives(seed, false)));
    }
}
