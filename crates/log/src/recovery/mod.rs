//! Opening a log: find out what is there, prove that nothing synced is missing, go on.
//!
//! 1. Segments are read in the order of their numbers. A record counts if it continues sequence
//!    and checksum of the one before; a segment counts if its header continues the one before, or
//!    else everything starts afresh at its head.
//! 2. The log must reach the marker's record, with its checksum and its votes
//!    ([`OpenError::BehindMarker`], [`OpenError::Corrupt`]). What breaks beyond it is a torn tail
//!    and cut.
//! 3. All live entries of all groups must have been found. So damage is tolerated exactly where
//!    nothing live is.
//! 4. What lies beyond the marker may be in the page cache only, left by a process that ended on a
//!    failed sync: it is written once more, in place, and synced.
//! 5. The writer begins a new segment, whose header says where the log was cut. No later crash can
//!    bring the cut bytes back, and their numbers are not used again.
//! 6. Nothing is removed before the new segment and the marker are synced.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use squorum_types::GroupId;

use crate::directory::{Directory, IoFailure, Name, lost_name, segment_name};
use crate::error::OpenError;
use crate::format::marker::Marker;
use crate::fs::{DirectoryLock, File, FileSystem};
use crate::group::GroupRecord;
use crate::index::Positions;
use crate::marker::{MarkerFile, TEMPORARY_NAME};
use crate::options::{Options, PlantedBug};
use crate::writer::{Event, Spare, Writer};

mod apply;
mod find;
mod loss;
mod replay;

use find::Found;
use replay::Replay;

/// The log as it was found, for the readers' side.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) writer: Writer,
    pub(crate) groups: BTreeMap<GroupId, GroupRecord>,
    pub(crate) positions: BTreeMap<GroupId, Positions>,
    pub(crate) files: BTreeMap<u64, Arc<dyn File>>,
}

/// Opens or creates the log in `path`.
pub(crate) fn open(
    fs: Arc<dyn FileSystem>,
    path: PathBuf,
    options: Options,
) -> Result<Recovered, OpenError> {
    options.check()?;
    let syncs = !options.planted(PlantedBug::SkipDirectorySync);
    let directory = Directory::new(fs, path, syncs);
    let lock = directory.lock()?;
    let found = find::find(&directory)?;
    let marker = open_marker(&directory, &found, &options)?;
    let replay = match replay::complete(&found, marker.newest(), &options) {
        Ok(replay) => replay,
        Err(error) if options.accept_loss && error.is_amnesia() => {
            loss::accept(&found, marker.newest(), &options, &error)?
        }
        Err(error) => return Err(error),
    };
    start(directory, options, lock, found, marker, replay)
}

fn open_marker(
    directory: &Directory,
    found: &Found,
    options: &Options,
) -> Result<MarkerFile, OpenError> {
    let opened = match MarkerFile::open(directory, &found.names) {
        Err(error) if options.accept_loss && error.is_amnesia() => None,
        other => other?,
    };
    match opened {
        Some(marker) => {
            marker.refresh()?;
            Ok(marker)
        }
        None if found.segments.is_empty() || options.accept_loss => {
            Ok(MarkerFile::create(directory)?)
        }
        None => Err(OpenError::Marker { what: "missing" }),
    }
}

/// Makes what was found durable and begins a new segment after it.
fn start(
    directory: Directory,
    options: Options,
    lock: Box<dyn DirectoryLock>,
    found: Found,
    marker: MarkerFile,
    mut replay: Replay,
) -> Result<Recovered, OpenError> {
    if !options.planted(PlantedBug::TrustPageCache) {
        rewrite_beyond_marker(&directory, &replay)?;
    }
    for number in &replay.lost {
        directory.rename(&segment_name(*number), &lost_name(*number))?;
    }
    directory.sync()?;

    if replay.groups.len() > options.groups_max() {
        return Err(OpenError::Options(
            "segment_bytes is too small for the groups of this log",
        ));
    }
    let mut number_max = found.number_max.max(marker.newest().segment);
    if options.planted(PlantedBug::ReuseSegmentNumber) {
        number_max = replay.segments.last().map_or(0, |segment| segment.number);
    }
    let mut writer = Writer {
        groups: replay.groups,
        segments: VecDeque::from(std::mem::take(&mut replay.segments)),
        spares: open_spares(&directory, &found, &options)?,
        next_number: number_max + 1,
        // A gap in the sequence tells later recoveries that loss was accepted here.
        sequence: replay.sequence.max(marker.newest().sequence) + u64::from(replay.has_loss),
        checksum: replay.checksum,
        position: replay.end_offset,
        buffer: Vec::new(),
        sampler: replay.sampler,
        events: Vec::new(),
        flushes: 0,
        records: 0,
        written_bytes: 0,
        directory,
        options,
        marker,
        _lock: lock,
    };
    let shortened = writer.segments.back().map(|segment| segment.number);
    let goes_on = writer.options.planted(PlantedBug::ContinueInTornSegment);
    if !goes_on || writer.segments.is_empty() {
        writer.begin_segment(replay.sequence, replay.checksum)?;
        writer.flush()?;
        writer.write_marker()?;
    }
    remove_leftovers(&mut writer, &found, &replay.lost, &replay.leftovers)?;
    if replay.lost.is_empty() && !goes_on {
        shorten(&mut writer, shortened, replay.end_offset)?;
    }
    writer.free_segments()?;

    Ok(recovered(writer, replay.positions))
}

/// What the readers need, without the segments that were freed meanwhile.
fn recovered(mut writer: Writer, mut positions: BTreeMap<GroupId, Positions>) -> Recovered {
    let mut files: BTreeMap<u64, Arc<dyn File>> = BTreeMap::new();
    files.extend(
        writer
            .segments
            .iter()
            .map(|segment| (segment.number, segment.file.clone())),
    );
    for event in std::mem::take(&mut writer.events) {
        if let Event::Freed { segment } = event {
            positions
                .values_mut()
                .for_each(|positions| positions.forget_segment(segment));
        }
    }
    Recovered {
        groups: writer.groups.clone(),
        positions,
        files,
        writer,
    }
}

/// Rule 4. Only the last segment can hold records that no sync has confirmed.
fn rewrite_beyond_marker(directory: &Directory, replay: &Replay) -> Result<(), IoFailure> {
    const CHUNK_BYTES: u64 = 1 << 20;
    let Some(segment) = replay.segments.last() else {
        return Ok(());
    };
    let name = segment_name(segment.number);
    let mut offset = replay.marker_offset;
    while offset < replay.end_offset {
        let mut bytes = vec![0; (replay.end_offset - offset).min(CHUNK_BYTES) as usize];
        let file = &segment.file;
        file.read_exact_at(&mut bytes, offset)
            .map_err(directory.failure("reading", &name))?;
        file.write_all_at(&bytes, offset)
            .map_err(directory.failure("writing", &name))?;
        offset += bytes.len() as u64;
    }
    segment
        .file
        .sync_data()
        .map_err(directory.failure("syncing", &name))
}

fn open_spares(
    directory: &Directory,
    found: &Found,
    options: &Options,
) -> Result<Vec<Spare>, OpenError> {
    let mut spares = Vec::new();
    for name in &found.names {
        if !matches!(Name::parse(name), Name::Spare(_)) {
            continue;
        }
        let file = directory.open(name)?;
        let file_bytes = file.len().map_err(directory.failure("measuring", name))?;
        if file_bytes >= options.segment_bytes && spares.len() < options.spare_segments {
            spares.push(Spare {
                name: name.clone(),
                file,
                file_bytes,
            });
        } else {
            directory.remove(name)?;
        }
    }
    Ok(spares)
}

/// Removes files that were begun and never synced, and segments that recovery has proved to be
/// freed. After accepted loss only the latter: what cannot be read is kept.
fn remove_leftovers(
    writer: &mut Writer,
    found: &Found,
    lost: &[u64],
    leftovers: &[u64],
) -> Result<(), IoFailure> {
    let mut remove = leftovers.to_vec();
    if lost.is_empty() {
        remove.extend(&found.headless);
    }
    for number in remove {
        writer.directory.remove(&segment_name(number))?;
    }
    if found.names.iter().any(|name| name == TEMPORARY_NAME) {
        // A marker made just now has taken the name over.
        let names = writer.directory.list()?;
        if names.iter().any(|name| name == TEMPORARY_NAME) {
            writer.directory.remove(TEMPORARY_NAME)?;
        }
    }
    writer.directory.sync()
}

/// Gives back the space that the segment before the new one will never use: its torn tail, if it
/// has one, and what was preallocated. Otherwise every restart would cost a segment.
fn shorten(writer: &mut Writer, number: Option<u64>, end: u64) -> Result<(), IoFailure> {
    const BLOCK_BYTES: u64 = 4096;
    let used = end.next_multiple_of(BLOCK_BYTES);
    let segment = writer
        .segments
        .iter_mut()
        .find(|segment| Some(segment.number) == number);
    if let Some(segment) = segment.filter(|segment| segment.file_bytes > used) {
        let failure = writer
            .directory
            .failure("shortening", &segment_name(segment.number));
        segment.file.set_len(used).map_err(failure)?;
        segment.file_bytes = used;
    }
    Ok(())
}

/// The votes of all groups.
fn votes(groups: &BTreeMap<GroupId, GroupRecord>) -> BTreeMap<GroupId, bytes::Bytes> {
    groups
        .iter()
        .filter_map(|(group, record)| Some((*group, record.vote.clone()?)))
        .collect()
}

/// True if the groups have the votes that the marker knows.
fn votes_agree(groups: &BTreeMap<GroupId, GroupRecord>, marker: &Marker) -> bool {
    votes(groups) == marker.votes
}
