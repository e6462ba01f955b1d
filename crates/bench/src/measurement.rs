use std::time::Instant;

use crate::cpu::{own_cpu_us, process_cpu_us};
use crate::latency::Latencies;
use crate::ledger::Ledger;

/// Latencies of the measured window.
#[derive(Debug)]
pub(crate) struct Measurement {
    /// Of a send until it was answered with 200, from when it was due.
    pub(crate) send: Latencies,
    /// Of receives that brought messages.
    pub(crate) receive: Latencies,
    pub(crate) delete: Latencies,
    /// From when a message's send was due until its receive was answered.
    pub(crate) end_to_end: Latencies,
}

impl Measurement {
    pub(crate) fn new() -> Measurement {
        Measurement {
            send: Latencies::new(),
            receive: Latencies::new(),
            delete: Latencies::new(),
            end_to_end: Latencies::new(),
        }
    }
}

/// Calls that failed, were refused or broke, and batch entries that failed, in the whole run.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    pub(crate) count: u64,
    pub(crate) last: Option<String>,
}

impl Errors {
    pub(crate) fn add(&mut self, reason: String) {
        self.count += 1;
        self.last = Some(reason);
    }
}

/// Cumulative figures at one moment; a report is made of the difference of two.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) at: Instant,
    pub(crate) sent: u64,
    pub(crate) deleted: u64,
    /// One for each server process; `None` for one that is gone.
    pub(crate) server_cpu_us: Vec<Option<u64>>,
    pub(crate) client_cpu_us: u64,
}

impl Snapshot {
    pub(crate) fn take(ledger: &Ledger, server_pids: &[u32]) -> Snapshot {
        Snapshot {
            at: Instant::now(),
            sent: ledger.acknowledged_count,
            deleted: ledger.deleted_count,
            server_cpu_us: server_pids.iter().map(|pid| process_cpu_us(*pid)).collect(),
            client_cpu_us: own_cpu_us(),
        }
    }
}
