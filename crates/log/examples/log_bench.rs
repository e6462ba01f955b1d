//! Throughput of the log on a real directory: 64 submitters over 8 groups, each waits until its
//! entry is durable. `cargo run --release -p squorum-log --example log_bench -- [directory [seconds]]`

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use bytes::Bytes;
use hdrhistogram::Histogram;
use squorum_log::{Entry, GroupId, Log, LogId, Options, RealFileSystem};
use std::sync::Mutex;

const GROUPS: u32 = 8;
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

fn run(directory: &Path, submitters: u32, bytes: usize, time: Duration) -> Outcome<()> {
    let _ = fs::remove_dir_all(directory);
    let log = Log::open(Arc::new(RealFileSystem), directory, Options::default())?;
    let heads: Vec<Mutex<u64>> = (0..GROUPS).map(|_| Mutex::new(0)).collect();
    let (measuring, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut total = Histogram::<u64>::new(3)?;
    thread::scope(|scope| -> Outcome<()> {
        let (measuring, ended, log, heads) = (&measuring, &ended, &log, &heads);
        let submitter = |number: u32| {
            let group = GroupId(number % GROUPS);
            move || {
                submit(
                    log,
                    group,
                    &heads[group.0 as usize],
                    bytes,
                    measuring,
                    ended,
                )
            }
        };
        let threads: Vec<_> = (0..submitters)
            .map(|number| scope.spawn(submitter(number)))
            .collect();
        // Until segments are recycled, as they are in the long run.
        thread::sleep(time / 2);
        let (cpu, health, start) = (cpu_us()?, log.health(), Instant::now());
        measuring.store(true, Ordering::SeqCst);
        thread::sleep(time);
        measuring.store(false, Ordering::SeqCst);
        let elapsed = start.elapsed().as_secs_f64();
        let (cpu, after) = (cpu_us()? - cpu, log.health());
        ended.store(true, Ordering::SeqCst);
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
    log.close()?;
    fs::remove_dir_all(directory)?;
    Ok(())
}

/// Appends one entry after the other, each when the one before is durable.
fn submit(
    log: &Log,
    group: GroupId,
    head: &Mutex<u64>,
    bytes: usize,
    measuring: &AtomicBool,
    ended: &AtomicBool,
) -> Outcome<Histogram<u64>> {
    let keep = RETAINED_BYTES / u64::from(GROUPS) / bytes as u64;
    let payload = Bytes::from(vec![0x5a; bytes]);
    let mut latencies_us = Histogram::new(3)?;
    while !ended.load(Ordering::Relaxed) {
        let (sender, receiver) = mpsc::sync_channel(1);
        let start = Instant::now();
        {
            let mut next = head.lock().map_err(|_| "another submitter panicked")?;
            let entry = Entry {
                id: LogId {
                    term: 1,
                    index: *next,
                },
                payload: payload.clone(),
            };
            let done = Box::new(move |result| drop(sender.send(result)));
            log.append(group, vec![entry], done)?;
            *next += 1;
            if *next % 1024 == 0 && *next > keep {
                log.purge(
                    group,
                    LogId {
                        term: 1,
                        index: *next - keep,
                    },
                    Box::new(|_| {}),
                )?;
            }
        }
        receiver.recv()??;
        if measuring.load(Ordering::Relaxed) {
            latencies_us.record(start.elapsed().as_micros() as u64)?;
        }
    }
    Ok(latencies_us)
}
