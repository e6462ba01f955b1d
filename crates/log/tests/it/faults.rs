//! On the simulated disk: single faults, told as stories. The campaign inside the crate does the
//! same at random.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use squorum_log::sim::{Fault, SimDisk};
use squorum_log::{GroupId, Log, LogError, LogId, OpenError, Options, Stepper};

use crate::support::{GROUP, append, entry, read_all, wait};

const DIRECTORY: &str = "/log";

fn options() -> Options {
    Options {
        segment_bytes: 16 << 10,
        tail_bytes: 0,
        ..Options::default()
    }
}

fn open(disk: &SimDisk) -> Result<(Log, Stepper), OpenError> {
    Log::open_stepped(disk.boot(), DIRECTORY, options())
}

fn submit(log: &Log, index: u64) {
    log.append(
        GROUP,
        vec![entry(1, index, vec![index as u8; 1000])],
        Box::new(|_| {}),
    )
    .unwrap();
}

/// A log of ten synced entries, its marker up to date, its process gone.
fn ten_entries(seed: u64) -> SimDisk {
    let disk = SimDisk::new(seed);
    let (log, mut stepper) = open(&disk).unwrap();
    for index in 0..10 {
        submit(&log, index);
        assert!(stepper.step());
    }
    stepper.sync_marker();
    disk.power_cut();
    disk
}

fn newest_segment(disk: &SimDisk) -> std::path::PathBuf {
    let mut files: Vec<_> = disk.files().into_iter().map(|(path, _)| path).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    files.pop().unwrap()
}

#[test]
fn lost_memory_is_refused_with_the_reason() {
    let disk = ten_entries(1);
    let path = newest_segment(&disk);
    disk.zero_from(&path, 5_000);
    let error = open(&disk).unwrap_err();
    assert!(error.is_amnesia());
    assert!(matches!(error, OpenError::BehindMarker { found, marker, .. } if found < marker));

    // The override keeps what is whole, and says so only once.
    let loss = Options {
        accept_loss: true,
        ..options()
    };
    let (log, stepper) = Log::open_stepped(disk.boot(), DIRECTORY, loss).unwrap();
    assert_eq!(log.state(GROUP).last, Some(LogId { term: 1, index: 3 }));
    drop((log, stepper));
    let (log, _stepper) = open(&disk).unwrap();
    assert_eq!(read_all(&log, GROUP).len(), 4);
}

/// Not even the first record can be read: the marker still has the vote, and the damaged file stays.
#[test]
fn votes_outlive_the_whole_log() {
    let disk = SimDisk::new(8);
    let (log, mut stepper) = open(&disk).unwrap();
    log.save_vote(
        GROUP,
        Bytes::from_static(b"vote"),
        Box::new(|result| result.unwrap()),
    )
    .unwrap();
    stepper.step();
    disk.power_cut();
    disk.flip_bit(&newest_segment(&disk), 8 * 80);
    assert!(open(&disk).unwrap_err().is_amnesia());

    let loss = Options {
        accept_loss: true,
        ..options()
    };
    drop(Log::open_stepped(disk.boot(), DIRECTORY, loss).unwrap());
    disk.power_cut();
    let (log, _stepper) = open(&disk).unwrap();
    assert_eq!(log.state(GROUP).vote.unwrap(), "vote");
    let is_lost = |path: &Path| path.to_string_lossy().contains("lost-");
    assert!(disk.files().iter().any(|(path, _)| is_lost(path)));
}

#[test]
fn a_missing_marker_is_refused() {
    let disk = ten_entries(2);
    disk.lose_file(Path::new("/log/marker"));
    let error = open(&disk).unwrap_err();
    assert!(
        matches!(error, OpenError::Marker { what: "missing" }),
        "{error}"
    );
}

#[test]
fn damage_after_opening_is_found_by_the_reader() {
    let disk = ten_entries(3);
    let path = newest_segment(&disk);
    let (log, _stepper) = open(&disk).unwrap();
    disk.flip_bit(&path, 8 * 5_000);
    let error = log.read(GROUP, 0..10, usize::MAX).unwrap_err();
    assert!(matches!(error, LogError::Corrupt { .. }), "{error}");
    assert_eq!(log.read(GROUP, 0..2, usize::MAX).unwrap().len(), 2);
}

/// The first failure is the last: told once, before the completions; nothing is acknowledged after.
#[test]
fn a_failed_sync_poisons_the_log() {
    for fault in [Fault::Io, Fault::NoSpace] {
        let disk = SimDisk::new(4);
        let told = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&told);
        let options = Options {
            marker_interval_ms: 3_600_000,
            on_fatal: Some(Arc::new(move |_| {
                counter.fetch_add(1, Ordering::SeqCst);
            })),
            ..options()
        };
        let log = Log::open(disk.boot(), DIRECTORY, options).unwrap();
        append(&log, GROUP, vec![entry(1, 0, "durable")]).unwrap();
        // The next write succeeds, its sync does not.
        disk.fault_after(1, fault);
        let error = append(&log, GROUP, vec![entry(1, 1, "lost")]).unwrap_err();
        assert!(matches!(error, LogError::Poisoned { .. }), "{error}");
        assert_eq!(told.load(Ordering::SeqCst), 1);
        let error = wait(|done| log.save_vote(GROUP, Bytes::new(), done)).unwrap_err();
        assert!(matches!(error, LogError::Poisoned { .. }), "{error}");
        assert!(log.health().failure.is_some());
        let synced = log.sync_times().total();
        assert_eq!(synced, 1, "what failed was no sync");
        assert_eq!(log.state(GROUP).synced_index, Some(0));
        log.close().unwrap_err();
        assert_eq!(told.load(Ordering::SeqCst), 1);

        disk.power_cut();
        let (log, _stepper) = open(&disk).unwrap();
        assert_eq!(read_all(&log, GROUP)[0], entry(1, 0, "durable"));
    }
}

/// An idle group's vote moves from head to head and pins no segment.
#[test]
fn an_idle_group_pins_nothing() {
    let disk = SimDisk::new(5);
    let (log, mut stepper) = open(&disk).unwrap();
    let idle = GroupId(9);
    log.save_vote(
        idle,
        Bytes::from_static(b"vote"),
        Box::new(|result| result.unwrap()),
    )
    .unwrap();
    for index in 0..200 {
        submit(&log, index);
        log.purge(GROUP, LogId { term: 1, index }, Box::new(|_| {}))
            .unwrap();
        stepper.step();
    }
    assert!(log.health().segments <= 2, "{:?}", log.health());
    disk.power_cut();
    let (log, _stepper) = open(&disk).unwrap();
    assert_eq!(log.state(idle).vote.unwrap(), "vote");
    assert_eq!(
        log.state(GROUP).purged,
        Some(LogId {
            term: 1,
            index: 199
        })
    );
}

/// An entry that replaces a truncated one is not synced just because that one was.
#[test]
fn a_truncated_entry_does_not_lend_its_sync() {
    let disk = SimDisk::new(6);
    let (log, mut stepper) = open(&disk).unwrap();
    (0..5).for_each(|index| submit(&log, index));
    stepper.step();
    assert_eq!(log.state(GROUP).synced_index, Some(4));
    log.truncate_after(GROUP, Some(LogId { term: 1, index: 1 }), Box::new(|_| {}))
        .unwrap();
    log.append(GROUP, vec![entry(2, 2, "new")], Box::new(|_| {}))
        .unwrap();
    assert_eq!(log.state(GROUP).synced_index, Some(1));
    assert_eq!(log.read(GROUP, 2..9, 9).unwrap(), [entry(2, 2, "new")]);
    stepper.step();
    assert_eq!(log.state(GROUP).synced_index, Some(2));
    assert_eq!(read_all(&log, GROUP).len(), 3);
}

#[test]
#[should_panic(expected = "does not follow")]
fn a_hole_is_a_bug() {
    let (log, _stepper) = open(&SimDisk::new(7)).unwrap();
    submit(&log, 0);
    submit(&log, 2);
}
