//! Life of a segment: begun in a spare or a new file, freed from the oldest on.

use std::sync::Arc;

use super::{Event, Writer};
use crate::directory::{IoFailure, segment_name, spare_name};
use crate::entry::LogId;
use crate::format::head;
use crate::format::record::{Header, Kind};
use crate::format::segment_header::SegmentHeader;
use crate::fs::File;
use crate::options::PlantedBug;
use crate::segment::Segment;

/// A freed segment's file, to be overwritten.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) name: String,
    pub(crate) file: Arc<dyn File>,
    pub(crate) file_bytes: u64,
}

impl Writer {
    /// Syncs the open segment and begins the next.
    pub(super) fn rotate(&mut self) -> Result<(), IoFailure> {
        if self.options.planted(PlantedBug::SkipSyncOnRotation) {
            self.write_buffer()?;
        } else {
            self.flush()?;
        }
        self.begin_segment(self.sequence, self.checksum)
    }

    /// Begins a segment after the record with this sequence and checksum. Its header and head go
    /// to the buffer. The file's name is durable before anything is written into it: a stale file
    /// under the number of a written one could otherwise pass for it.
    pub(crate) fn begin_segment(
        &mut self,
        previous_sequence: u64,
        previous_checksum: u32,
    ) -> Result<(), IoFailure> {
        assert!(
            self.buffer.is_empty(),
            "a segment begins with an empty buffer"
        );
        let number = self.next_number;
        self.next_number += 1;
        let (file, file_bytes) = self.segment_file(number)?;
        self.directory.sync()?;
        let header = SegmentHeader {
            number,
            first_sequence: self.sequence + 1,
            previous_sequence,
            previous_checksum,
        };
        self.checksum = header.encode(&mut self.buffer);
        self.position = 0;
        self.segments
            .push_back(Segment::new(number, Arc::clone(&file), file_bytes));
        self.events.push(Event::Opened {
            segment: number,
            file,
        });
        let head = head::encode(&self.groups);
        self.put(Header::new(Kind::Head, 0, LogId::default()), &head)?;
        Ok(())
    }

    fn segment_file(&mut self, number: u64) -> Result<(Arc<dyn File>, u64), IoFailure> {
        let name = segment_name(number);
        // A spare that a reader still holds open must not be overwritten under it.
        let idle = self
            .spares
            .iter()
            .position(|spare| Arc::strong_count(&spare.file) == 1);
        if let Some(at) = idle {
            let spare = self.spares.remove(at);
            self.directory.rename(&spare.name, &name)?;
            return Ok((spare.file, spare.file_bytes));
        }
        let file = self.directory.create(&name)?;
        let bytes = self.options.segment_bytes;
        file.preallocate(bytes)
            .map_err(self.directory.failure("preallocating", &name))?;
        Ok((file, bytes))
    }

    /// Frees the oldest segments that hold no live entry.
    pub(crate) fn free_segments(&mut self) -> Result<(), IoFailure> {
        let mut freed = Vec::new();
        while self.segments.len() > 1 && self.oldest_is_free() {
            freed.extend(self.segments.pop_front());
        }
        if freed.is_empty() {
            return Ok(());
        }
        if self.marker_is_behind() {
            self.write_marker()?;
        }
        for segment in freed {
            self.events.push(Event::Freed {
                segment: segment.number,
            });
            self.retire(segment)?;
        }
        self.directory.sync()
    }

    fn oldest_is_free(&self) -> bool {
        let Some(oldest) = self.segments.front() else {
            return false;
        };
        if self.options.planted(PlantedBug::FreeTooEarly) {
            return oldest.entries.iter().any(|(group, (first, _))| {
                let purged = self.groups.get(group).and_then(|record| record.purged);
                purged.is_some_and(|purged| *first <= purged.index)
            });
        }
        oldest.is_free(&self.groups)
    }

    fn retire(&mut self, segment: Segment) -> Result<(), IoFailure> {
        let name = segment_name(segment.number);
        let fits = segment.file_bytes >= self.options.segment_bytes;
        if !fits || self.spares.len() >= self.options.spare_segments {
            return self.directory.remove(&name);
        }
        let spare = spare_name(segment.number);
        self.directory.rename(&name, &spare)?;
        self.spares.push(Spare {
            name: spare,
            file: segment.file,
            file_bytes: segment.file_bytes,
        });
        Ok(())
    }
}
