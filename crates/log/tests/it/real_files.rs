//! On the file system of the machine.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use squorum_log::{Entry, GroupId, Log, LogError, LogId, OpenError, Options, RealFileSystem};

use crate::support::{GROUP, append, entry, read_all, wait};

fn open(directory: &Path, options: Options) -> Result<Log, OpenError> {
    Log::open(Arc::new(RealFileSystem), directory, options)
}

fn small() -> Options {
    Options {
        segment_bytes: 256 << 10,
        tail_bytes: 64 << 10,
        ..Options::default()
    }
}

/// One story: many threads and groups write, votes and purges among them; what was acknowledged is
/// there after a restart, and purging gives the disk back.
#[test]
fn many_groups_survive_a_restart() {
    const GROUPS: u32 = 8;
    const ENTRIES: u64 = 400;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/log");
    let log = open(&path, small()).unwrap();
    thread::scope(|scope| {
        for group in (0..GROUPS).map(GroupId) {
            let log = &log;
            scope.spawn(move || write_group(log, group, ENTRIES));
        }
    });
    let expected: Vec<_> = (0..GROUPS)
        .map(|group| read_all(&log, GroupId(group)))
        .collect();
    assert!(log.health().tail_bytes <= small().tail_bytes);
    let before = log.health();
    assert!(
        before.flushes < before.records,
        "commits were grouped: {before:?}"
    );
    let states: Vec<_> = (0..GROUPS).map(|group| log.state(GroupId(group))).collect();
    log.close().unwrap();

    let log = open(&path, small()).unwrap();
    assert_eq!(log.groups().len(), GROUPS as usize);
    for group in 0..GROUPS {
        assert_eq!(log.state(GroupId(group)), states[group as usize]);
        assert_eq!(read_all(&log, GroupId(group)), expected[group as usize]);
    }

    let retained = log.health().retained_bytes;
    for group in (0..GROUPS).map(GroupId) {
        let last = log.state(group).last.unwrap();
        wait(|done| log.purge(group, last, done)).unwrap();
    }
    let now = log.health();
    assert_eq!(now.segments, 1, "only the open segment is kept: {now:?}");
    assert!(now.retained_bytes < retained);
    log.close().unwrap();
    let log = open(&path, small()).unwrap();
    assert!((0..GROUPS).all(|group| read_all(&log, GroupId(group)).is_empty()));
}

fn write_group(log: &Log, group: GroupId, entries: u64) {
    for index in 0..entries {
        let payload = vec![index as u8; 100 + (index as usize * 37) % 3000];
        let one = entry(1, index, payload);
        append(log, group, vec![one.clone()]).unwrap();
        assert_eq!(log.read(group, index..index + 1, 1).unwrap(), [one]);
        assert_eq!(log.state(group).synced_index, Some(index));
        if index % 100 == 50 {
            let vote = Bytes::from(index.to_string());
            wait(|done| log.save_vote(group, vote, done)).unwrap();
            log.save_committed(
                group,
                LogId {
                    term: 1,
                    index: index - 1,
                },
            );
            wait(|done| {
                log.purge(
                    group,
                    LogId {
                        term: 1,
                        index: index - 40,
                    },
                    done,
                )
            })
            .unwrap();
        }
    }
}

#[test]
fn entries_of_several_mebibytes_and_their_limit() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(
        directory.path(),
        Options {
            tail_bytes: 0,
            ..Options::default()
        },
    )
    .unwrap();
    let large: Vec<Entry> = (0..20)
        .map(|index| entry(1, index, vec![index as u8; 5 << 20]))
        .collect();
    append(&log, GROUP, large.clone()).unwrap();
    assert_eq!(log.health().tail_bytes, 0);
    assert_eq!(log.read(GROUP, 3..20, 1).unwrap(), large[3..4]);
    assert_eq!(log.read(GROUP, 3..20, 11 << 20).unwrap(), large[3..5]);

    let limit = log.payload_bytes_max();
    let done = || Box::new(|_: Result<(), LogError>| panic!("refused"));
    let too_large = entry(1, 20, vec![0; limit + 1]);
    let refused = log.append(GROUP, vec![too_large], done());
    assert!(
        matches!(refused, Err(LogError::TooLarge { .. })),
        "{refused:?}"
    );
    append(&log, GROUP, vec![entry(1, 20, vec![0; limit])]).unwrap();
    log.close().unwrap();

    let log = open(directory.path(), Options::default()).unwrap();
    assert_eq!(read_all(&log, GROUP)[..20], large);
    assert_eq!(log.state(GROUP).last, Some(LogId { term: 1, index: 20 }));
}

#[test]
fn a_directory_has_one_owner() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), small()).unwrap();
    let second = open(directory.path(), small());
    assert!(matches!(second, Err(OpenError::Locked)), "{second:?}");
    log.close().unwrap();
    open(directory.path(), small()).unwrap();
}

#[test]
fn restarts_cost_no_segment_and_an_idle_log_marks_itself() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        marker_interval_ms: 5,
        ..Options::default()
    };
    for index in 0..10 {
        let log = open(directory.path(), options.clone()).unwrap();
        let marker = std::fs::read(directory.path().join("marker")).unwrap();
        append(&log, GROUP, vec![entry(1, index, "x")]).unwrap();
        // Nothing more is submitted, and yet the marker follows.
        let patience = Instant::now() + Duration::from_secs(20);
        while std::fs::read(directory.path().join("marker")).unwrap() == marker {
            assert!(Instant::now() < patience, "the marker stays behind");
            thread::sleep(Duration::from_millis(5));
        }
        log.close().unwrap();
    }
    let log = open(directory.path(), options.clone()).unwrap();
    assert_eq!(read_all(&log, GROUP).len(), 10);
    let retained = log.health().retained_bytes;
    assert!(
        retained < options.segment_bytes + (1 << 20),
        "{retained} bytes for ten entries"
    );
}

/// The queue is bounded: whoever submits more than it holds waits, and all are served.
#[test]
fn a_full_queue_blocks_its_submitters() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        queue_bytes: 10_000,
        batch_bytes: 5_000,
        ..small()
    };
    let log = open(directory.path(), options).unwrap();
    thread::scope(|scope| {
        for group in (0..4).map(GroupId) {
            let log = &log;
            scope.spawn(move || {
                for index in 0..200 {
                    let one = entry(1, index, vec![7; 2_000]);
                    log.append(group, vec![one], Box::new(|result| result.unwrap()))
                        .unwrap();
                    assert!(log.health().queued_bytes <= 10_000);
                }
            });
        }
    });
    log.clone().close().unwrap();
    let refused = log.append(GROUP, vec![entry(1, 200, "late")], Box::new(|_| {}));
    assert!(matches!(refused, Err(LogError::Closed)), "{refused:?}");
}

/// Readers of old entries meet segments that are freed and overwritten under them: they read the
/// truth or nothing.
#[test]
fn readers_race_with_recycling() {
    const ENTRIES: u64 = 3_000;
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes: 32 << 10,
        spare_segments: 1,
        tail_bytes: 0,
        index_interval_bytes: 4 << 10,
        ..Options::default()
    };
    let log = open(directory.path(), options).unwrap();
    let content = |index: u64| Bytes::from(index.to_le_bytes().repeat(1 + index as usize % 90));
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (log, is_done) = (&log, &is_done);
        for _ in 0..2 {
            scope.spawn(move || {
                while !is_done.load(Ordering::Relaxed) {
                    let read = log.read(GROUP, 0..u64::MAX, 60_000).unwrap();
                    for pair in read.windows(2) {
                        assert_eq!(pair[0].id.index + 1, pair[1].id.index);
                    }
                    for one in read {
                        assert_eq!(one, entry(1, one.id.index, content(one.id.index)));
                    }
                }
            });
        }
        for index in 0..ENTRIES {
            append(log, GROUP, vec![entry(1, index, content(index))]).unwrap();
            if index % 50 == 49 && index > 200 {
                let upto = LogId {
                    term: 1,
                    index: index - 200,
                };
                wait(|done| log.purge(GROUP, upto, done)).unwrap();
            }
        }
        is_done.store(true, Ordering::Relaxed);
    });
    assert!(log.health().segments < 10, "{:?}", log.health());
}
