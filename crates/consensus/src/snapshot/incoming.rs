use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use squorum_store::chain_digest;
use squorum_types::GroupId;

use super::chunk::{self, Chunk};
use super::spooled::Spooled;
use super::{ChunkSource, SnapshotData, SnapshotError};
use crate::codec::message::SnapshotEndMessage;

/// A snapshot that comes in, chunk by chunk. Each is checked at once, the end against all before
/// it; they are kept until they can be installed together.
pub(crate) struct IncomingSnapshot {
    group: GroupId,
    seen: SnapshotEndMessage,
    stage: Stage,
    spool: Spool,
}

#[derive(PartialEq, Eq)]
enum Stage {
    Header,
    Rows,
    Complete,
}

/// Where the chunks are kept.
enum Spool {
    /// Each after its length (`u32`, little-endian), in a file that has no name any more: whatever
    /// happens, nothing of it stays.
    File(Spooled<BufWriter<File>>),
    Memory(Vec<Bytes>),
}

impl IncomingSnapshot {
    /// In a file in `directory`, else in memory.
    pub(crate) fn create(
        group: GroupId,
        directory: Option<&Path>,
    ) -> Result<IncomingSnapshot, SnapshotError> {
        let spool = match directory {
            Some(directory) => {
                let file = nameless_file(directory, group)?;
                Spool::File(Spooled::new(BufWriter::new(file)))
            }
            None => Spool::Memory(Vec::new()),
        };
        Ok(IncomingSnapshot {
            group,
            seen: SnapshotEndMessage::default(),
            stage: Stage::Header,
            spool,
        })
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.stage == Stage::Complete
    }

    pub(crate) fn push(&mut self, bytes: Bytes) -> Result<(), SnapshotError> {
        match (&self.stage, chunk::decode(bytes.clone())?) {
            (Stage::Header, Chunk::Header(header)) => {
                if header.group != self.group {
                    return Err(SnapshotError::WrongGroup {
                        found: header.group,
                        expected: self.group,
                    });
                }
                self.stage = Stage::Rows;
            }
            (Stage::Rows, Chunk::Rows(mut rows)) => {
                while rows.next_row()?.is_some() {
                    self.seen.rows += 1;
                }
            }
            (Stage::Rows, Chunk::End(end)) if end == self.seen => self.stage = Stage::Complete,
            (Stage::Rows, Chunk::End(_)) => {
                return Err(SnapshotError::Damaged("chunks are missing"));
            }
            _ => return Err(SnapshotError::Damaged("a chunk at the wrong place")),
        }
        self.seen.digest = chain_digest(self.seen.digest, u64::from(chunk::checksum(&bytes)));
        self.spool.write(bytes)?;
        Ok(())
    }

    /// The whole snapshot. Fails if it is not complete.
    pub(crate) fn finish(self) -> Result<SnapshotData, SnapshotError> {
        if self.stage != Stage::Complete {
            return Err(SnapshotError::Truncated);
        }
        SnapshotData::new(self.spool.into_source()?)
    }
}

impl Spool {
    fn write(&mut self, chunk: Bytes) -> io::Result<()> {
        match self {
            Spool::File(writer) => {
                let length = u32::try_from(chunk.len()).map_err(io::Error::other)?;
                writer.write_all(&length.to_le_bytes())?;
                writer.write_all(&chunk)
            }
            Spool::Memory(chunks) => {
                chunks.push(chunk);
                Ok(())
            }
        }
    }

    fn into_source(self) -> io::Result<Box<dyn ChunkSource>> {
        match self {
            Spool::File(writer) => {
                let writer = writer.into_inner();
                let mut file = writer
                    .into_inner()
                    .map_err(io::IntoInnerError::into_error)?;
                file.rewind()?;
                Ok(Box::new(FileSource(Spooled::new(BufReader::new(file)))))
            }
            Spool::Memory(chunks) => Ok(Box::new(MemorySource(chunks.into_iter()))),
        }
    }
}

/// A new file without a name.
fn nameless_file(directory: &Path, group: GroupId) -> io::Result<File> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    fs::create_dir_all(directory)?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = directory.join(format!("incoming-{}-{number}", group.0));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

struct FileSource(Spooled<BufReader<File>>);

impl ChunkSource for FileSource {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        let mut length = [0; 4];
        match self.0.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let mut chunk = vec![0; u32::from_le_bytes(length) as usize];
        self.0.read_exact(&mut chunk)?;
        Ok(Some(chunk.into()))
    }
}

struct MemorySource(std::vec::IntoIter<Bytes>);

impl ChunkSource for MemorySource {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        Ok(self.0.next())
    }
}
