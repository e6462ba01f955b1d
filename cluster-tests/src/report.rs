use std::fmt;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::measurement::Snapshot;
use crate::options::Mode;
use crate::run::Run;

/// The figures of one run. Rates and CPU are those of the measured window; the accounts of lost,
/// doubled and disordered messages are those of the whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    mode: String,
    queue: String,
    connections: u64,
    batch: u64,
    size: u64,
    groups: u64,
    seconds: f64,
    sent: u64,
    received: u64,
    deleted: u64,
    /// Acknowledged sends (`send`) or deletes (the others) in the window.
    messages: u64,
    messages_per_second: f64,
    send_ms: Option<Latency>,
    receive_ms: Option<Latency>,
    delete_ms: Option<Latency>,
    server_cpu_us_per_message: Option<f64>,
    client_cpu_us_per_message: Option<f64>,
    errors: u64,
    last_error: Option<String>,
    /// `None` when nothing was received on purpose, or nobody said how many to expect.
    lost: Option<u64>,
    duplicates: u64,
    disordered: u64,
    foreign: u64,
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Report {
    pub(crate) fn new(run: &Run, start: Snapshot, end: Snapshot) -> Report {
        let (options, ledger) = (&run.options, run.ledger.borrow());
        let measurement = run.measurement.borrow();
        let seconds = (end.at - start.at).as_secs_f64();
        let messages = match options.mode {
            Mode::Send => end.sent - start.sent,
            _ => end.deleted - start.deleted,
        };
        let per_message = |from: Option<u64>, to: Option<u64>| {
            let used = to?.checked_sub(from?)?;
            (messages > 0).then(|| round(used as f64 / messages as f64, 2))
        };
        let lost = match (options.mode, options.messages) {
            (Mode::Send, _) | (Mode::Drain, None) => None,
            (Mode::Drain, expected) => Some(ledger.lost(expected)),
            _ => Some(ledger.lost(None)),
        };
        Report {
            mode: format!("{:?}", options.mode).to_lowercase(),
            queue: options.queue.clone(),
            connections: options.connections,
            batch: options.batch,
            size: options.size,
            groups: options.groups(),
            seconds: round(seconds, 3),
            sent: ledger.acked_count,
            received: ledger.received_count,
            deleted: ledger.deleted_count,
            messages,
            messages_per_second: round(messages as f64 / seconds.max(1e-9), 1),
            send_ms: latency(&measurement.send_us),
            receive_ms: latency(&measurement.receive_us),
            delete_ms: latency(&measurement.delete_us),
            server_cpu_us_per_message: per_message(start.server_cpu_us, end.server_cpu_us),
            client_cpu_us_per_message: per_message(start.client_cpu_us, end.client_cpu_us),
            errors: measurement.errors,
            last_error: measurement.last_error.clone(),
            lost,
            duplicates: ledger.duplicates,
            disordered: ledger.disordered,
            foreign: ledger.foreign,
        }
    }
}

fn latency(histogram_us: &Histogram<u64>) -> Option<Latency> {
    let ms = |us: u64| round(us as f64 / 1000.0, 3);
    (!histogram_us.is_empty()).then(|| Latency {
        p50: ms(histogram_us.value_at_quantile(0.5)),
        p99: ms(histogram_us.value_at_quantile(0.99)),
        max: ms(histogram_us.max()),
    })
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mode, batch, connections) = (&self.mode, self.batch, self.connections);
        writeln!(
            f,
            "{mode}, batch {batch}, {connections} connections, {} s",
            self.seconds
        )?;
        writeln!(f, "  messages/s        {:.0}", self.messages_per_second)?;
        let latencies = [
            ("send", &self.send_ms),
            ("receive", &self.receive_ms),
            ("delete", &self.delete_ms),
        ];
        for (action, latency) in latencies {
            if let Some(Latency { p50, p99, max }) = latency {
                writeln!(f, "  {action:<7} ms        p50 {p50}  p99 {p99}  max {max}")?;
            }
        }
        if let Some(cpu) = self.server_cpu_us_per_message {
            writeln!(f, "  server CPU µs     {cpu} a message")?;
        }
        if let Some(cpu) = self.client_cpu_us_per_message {
            writeln!(f, "  client CPU µs     {cpu} a message")?;
        }
        let (sent, received, deleted) = (self.sent, self.received, self.deleted);
        writeln!(
            f,
            "  messages          sent {sent}  received {received}  deleted {deleted}"
        )?;
        let lost = self.lost.map_or("-".to_owned(), |lost| lost.to_string());
        let (duplicates, disordered, errors) = (self.duplicates, self.disordered, self.errors);
        write!(
            f,
            "  accounts          lost {lost}  duplicates {duplicates}  \
             disordered {disordered}  errors {errors}"
        )?;
        if let Some(error) = &self.last_error {
            write!(f, "\n  last error        {error}")?;
        }
        Ok(())
    }
}
