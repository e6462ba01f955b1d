//! Reads segments and rebuilds what the writer knew.

use std::collections::BTreeMap;

use bytes::Bytes;
use squorum_types::GroupId;

use super::find::{Found, FoundSegment};
use super::votes_agree;
use crate::error::OpenError;
use crate::format::marker::Marker;
use crate::format::record::{self, Header, Kind};
use crate::format::{head, segment_header};
use crate::group::GroupRecord;
use crate::index::{Positions, Sampler};
use crate::options::{Options, PlantedBug};
use crate::segment::{Cursor, Segment};

const CHUNK_BYTES: usize = 1 << 20;

/// What reading the segments has led to.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) groups: BTreeMap<GroupId, GroupRecord>,
    pub(super) segments: Vec<Segment>,
    pub(super) positions: BTreeMap<GroupId, Positions>,
    pub(super) sampler: Sampler,
    /// Of the last record.
    pub(super) sequence: u64,
    pub(super) checksum: u32,
    /// Where the last segment's records end.
    pub(super) end_offset: u64,
    /// Where those end in the last segment that the marker knows.
    pub(super) marker_offset: u64,
    /// Segments from before a gap, of which nothing is needed if all live entries were found.
    pub(super) leftovers: Vec<u64>,
    /// Segments beyond the end, set aside.
    pub(super) lost: Vec<u64>,
    /// Loss was accepted.
    pub(super) has_loss: bool,
    /// The groups' state is known: from the beginning of the log, or from a head.
    pub(super) based: bool,
    accept_stale: bool,
}

/// Reads all segments and proves that nothing synced is missing.
pub(super) fn complete(
    found: &Found,
    marker: &Marker,
    options: &Options,
) -> Result<Replay, OpenError> {
    let mut replay = Replay::new(options);
    for segment in &found.segments {
        if !replay.continues(segment) {
            replay.restart();
        }
        replay.read(
            segment,
            Some(marker).filter(|_| !options.planted(PlantedBug::IgnoreMarker)),
        )?;
    }
    if options.planted(PlantedBug::IgnoreMarker) {
        return Ok(replay);
    }
    if replay.sequence < marker.sequence {
        return Err(OpenError::BehindMarker {
            found: replay.sequence,
            marker: marker.sequence,
            segment: replay.segments.last().map_or(0, |segment| segment.number),
            offset: replay.end_offset,
        });
    }
    if !replay.based && marker.sequence > 0 {
        return Err(OpenError::Corrupt {
            detail: "no segment has a usable head".to_owned(),
        });
    }
    if !options.planted(PlantedBug::SkipCoverageCheck) {
        for (group, record) in &replay.groups {
            replay.check_coverage(*group, record)?;
        }
    }
    Ok(replay)
}

impl Replay {
    pub(super) fn new(options: &Options) -> Replay {
        Replay {
            groups: BTreeMap::new(),
            segments: Vec::new(),
            positions: BTreeMap::new(),
            sampler: Sampler::new(options.index_interval_bytes),
            sequence: 0,
            checksum: 0,
            end_offset: 0,
            marker_offset: 0,
            leftovers: Vec::new(),
            lost: Vec::new(),
            has_loss: false,
            based: false,
            accept_stale: options.planted(PlantedBug::AcceptStaleRecords),
        }
    }

    /// True if the segment continues what was read so far.
    pub(super) fn continues(&self, segment: &FoundSegment) -> bool {
        let header = &segment.header;
        (header.previous_sequence, header.previous_checksum) == (self.sequence, self.checksum)
    }

    /// Forgets what was read so far: the next segment's head is the new beginning.
    fn restart(&mut self) {
        self.leftovers
            .extend(self.segments.drain(..).map(|segment| segment.number));
        self.groups.clear();
        self.positions.clear();
        self.based = false;
    }

    /// Reads a segment up to the first record that does not continue the log.
    pub(super) fn read(
        &mut self,
        found: &FoundSegment,
        marker: Option<&Marker>,
    ) -> Result<(), OpenError> {
        let number = found.header.number;
        let links = self.continues(found) && self.based;
        let link = match (
            links,
            found.header.first_sequence - found.header.previous_sequence,
        ) {
            (false, _) => Link::None,
            (true, 1) => Link::Whole,
            (true, _) => Link::AfterLoss,
        };
        self.segments
            .push(Segment::new(number, found.file.clone(), found.file_bytes));
        self.sequence = found.header.previous_sequence;
        self.checksum = found.header.previous_checksum;
        self.end_offset = 0;
        self.marker_offset = 0;

        let mut chain = Chain {
            sequence: found.header.first_sequence - 1,
            checksum: found.seed,
        };
        let start = segment_header::HEADER_BYTES as u64;
        let mut cursor = Cursor::new(&*found.file, found.file_bytes, start, CHUNK_BYTES);
        let mut at_head = true;
        while let Some((header, payload)) = self.next(&mut cursor, &chain, number)? {
            let kind = header.kind().ok_or(OpenError::Unsupported {
                what: "a log record",
                version: header.version.max(header.kind_number),
            })?;
            if at_head != (kind == Kind::Head) {
                return Err(corrupt(
                    number,
                    cursor.offset(),
                    "a head in the wrong place",
                ));
            }
            if at_head {
                self.read_head(payload, link)
                    .map_err(|detail| corrupt(number, cursor.offset(), detail))?;
            } else if self.based {
                self.apply(kind, &header, payload, cursor.offset())
                    .map_err(|detail| corrupt(number, cursor.offset(), detail))?;
            }
            at_head = false;
            cursor.advance(&header);
            chain = Chain {
                sequence: header.sequence,
                checksum: header.checksum,
            };
            self.sequence = chain.sequence;
            self.checksum = chain.checksum;
            self.end_offset = cursor.offset();
            if let Some(marker) = marker {
                self.compare(marker, number)?;
            }
        }
        Ok(())
    }

    /// The record at the cursor, if it continues the chain.
    fn next(
        &self,
        cursor: &mut Cursor<'_>,
        chain: &Chain,
        number: u64,
    ) -> Result<Option<(Header, Bytes)>, OpenError> {
        let io = |source| OpenError::Io {
            action: "reading",
            path: crate::directory::segment_name(number),
            source,
        };
        let Some(header) = cursor.header().map_err(io)? else {
            return Ok(None);
        };
        let follows = header.sequence == chain.sequence + 1 && header.previous == chain.checksum;
        if !follows && !self.accept_stale {
            return Ok(None);
        }
        let bytes = cursor.record(&header).map_err(io)?;
        if record::verify(bytes).is_err() || header.version == 0 {
            return Ok(None);
        }
        // Only votes and heads are looked into: entries are not copied.
        let payload = match header.kind() {
            Some(Kind::Vote | Kind::Head) => Bytes::copy_from_slice(&bytes[record::HEADER_BYTES..]),
            _ => Bytes::new(),
        };
        Ok(Some((header, payload)))
    }

    fn read_head(&mut self, payload: Bytes, link: Link) -> Result<(), &'static str> {
        let groups = head::decode(payload).map_err(|_| "a malformed head")?;
        if link == Link::Whole && groups != self.groups && !self.accept_stale {
            return Err("a head that disagrees with the records before it");
        }
        if link == Link::AfterLoss {
            for (group, record) in &groups {
                let kept = record
                    .last
                    .map(|last| last.index)
                    .filter(|_| !record.live().is_empty());
                self.truncate_after(*group, kept);
            }
        }
        self.groups = groups;
        self.based = true;
        Ok(())
    }

    /// Compares with the marker when its record has just been read.
    fn compare(&mut self, marker: &Marker, number: u64) -> Result<(), OpenError> {
        if self.sequence > marker.sequence {
            return Ok(());
        }
        self.marker_offset = self.end_offset;
        if self.sequence < marker.sequence {
            return Ok(());
        }
        if self.checksum != marker.checksum {
            return Err(corrupt(
                number,
                self.end_offset,
                "a record that is not the marker's",
            ));
        }
        if self.based && !votes_agree(&self.groups, marker) {
            return Err(corrupt(
                number,
                self.end_offset,
                "votes that are not the marker's",
            ));
        }
        Ok(())
    }
}

/// How a segment goes on from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// It does not: its head is a new beginning.
    None,
    Whole,
    /// With a gap in the sequence: loss was accepted there, and the head says what was left.
    AfterLoss,
}

struct Chain {
    sequence: u64,
    checksum: u32,
}

fn corrupt(segment: u64, offset: u64, detail: &str) -> OpenError {
    OpenError::Corrupt {
        detail: format!("segment {segment} has, before byte {offset}, {detail}"),
    }
}
