use serde::Serialize;

use crate::arguments::{Mode, Retention};
use crate::latency::Latency;
use crate::run::{Shared, Window};

/// The members that `squorum bench --json` has, with the same meaning.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) mode: Mode,
    pub(crate) retention: Retention,
    pub(crate) producers: u64,
    pub(crate) consumers: u64,
    pub(crate) batch: u64,
    pub(crate) size: u64,
    pub(crate) rate: Option<f64>,
    pub(crate) seconds: f64,
    /// Acknowledged publishes (`send`) or acknowledgements (`pipeline`) in the window.
    pub(crate) messages: u64,
    pub(crate) messages_per_second: f64,
    pub(crate) send_ms: Option<Latency>,
    pub(crate) receive_ms: Option<Latency>,
    pub(crate) delete_ms: Option<Latency>,
    pub(crate) end_to_end_ms: Option<Latency>,
    pub(crate) server_cpu_us_per_message: Option<f64>,
    pub(crate) server_cpu_us_per_message_by_process: Vec<Option<f64>>,
    pub(crate) server_cores: Option<f64>,
    pub(crate) client_cpu_us_per_message: Option<f64>,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) deleted: u64,
    /// After a pipeline: acknowledged and never received. After sends: what the stream lacks.
    pub(crate) lost: u64,
    pub(crate) duplicates: u64,
    pub(crate) damaged: u64,
    pub(crate) foreign: u64,
    pub(crate) redelivered: u64,
    pub(crate) resent_duplicates: u64,
    pub(crate) violations: u64,
    pub(crate) errors: u64,
    pub(crate) last_error: Option<String>,
}

impl Report {
    pub(crate) fn passed(&self) -> bool {
        self.violations == 0 && self.errors == 0
    }

    /// `left` is how many messages the stream holds at the end.
    pub(crate) fn new(shared: &Shared, window: &Window, left: u64) -> Report {
        let (arguments, ledger) = (&shared.arguments, shared.ledger.borrow());
        let errors = shared.errors.borrow();
        let (start, end) = (&window.start, &window.end);
        let seconds = (end.at - start.at).as_secs_f64().max(1e-9);
        let (messages, lost) = match arguments.mode {
            Mode::Send => (
                end.sent - start.sent,
                ledger.acknowledged_count.saturating_sub(left),
            ),
            Mode::Pipeline => (end.deleted - start.deleted, ledger.lost(None)),
        };
        let per_message =
            |used_us: u64| (messages > 0).then(|| round(used_us as f64 / messages as f64, 2));
        let server_us = server_cpu_us(window);
        let all_server_us: Option<u64> = server_us.iter().copied().sum();
        let all_server_us = all_server_us.filter(|_| !server_us.is_empty());
        Report {
            mode: arguments.mode,
            retention: arguments.retention,
            producers: arguments.producers(),
            consumers: arguments.consumers(),
            batch: arguments.batch,
            size: arguments.size,
            rate: arguments.rate,
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
            damaged: ledger.damaged,
            foreign: ledger.foreign,
            redelivered: ledger.redelivered,
            resent_duplicates: ledger.resent_duplicates,
            violations: lost + ledger.duplicates + ledger.damaged + ledger.foreign,
            errors: errors.count,
            last_error: errors.last.clone(),
        }
    }
}

/// One for each server process; `None` for one that ended meanwhile.
fn server_cpu_us(window: &Window) -> Vec<Option<u64>> {
    let (start, end) = (&window.start.server_cpu_us, &window.end.server_cpu_us);
    let used = |(from, to): (&Option<u64>, &Option<u64>)| (*to)?.checked_sub((*from)?);
    start.iter().zip(end).map(used).collect()
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}
