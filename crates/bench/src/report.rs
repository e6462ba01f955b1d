use serde::Serialize;

use crate::arguments::Mode;
use crate::latency::Latency;
use crate::run::{Shared, Window};
use crate::timeline::Timeline;

/// The figures of one run. Rates, latencies and CPU are those of the measured window; the accounts
/// of messages and errors are those of the whole run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub mode: Mode,
    pub queue: String,
    pub producers: u64,
    pub consumers: u64,
    pub batch: u64,
    pub size: u64,
    /// 0 for a standard queue.
    pub groups: u64,
    /// Messages per second that were to be sent.
    pub rate: Option<f64>,
    pub signed: bool,
    pub interrupted: bool,
    /// Of the window.
    pub seconds: f64,
    /// Acknowledged sends (`send`) or deletes (the others) in the window.
    pub messages: u64,
    pub messages_per_second: f64,
    pub send_ms: Option<Latency>,
    pub receive_ms: Option<Latency>,
    pub delete_ms: Option<Latency>,
    /// From when a send was due until the message was received.
    pub end_to_end_ms: Option<Latency>,
    /// Of all server processes together.
    pub server_cpu_us_per_message: Option<f64>,
    pub server_cpu_us_per_message_by_process: Vec<Option<f64>>,
    pub server_cores: Option<f64>,
    pub client_cpu_us_per_message: Option<f64>,
    pub sent: u64,
    pub received: u64,
    pub deleted: u64,
    /// `None` when nothing was received on purpose, or nobody said how many to expect.
    pub lost: Option<u64>,
    pub duplicates: u64,
    pub disordered: u64,
    pub damaged: u64,
    /// Sent by another run or program; wrong only in a queue that was made for the run.
    pub foreign: u64,
    /// Rightly received again, after their visibility timeout.
    pub redelivered: u64,
    /// Rightly received twice, because they were sent twice after an unknown outcome.
    pub resent_duplicates: u64,
    pub violations: u64,
    pub errors: u64,
    pub last_error: Option<String>,
    /// If it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    #[serde(skip)]
    pub(crate) tolerates_errors: bool,
}

impl Report {
    /// Whether every message is accounted for and, unless that is tolerated, no call failed.
    pub fn passed(&self) -> bool {
        self.violations == 0 && (self.errors == 0 || self.tolerates_errors)
    }

    pub(crate) fn new(shared: &Shared, window: &Window) -> Report {
        let (workload, ledger) = (&shared.workload, shared.ledger.borrow());
        let errors = shared.errors.borrow();
        let (start, end) = (&window.start, &window.end);
        let seconds = (end.at - start.at).as_secs_f64().max(1e-9);
        let messages = match workload.mode {
            Mode::Send => end.sent - start.sent,
            _ => end.deleted - start.deleted,
        };
        let per_message =
            |used_us: u64| (messages > 0).then(|| round(used_us as f64 / messages as f64, 2));
        let server_us = server_cpu_us(window);
        let all_server_us: Option<u64> = server_us.iter().copied().sum();
        let all_server_us = all_server_us.filter(|_| !server_us.is_empty());
        let lost = lost(shared);
        let foreign = if shared.queue.is_own {
            ledger.foreign
        } else {
            0
        };
        let violations =
            lost.unwrap_or(0) + ledger.duplicates + ledger.disordered + ledger.damaged + foreign;
        Report {
            mode: workload.mode,
            queue: shared.queue.name.clone(),
            producers: workload.producers,
            consumers: workload.consumers,
            batch: workload.batch,
            size: workload.size as u64,
            groups: workload.groups,
            rate: workload.rate,
            signed: workload.credentials.is_some(),
            interrupted: shared.interrupt.count() > 0,
            seconds: round(seconds, 3),
            messages,
            messages_per_second: round(messages as f64 / seconds, 1),
            send_ms: window.measurement.send.summary(),
            receive_ms: window.measurement.receive.summary(),
            delete_ms: window.measurement.delete.summary(),
            end_to_end_ms: window.measurement.end_to_end.summary(),
            server_cpu_us_per_message: all_server_us.and_then(per_message),
            server_cpu_us_per_message_by_process: server_us
                .iter()
                .map(|used_us| used_us.and_then(per_message))
                .collect(),
            server_cores: all_server_us.map(|us| round(us as f64 / 1e6 / seconds, 3)),
            client_cpu_us_per_message: per_message(end.client_cpu_us - start.client_cpu_us),
            sent: ledger.acknowledged_count,
            received: ledger.received_count,
            deleted: ledger.deleted_count,
            lost,
            duplicates: ledger.duplicates,
            disordered: ledger.disordered,
            damaged: ledger.damaged,
            foreign: ledger.foreign,
            redelivered: ledger.redelivered,
            resent_duplicates: ledger.resent_duplicates,
            violations,
            errors: errors.count,
            last_error: errors.last.clone(),
            timeline: window.timeline.clone(),
            tolerates_errors: workload.tolerates_errors,
        }
    }
}

/// One for each server process; `None` for one that ended meanwhile.
fn server_cpu_us(window: &Window) -> Vec<Option<u64>> {
    let (start, end) = (&window.start.server_cpu_us, &window.end.server_cpu_us);
    let used = |(from, to): (&Option<u64>, &Option<u64>)| (*to)?.checked_sub((*from)?);
    start.iter().zip(end).map(used).collect()
}

fn lost(shared: &Shared) -> Option<u64> {
    let workload = &shared.workload;
    // Whoever does not wait for what is outstanding cannot call it lost.
    let interrupts_max = if workload.mode == Mode::Drain { 1 } else { 2 };
    if workload.consumers == 0 || shared.interrupt.count() >= interrupts_max {
        return None;
    }
    let ledger = shared.ledger.borrow();
    if workload.drains_what_others_sent() {
        let expected = workload.messages?;
        return Some(ledger.lost(Some(expected)));
    }
    Some(ledger.lost(None))
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}
