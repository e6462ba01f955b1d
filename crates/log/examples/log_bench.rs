//! Throughput of the log on a real directory: 64 submitters over 8 groups, each waits until its
//! entry is durable. `cargo run --release -p squorum-log --example log_bench -- [directory [seconds]]`

use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use bytes::Bytes;
use hdrhistogram::Histogram;
use squorum_log::{Entry, GroupId, Log, LogError, LogId, Options, RealFileSystem};

const GROUPS: u32 = 8;
const THREADS: u32 = 2;
const RETAINED_BYTES: u64 = 50 << 20;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut arguments = env::args().skip(1);
    let directory = arguments
        .next()
        .unwrap_or_else(|| "./log-bench-data".to_owned());
    let seconds = arguments.next().map_or(Ok(4), |seconds| seconds.parse())?;
    println!(
        "submitters  bytes  entries/s  CPU us  p50 ms  p99 ms  p99.9 ms  entries/sync  sync/s"
    );
    for (submitters, bytes) in [(1, 1 << 10), (64, 1 << 10), (64, 10 << 10), (256, 1 << 10)] {
        run(
            Path::new(&directory),
            submitters,
            bytes,
            Duration::from_secs(seconds),
        )?;
    }
    recover(Path::new(&directory))
}

/// Time to open a log of 1 GiB, and to read it from disk.
fn recover(directory: &Path) -> Outcome<()> {
    const ENTRY_BYTES: usize = 64 << 10;
    const ENTRIES: u64 = (1 << 30) / ENTRY_BYTES as u64;
    let open = || Log::open(Arc::new(RealFileSystem), directory, Options::default());
    let log = open()?;
    let payload = Bytes::from(vec![0x5a; ENTRY_BYTES]);
    for index in 0..ENTRIES {
        let entry = Entry {
            id: LogId { term: 1, index },
            payload: payload.clone(),
        };
        log.append(GroupId(0), vec![entry], Box::new(|_| {}))?;
    }
    log.close()?;
    let start = Instant::now();
    let log = open()?;
    println!("opening a log of 1 GiB: {} ms", start.elapsed().as_millis());
    let (start, mut next) = (Instant::now(), 0);
    while let Some(last) = log.read(GroupId(0), next..u64::MAX, 4 << 20)?.last() {
        next = last.id.index + 1;
    }
    assert_eq!(next, ENTRIES, "the whole log was read");
    println!(
        "reading it 4 MiB at a time: {} ms",
        start.elapsed().as_millis()
    );
    log.close()?;
    fs::remove_dir_all(directory)?;
    Ok(())
}

/// CPU time of this process so far, in microseconds.
fn cpu_us() -> Outcome<u64> {
    const TICK_US: u64 = 10_000;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(ticks * TICK_US)
}

/// What the submitters share.
struct Load {
    log: Log,
    /// Next index of each group.
    heads: Vec<Mutex<u64>>,
    payload: Bytes,
    is_measuring: AtomicBool,
    has_ended: AtomicBool,
}

fn run(directory: &Path, submitters: u32, bytes: usize, time: Duration) -> Outcome<()> {
    let _ = fs::remove_dir_all(directory);
    let load = Load {
        log: Log::open(Arc::new(RealFileSystem), directory, Options::default())?,
        heads: (0..GROUPS).map(|_| Mutex::new(0)).collect(),
        payload: Bytes::from(vec![0x5a; bytes]),
        is_measuring: AtomicBool::new(false),
        has_ended: AtomicBool::new(false),
    };
    let mut total = Histogram::<u64>::new(3)?;
    thread::scope(|scope| -> Outcome<()> {
        let load = &load;
        let share = |thread: u32| (thread..submitters).step_by(THREADS as usize);
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || submit(load, share(thread))))
            .collect();
        // Until segments are recycled, as they are in the long run.
        thread::sleep(time);
        let (cpu, health, start) = (cpu_us()?, load.log.health(), Instant::now());
        load.is_measuring.store(true, Ordering::SeqCst);
        thread::sleep(time);
        load.is_measuring.store(false, Ordering::SeqCst);
        let elapsed = start.elapsed().as_secs_f64();
        let (cpu, after) = (cpu_us()? - cpu, load.log.health());
        load.has_ended.store(true, Ordering::SeqCst);
        for thread in threads {
            total.add(thread.join().map_err(|_| "a submitter panicked")??)?;
        }
        let entries = total.len() as f64;
        let syncs = (after.flushes - health.flushes) as f64;
        println!(
            "{submitters:>10} {bytes:>6} {:>10.0} {:>7.2} {:>7.2} {:>7.2} {:>9.2} {:>13.1} {:>7.0}",
            entries / elapsed,
            cpu as f64 / entries,
            total.value_at_quantile(0.5) as f64 / 1000.0,
            total.value_at_quantile(0.99) as f64 / 1000.0,
            total.value_at_quantile(0.999) as f64 / 1000.0,
            entries / syncs,
            syncs / elapsed,
        );
        Ok(())
    })?;
    load.log.close()?;
    fs::remove_dir_all(directory)?;
    Ok(())
}

/// Runs some submitters: each appends one entry after the other, each when the one before is
/// durable. They are no threads of their own, as those of a node are tasks.
fn submit(load: &Load, submitters: impl Iterator<Item = u32>) -> Outcome<Histogram<u64>> {
    let mut latencies_us = Histogram::new(3)?;
    let (sender, receiver) = mpsc::channel();
    let mut waiting = 0;
    for submitter in submitters {
        append(load, submitter, &sender)?;
        waiting += 1;
    }
    while waiting > 0 {
        let (submitter, start, result): Ended = receiver.recv()?;
        result?;
        if load.is_measuring.load(Ordering::Relaxed) {
            latencies_us.record(start.elapsed().as_micros() as u64)?;
        }
        if load.has_ended.load(Ordering::Relaxed) {
            waiting -= 1;
        } else {
            append(load, submitter, &sender)?;
        }
    }
    Ok(latencies_us)
}

type Ended = (u32, Instant, Result<(), LogError>);

fn append(load: &Load, submitter: u32, ended: &mpsc::Sender<Ended>) -> Outcome<()> {
    let keep = RETAINED_BYTES / u64::from(GROUPS) / load.payload.len() as u64;
    let group = GroupId(submitter % GROUPS);
    let (ended, start) = (ended.clone(), Instant::now());
    let mut next = load.heads[group.0 as usize]
        .lock()
        .map_err(|_| "a submitter panicked")?;
    let entry = Entry {
        id: LogId {
            term: 1,
            index: *next,
        },
        payload: load.payload.clone(),
    };
    let done = Box::new(move |result| drop(ended.send((submitter, start, result))));
    load.log.append(group, vec![entry], done)?;
    *next += 1;
    if *next % 1024 == 0 && *next > keep {
        load.log.purge(
            group,
            LogId {
                term: 1,
                index: *next - keep,
            },
            Box::new(|_| {}),
        )?;
    }
    Ok(())
}
