//! The writer: turns a batch of operations into one write and one sync.
//!
//! No threads and no clock here; [`Stepper`](crate::Stepper) drives it.
//!
//! 1. A segment is synced through its last record before the next one is begun.
//! 2. The marker is written after the records it claims are synced, and before `step` returns if
//!    the batch holds a vote.
//! 3. A segment is freed after the purge that frees it, and a marker beyond it, are synced.
//! 4. After an error nothing may be called any more: the caller poisons the log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use squorum_types::GroupId;

use crate::directory::{Directory, IoFailure, segment_name};
use crate::entry::LogId;
use crate::format::marker::Marker;
use crate::format::record::{self, Header, Kind};
use crate::fs::{DirectoryLock, File};
use crate::group::GroupRecord;
use crate::index::{Position, Sampler};
use crate::marker::MarkerFile;
use crate::operation::Operation;
use crate::options::{Options, PlantedBug};
use crate::segment::Segment;

mod segments;

pub(crate) use segments::Spare;

/// What readers must learn of a step, in order.
#[derive(Debug)]
pub(crate) enum Event {
    Opened { segment: u64, file: Arc<dyn File> },
    Positioned { group: GroupId, position: Position },
    Truncated { group: GroupId, kept: Option<u64> },
    Freed { segment: u64 },
}

/// Figures for [`Health`](crate::Health).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) flushes: u64,
    pub(crate) records: u64,
    pub(crate) written_bytes: u64,
    pub(crate) segments: u64,
    pub(crate) retained_bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) directory: Directory,
    pub(super) options: Options,
    pub(super) marker: MarkerFile,
    pub(super) groups: BTreeMap<GroupId, GroupRecord>,
    /// Oldest first; the last one is being written.
    pub(super) segments: VecDeque<Segment>,
    pub(super) spares: Vec<Spare>,
    pub(super) next_number: u64,
    /// Of the last record, in the buffer or written.
    pub(super) sequence: u64,
    pub(super) checksum: u32,
    /// Where the buffer goes in the last segment.
    pub(super) position: u64,
    pub(super) buffer: Vec<u8>,
    pub(super) sampler: Sampler,
    pub(super) events: Vec<Event>,
    pub(super) flushes: u64,
    pub(super) records: u64,
    pub(super) written_bytes: u64,
    pub(super) _lock: Box<dyn DirectoryLock>,
}

impl Writer {
    /// Writes and syncs the batch. All of it is durable when this returns.
    pub(crate) fn step(&mut self, batch: &[Operation]) -> Result<Vec<Event>, IoFailure> {
        let mut has_vote = false;
        let mut may_free = false;
        for operation in batch {
            has_vote |= matches!(operation, Operation::Vote { .. });
            may_free |= matches!(
                operation,
                Operation::Purge { .. } | Operation::TruncateAfter { .. }
            );
            self.encode(operation)?;
        }
        self.flush()?;
        if has_vote && !self.options.planted(PlantedBug::SkipMarkerOnVote) {
            self.write_marker()?;
        }
        if may_free {
            self.free_segments()?;
        }
        Ok(std::mem::take(&mut self.events))
    }

    /// True if the marker lags behind the log.
    pub(crate) fn marker_is_behind(&self) -> bool {
        self.marker.newest().sequence < self.sequence
    }

    /// Brings the marker up to what is synced.
    pub(crate) fn write_marker(&mut self) -> Result<(), IoFailure> {
        assert!(
            self.buffer.is_empty(),
            "the marker claims what is not written"
        );
        let votes = self.groups.iter();
        let votes = votes.filter_map(|(group, record)| Some((*group, record.vote.clone()?)));
        let marker = Marker {
            counter: 0,
            sequence: self.sequence,
            checksum: self.checksum,
            segment: self.next_number - 1,
            votes: votes.collect(),
        };
        self.marker.write(marker)
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            flushes: self.flushes,
            records: self.records,
            written_bytes: self.written_bytes,
            segments: self.segments.len() as u64,
            retained_bytes: self.segments.iter().map(|segment| segment.file_bytes).sum(),
        }
    }

    fn encode(&mut self, operation: &Operation) -> Result<(), IoFailure> {
        match operation {
            Operation::Append { group, entries } => {
                for entry in entries {
                    self.append(*group, entry.id, &entry.payload)?;
                }
            }
            Operation::Vote { group, vote } => {
                self.put(Header::new(Kind::Vote, group.0, LogId::default()), vote)?;
                self.group(*group).vote = Some(vote.clone());
            }
            Operation::Committed { group, committed } => {
                self.put(Header::new(Kind::Committed, group.0, *committed), &[])?;
                self.group(*group).committed = Some(*committed);
            }
            Operation::TruncateAfter { group, kept } => self.truncate_after(*group, *kept)?,
            Operation::Purge { group, upto } => {
                self.put(Header::new(Kind::Purge, group.0, *upto), &[])?;
                self.group(*group).purge(*upto);
            }
        }
        Ok(())
    }

    fn append(&mut self, group: GroupId, id: LogId, payload: &[u8]) -> Result<(), IoFailure> {
        let offset = self.put(Header::new(Kind::Append, group.0, id), payload)?;
        self.group(group).append(id);
        let segment = self
            .segments
            .back_mut()
            .expect("the log has an open segment");
        segment.append(group, id.index);
        if self.sampler.takes(group, segment.number, offset) {
            let position = Position {
                index: id.index,
                segment: segment.number,
                offset,
            };
            self.events.push(Event::Positioned { group, position });
        }
        Ok(())
    }

    fn truncate_after(&mut self, group: GroupId, kept: Option<LogId>) -> Result<(), IoFailure> {
        let mut header = Header::new(Kind::Truncate, group.0, kept.unwrap_or_default());
        if kept.is_none() {
            header.flags = record::FLAG_NOTHING_KEPT;
        }
        self.put(header, &[])?;
        self.group(group).truncate_after(kept);
        let kept = kept.map(|kept| kept.index);
        for segment in &mut self.segments {
            segment.truncate_after(group, kept);
        }
        self.sampler.truncate(group);
        self.events.push(Event::Truncated { group, kept });
        Ok(())
    }

    fn group(&mut self, group: GroupId) -> &mut GroupRecord {
        self.groups.entry(group).or_default()
    }

    /// Adds a record to the buffer, in a new segment if it does not fit. Returns its offset.
    pub(super) fn put(&mut self, mut header: Header, payload: &[u8]) -> Result<u64, IoFailure> {
        let bytes = (record::HEADER_BYTES + payload.len()) as u64;
        if self.position + self.buffer.len() as u64 + bytes > self.options.segment_bytes {
            self.rotate()?;
        }
        let offset = self.position + self.buffer.len() as u64;
        self.sequence += 1;
        header.sequence = self.sequence;
        header.previous = self.checksum;
        self.checksum = header.encode(payload, &mut self.buffer);
        self.records += 1;
        Ok(offset)
    }

    /// Writes the buffer and syncs the segment.
    pub(super) fn flush(&mut self) -> Result<(), IoFailure> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.write_buffer()?;
        if self.options.planted(PlantedBug::CompleteBeforeSync) {
            return Ok(());
        }
        let segment = self.segments.back().expect("the log has an open segment");
        let failure = self
            .directory
            .failure("syncing", &segment_name(segment.number));
        let mut result = segment.file.sync_data();
        if result.is_err() && self.options.planted(PlantedBug::RetryFailedSync) {
            result = segment.file.sync_data();
        }
        result.map_err(failure)?;
        self.flushes += 1;
        Ok(())
    }

    pub(super) fn write_buffer(&mut self) -> Result<(), IoFailure> {
        let segment = self.segments.back().expect("the log has an open segment");
        segment
            .file
            .write_all_at(&self.buffer, self.position)
            .map_err(
                self.directory
                    .failure("writing", &segment_name(segment.number)),
            )?;
        self.position += self.buffer.len() as u64;
        self.written_bytes += self.buffer.len() as u64;
        self.buffer.clear();
        // An unusually large batch does not keep its memory.
        self.buffer.shrink_to(2 * self.options.batch_bytes);
        Ok(())
    }
}
