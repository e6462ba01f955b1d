//! Reading entries: from the tail if they are there, else from disk, verified.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use squorum_types::GroupId;

use crate::entry::Entry;
use crate::error::LogError;
use crate::format::record::{self, HEADER_BYTES, Header, Kind};
use crate::fs::File;
use crate::segment::Cursor;
use crate::shared::Shared;
use crate::state::State;

const CHUNK_BYTES: usize = 64 << 10;

/// A stretch of a segment in which a group's entries `next .. until` stand.
struct Span {
    file: Arc<dyn File>,
    segment: u64,
    offset: u64,
    until: u64,
}

/// Entries read so far, up to a number of bytes, but at least one.
struct Collected {
    next: u64,
    end: u64,
    room_bytes: usize,
    entries: Vec<Entry>,
}

impl Collected {
    fn is_complete(&self) -> bool {
        self.next >= self.end || (self.room_bytes == 0 && !self.entries.is_empty())
    }

    /// False if the entry has no room.
    fn add(&mut self, entry: Entry) -> bool {
        let bytes = entry.payload.len() + HEADER_BYTES;
        if bytes > self.room_bytes && !self.entries.is_empty() {
            self.room_bytes = 0;
            return false;
        }
        self.room_bytes = self.room_bytes.saturating_sub(bytes);
        self.next = entry.id.index + 1;
        self.entries.push(entry);
        true
    }
}

/// The live entries of `range`, as many as fit into `max_bytes`.
pub(crate) fn read(
    shared: &Shared,
    group: GroupId,
    range: Range<u64>,
    max_bytes: usize,
) -> Result<Vec<Entry>, LogError> {
    let mut collected = Collected {
        next: range.start,
        end: range.end,
        room_bytes: max_bytes,
        entries: Vec::new(),
    };
    loop {
        let state = shared.state.lock();
        if !clamp(&state, group, &mut collected) || collected.is_complete() {
            return Ok(collected.entries);
        }
        let from = collected.next;
        let tail_first = state.tails.first_index(group);
        if tail_first.is_some_and(|first| first <= from) {
            let end = collected.end;
            for entry in state
                .tails
                .from(group, from)
                .take_while(|entry| entry.id.index < end)
            {
                if !collected.add(entry.clone()) {
                    break;
                }
            }
            return Ok(collected.entries);
        }
        let span = span(&state, group, from, tail_first)?;
        drop(state);
        if let Err(error) = read_span(&span, group, &mut collected) {
            // Purged and reused meanwhile? Then look again; else it is what it looks like.
            if shared.state.lock().files.contains_key(&span.segment) {
                return Err(error);
            }
        }
    }
}

/// Confines what is wanted to what is live. False if nothing is left, or there is now a gap
/// between what was read and what is live.
fn clamp(state: &State, group: GroupId, collected: &mut Collected) -> bool {
    let Some(group) = state.groups.get(&group) else {
        return false;
    };
    let live = group.record.live();
    collected.end = collected.end.min(live.end);
    if live.start > collected.next {
        if !collected.entries.is_empty() {
            return false;
        }
        collected.next = live.start;
    }
    collected.next < collected.end
}

fn span(
    state: &State,
    group: GroupId,
    index: u64,
    tail_first: Option<u64>,
) -> Result<Span, LogError> {
    let positions = state.groups.get(&group).map(|group| &group.positions);
    let Some((position, next)) = positions.and_then(|positions| positions.floor(index)) else {
        return Err(LogError::Corrupt {
            segment: 0,
            offset: 0,
            detail: "an entry has no place",
        });
    };
    let Some(file) = state.files.get(&position.segment) else {
        let (segment, offset) = (position.segment, position.offset);
        return Err(LogError::Corrupt {
            segment,
            offset,
            detail: "the segment is not open",
        });
    };
    let until = next.unwrap_or(u64::MAX).min(tail_first.unwrap_or(u64::MAX));
    let (segment, offset) = (position.segment, position.offset);
    Ok(Span {
        file: Arc::clone(file),
        segment,
        offset,
        until,
    })
}

fn read_span(span: &Span, group: GroupId, collected: &mut Collected) -> Result<(), LogError> {
    let segment = span.segment;
    let io = |source| LogError::Read {
        segment,
        source: Arc::new(source),
    };
    let length = span.file.len().map_err(io)?;
    let mut cursor = Cursor::new(&*span.file, length, span.offset, CHUNK_BYTES);
    let mut sequence = None;
    while !collected.is_complete() && collected.next < span.until {
        let corrupt = |detail| LogError::Corrupt {
            segment,
            offset: cursor.offset(),
            detail,
        };
        let missing = corrupt("the records end too early");
        let out_of_order = corrupt("records are not in sequence");
        let damaged = corrupt("a record does not match its checksum");
        let header = cursor.header().map_err(io)?.ok_or(missing)?;
        if sequence.is_some_and(|sequence| header.sequence != sequence + 1) {
            return Err(out_of_order);
        }
        sequence = Some(header.sequence);
        if is_wanted(&header, group, collected.next) {
            let bytes = cursor.record(&header).map_err(io)?;
            record::verify(bytes).map_err(|_| damaged)?;
            let payload = Bytes::copy_from_slice(&bytes[HEADER_BYTES..]);
            if !collected.add(Entry {
                id: header.id,
                payload,
            }) {
                return Ok(());
            }
        }
        cursor.advance(&header);
    }
    Ok(())
}

fn is_wanted(header: &Header, group: GroupId, index: u64) -> bool {
    header.kind() == Some(Kind::Append) && header.group == group.0 && header.id.index == index
}
