//! A segment in memory: its file, which entries of which group it holds, and a cursor over its
//! records.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use squorum_types::GroupId;

use crate::format::record::{HEADER_BYTES, Header};
use crate::fs::File;
use crate::group::GroupRecord;

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) file: Arc<dyn File>,
    pub(crate) file_bytes: u64,
    /// First and last index of each group's entries here that are not truncated.
    pub(crate) entries: BTreeMap<GroupId, (u64, u64)>,
}

impl Segment {
    pub(crate) fn new(number: u64, file: Arc<dyn File>, file_bytes: u64) -> Segment {
        Segment {
            number,
            file,
            file_bytes,
            entries: BTreeMap::new(),
        }
    }

    pub(crate) fn append(&mut self, group: GroupId, index: u64) {
        self.entries.entry(group).or_insert((index, index)).1 = index;
    }

    /// Forgets the group's entries after `kept`.
    pub(crate) fn truncate_after(&mut self, group: GroupId, kept: Option<u64>) {
        let Some((first, last)) = self.entries.get_mut(&group) else {
            return;
        };
        match kept {
            Some(kept) if kept >= *first => *last = (*last).min(kept),
            _ => {
                self.entries.remove(&group);
            }
        }
    }

    /// True if no live entry is here.
    pub(crate) fn is_free(&self, groups: &BTreeMap<GroupId, GroupRecord>) -> bool {
        self.entries.iter().all(|(group, (_, last))| {
            let purged = groups.get(group).and_then(|record| record.purged);
            purged.is_some_and(|purged| *last <= purged.index)
        })
    }
}

/// Walks over the records of a segment, in chunks of the file.
pub(crate) struct Cursor<'a> {
    file: &'a dyn File,
    length: u64,
    offset: u64,
    chunk_bytes: usize,
    chunk: Vec<u8>,
    chunk_start: u64,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(
        file: &'a dyn File,
        length: u64,
        offset: u64,
        chunk_bytes: usize,
    ) -> Cursor<'a> {
        Cursor {
            file,
            length,
            offset,
            chunk_bytes,
            chunk: Vec::new(),
            chunk_start: offset,
        }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The header at the cursor, whatever it holds; `None` if no record of its length fits.
    pub(crate) fn header(&mut self) -> io::Result<Option<Header>> {
        if self.offset + HEADER_BYTES as u64 > self.length {
            return Ok(None);
        }
        let bytes = self.load(HEADER_BYTES)?;
        let Some(raw) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let header = Header::decode(raw);
        Ok((self.offset + header.record_bytes() <= self.length).then_some(header))
    }

    /// The bytes of the record at the cursor, of which `header` is the header.
    pub(crate) fn record(&mut self, header: &Header) -> io::Result<&[u8]> {
        self.load(header.record_bytes() as usize)
    }

    pub(crate) fn advance(&mut self, header: &Header) {
        self.offset += header.record_bytes();
    }

    fn load(&mut self, length: usize) -> io::Result<&[u8]> {
        let end = self.offset + length as u64;
        if self.offset < self.chunk_start || end > self.chunk_start + self.chunk.len() as u64 {
            let rest = (self.length - self.offset) as usize;
            self.chunk.resize(length.max(self.chunk_bytes).min(rest), 0);
            self.chunk_start = self.offset;
            self.file.read_exact_at(&mut self.chunk, self.offset)?;
        }
        let start = (self.offset - self.chunk_start) as usize;
        Ok(&self.chunk[start..start + length])
    }
}
