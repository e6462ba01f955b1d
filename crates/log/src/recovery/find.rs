//! What files are there, and which of them begin with a segment header.

use std::sync::Arc;

use crate::directory::{Directory, Name, segment_name};
use crate::error::OpenError;
use crate::format::segment_header::{Decoded, HEADER_BYTES, SegmentHeader};
use crate::fs::File;

#[derive(Debug)]
pub(super) struct FoundSegment {
    pub(super) header: SegmentHeader,
    pub(super) seed: u32,
    pub(super) file: Arc<dyn File>,
    pub(super) file_bytes: u64,
}

#[derive(Debug)]
pub(super) struct Found {
    pub(super) names: Vec<String>,
    /// Segments with a header of their own number, oldest first.
    pub(super) segments: Vec<FoundSegment>,
    /// Files named as segments without: begun and never synced, or damaged.
    pub(super) headless: Vec<u64>,
    /// The greatest number that any file has.
    pub(super) number_max: u64,
}

pub(super) fn find(directory: &Directory) -> Result<Found, OpenError> {
    let names = directory.list()?;
    let mut found = Found {
        names,
        segments: Vec::new(),
        headless: Vec::new(),
        number_max: 0,
    };
    let mut numbers = Vec::new();
    for name in &found.names {
        let number = match Name::parse(name) {
            Name::Segment(number) => {
                numbers.push(number);
                number
            }
            Name::Spare(number) | Name::Lost(number) => number,
            Name::Other => 0,
        };
        found.number_max = found.number_max.max(number);
    }
    numbers.sort_unstable();
    for number in numbers {
        match open_segment(directory, number)? {
            Some(segment) => found.segments.push(segment),
            None => found.headless.push(number),
        }
    }
    Ok(found)
}

fn open_segment(directory: &Directory, number: u64) -> Result<Option<FoundSegment>, OpenError> {
    let name = segment_name(number);
    let file = directory.open(&name)?;
    let file_bytes = file.len().map_err(directory.failure("measuring", &name))?;
    if file_bytes < HEADER_BYTES as u64 {
        return Ok(None);
    }
    let mut raw = [0; HEADER_BYTES];
    file.read_exact_at(&mut raw, 0)
        .map_err(directory.failure("reading", &name))?;
    match SegmentHeader::decode(&raw) {
        Decoded::Valid(header, seed) if header.number == number => Ok(Some(FoundSegment {
            header,
            seed,
            file,
            file_bytes,
        })),
        // A spare renamed to this number and not yet overwritten still has its old header.
        Decoded::Valid(..) | Decoded::Invalid => Ok(None),
        Decoded::Unsupported(version) => Err(OpenError::Unsupported {
            what: "a log segment",
            version,
        }),
    }
}
