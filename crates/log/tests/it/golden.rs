//! A log as the first version wrote it: the same operations must make the same bytes, and those
//! bytes must open for ever. `SQUORUM_BLESS=1` writes them anew, for a new version only.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use squorum_log::sim::SimDisk;
use squorum_log::{FileSystem, GroupId, Log, LogId, OpenError, Options};

use crate::support::{entry, read_all};

const DIRECTORY: &str = "/log";
const FILES: [&str; 2] = ["00000000000000000001.log", "marker"];

fn options() -> Options {
    Options {
        segment_bytes: 8 << 10,
        ..Options::default()
    }
}

/// One of every kind of record.
fn write(disk: &SimDisk) {
    let (log, mut stepper) = Log::open_stepped(disk.boot(), DIRECTORY, options()).unwrap();
    let (one, two) = (GroupId(1), GroupId(2));
    let entries = (0..4)
        .map(|index| entry(1, index, format!("entry {index}")))
        .collect();
    log.append(one, entries, Box::new(|_| {})).unwrap();
    log.save_committed(one, LogId { term: 1, index: 2 });
    stepper.step();
    log.truncate_after(one, Some(LogId { term: 1, index: 2 }), Box::new(|_| {}))
        .unwrap();
    log.append(one, vec![entry(2, 3, "entry 3, again")], Box::new(|_| {}))
        .unwrap();
    log.purge(one, LogId { term: 1, index: 0 }, Box::new(|_| {}))
        .unwrap();
    log.truncate_after(two, None, Box::new(|_| {})).unwrap();
    log.save_vote(two, Bytes::from_static(b"a vote"), Box::new(|_| {}))
        .unwrap();
    stepper.step();
}

fn check(disk: &SimDisk) {
    let (log, _stepper) = Log::open_stepped(disk.boot(), DIRECTORY, options()).unwrap();
    let one = log.state(GroupId(1));
    assert_eq!(one.purged, Some(LogId { term: 1, index: 0 }));
    assert_eq!(one.committed, Some(LogId { term: 1, index: 2 }));
    assert_eq!(log.state(GroupId(2)).vote.unwrap(), "a vote");
    let expected = [
        entry(1, 1, "entry 1"),
        entry(1, 2, "entry 2"),
        entry(2, 3, "entry 3, again"),
    ];
    assert_eq!(read_all(&log, GroupId(1)), expected);
}

fn golden_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/golden")
        .join(name)
        .with_extension("hex")
}

/// Lines of an offset and 16 bytes; lines of zeros are left out.
fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (number, line) in bytes.chunks(16).enumerate() {
        if line.iter().any(|byte| *byte != 0) {
            write!(text, "{:06x}", number * 16).unwrap();
            line.iter()
                .for_each(|byte| write!(text, " {byte:02x}").unwrap());
            text.push('\n');
        }
    }
    text
}

fn from_hex(text: &str) -> Vec<(u64, Vec<u8>)> {
    let parse_line = |line: &str| {
        let mut fields = line.split_whitespace();
        let offset = u64::from_str_radix(fields.next().unwrap(), 16).unwrap();
        (
            offset,
            fields
                .map(|byte| u8::from_str_radix(byte, 16).unwrap())
                .collect(),
        )
    };
    text.lines().map(parse_line).collect()
}

/// A disk with the golden files, changed by `change`.
fn golden_disk(change: impl Fn(&str, &mut Vec<u8>)) -> SimDisk {
    let disk = SimDisk::new(1);
    let fs = disk.boot();
    fs.create_dir(Path::new(DIRECTORY)).unwrap();
    for name in FILES {
        let mut bytes = vec![0; if name == "marker" { 512 << 10 } else { 8 << 10 }];
        for (offset, line) in from_hex(&std::fs::read_to_string(golden_path(name)).unwrap()) {
            bytes[offset as usize..][..line.len()].copy_from_slice(&line);
        }
        change(name, &mut bytes);
        fs.create(&Path::new(DIRECTORY).join(name))
            .unwrap()
            .write_all_at(&bytes, 0)
            .unwrap();
    }
    disk
}

#[test]
fn the_first_version_is_written_and_read() {
    let disk = SimDisk::new(1);
    write(&disk);
    for name in FILES {
        let hex = to_hex(&disk.content(&Path::new(DIRECTORY).join(name)));
        if std::env::var_os("SQUORUM_BLESS").is_some() {
            std::fs::create_dir_all(golden_path(name).parent().unwrap()).unwrap();
            std::fs::write(golden_path(name), &hex).unwrap();
        }
        assert_eq!(
            hex,
            std::fs::read_to_string(golden_path(name)).unwrap(),
            "{name}"
        );
    }
    check(&golden_disk(|_, _| {}));
}

/// A newer version's files are refused as such, not as damage.
#[test]
fn a_newer_version_is_refused() {
    let seal = |bytes: &mut [u8], checksummed: std::ops::Range<usize>, at: usize| {
        let checksum = crc32c::crc32c(&bytes[checksummed]);
        bytes[at..at + 4].copy_from_slice(&checksum.to_le_bytes());
    };
    let segment = golden_disk(|name, bytes| {
        if name != "marker" {
            bytes[8] = 2;
            seal(bytes, 0..60, 60);
        }
    });
    let record = golden_disk(|name, bytes| {
        if name != "marker" {
            bytes[64 + 12] = 2;
            seal(bytes, 68..64 + 48 + 4, 64);
        }
    });
    for disk in [segment, record] {
        let error = Log::open_stepped(disk.boot(), DIRECTORY, options()).unwrap_err();
        assert!(
            matches!(error, OpenError::Unsupported { version: 2, .. }),
            "{error}"
        );
    }
}
