use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::cpu::process_cpu_us;
use crate::ledger::Ledger;

const LATENCY_US_MAX: u64 = 120_000_000;

/// What is counted from `start` on. Latencies are those of calls that were answered with 200.
#[derive(Debug)]
pub(crate) struct Measurement {
    pub(crate) send_us: Histogram<u64>,
    pub(crate) receive_us: Histogram<u64>,
    pub(crate) delete_us: Histogram<u64>,
    /// Calls that failed, were refused or broke, and batch entries that failed.
    pub(crate) errors: u64,
    pub(crate) last_error: Option<String>,
    pub(crate) last_delete: Instant,
    pub(crate) last_receive: Instant,
}

impl Measurement {
    pub(crate) fn start() -> Measurement {
        let latencies = || {
            Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)
                .expect("the bounds are valid constants")
        };
        let now = Instant::now();
        Measurement {
            send_us: latencies(),
            receive_us: latencies(),
            delete_us: latencies(),
            errors: 0,
            last_error: None,
            last_delete: now,
            last_receive: now,
        }
    }

    pub(crate) fn fail(&mut self, error: String) {
        self.errors += 1;
        self.last_error = Some(error);
    }
}

pub(crate) fn record(latencies: &mut Histogram<u64>, elapsed: Duration) {
    latencies.saturating_record(elapsed.as_micros().min(u128::from(u64::MAX)) as u64);
}

/// Cumulative figures at one moment; a report is made of the difference of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    pub(crate) at: Instant,
    pub(crate) sent: u64,
    pub(crate) deleted: u64,
    pub(crate) server_cpu_us: Option<u64>,
    pub(crate) client_cpu_us: Option<u64>,
}

impl Snapshot {
    pub(crate) fn take(ledger: &Ledger, server_pid: Option<u32>) -> Snapshot {
        Snapshot {
            at: Instant::now(),
            sent: ledger.acked_count,
            deleted: ledger.deleted_count,
            server_cpu_us: server_pid.and_then(process_cpu_us),
            client_cpu_us: process_cpu_us(std::process::id()),
        }
    }
}
