use std::fmt::Write as _;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use crate::arguments::Mode;
use crate::latency::Latency;
use crate::report::Report;

const RATE_HEADINGS: [&str; 6] = [
    "run",
    "connections",
    "messages/s",
    "server cores",
    "server CPU µs/message",
    "client CPU µs/message",
];
const LATENCY_HEADINGS: [&str; 7] = ["run", "ms", "p50", "p90", "p99", "p99.9", "max"];

/// Rates and latencies of all runs side by side, then the account of messages of each.
pub(crate) fn render(reports: &[Report]) -> String {
    let rates = reports.iter().map(|report| rate_row(report).to_vec());
    let latencies = reports.iter().flat_map(latency_rows);
    let rates = table(&RATE_HEADINGS, rates, 1);
    let latencies = table(&LATENCY_HEADINGS, latencies, 2);
    let mut text = format!("{rates}\n{latencies}\n");
    for report in reports {
        write_account(&mut text, report);
    }
    text.trim_end().to_owned()
}

/// The columns from `numbers_from` on hold numbers.
fn table(headings: &[&str], rows: impl Iterator<Item = Vec<String>>, numbers_from: usize) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(headings.iter().copied());
    rows.for_each(|row| _ = table.add_row(row));
    for column in table.column_iter_mut().skip(numbers_from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn name(report: &Report) -> String {
    let mode = format!("{:?}", report.mode).to_lowercase();
    let mut name = format!("{mode}, batch {}", report.batch);
    if report.mode != Mode::Fifo && report.groups > 0 {
        name.push_str(", FIFO");
    }
    if let Some(rate) = report.rate {
        write!(name, ", {rate}/s").expect("writing to memory cannot fail");
    }
    name
}

fn rate_row(report: &Report) -> [String; 6] {
    let (producers, consumers) = (report.producers, report.consumers);
    let connections = match report.mode {
        Mode::Send => producers.to_string(),
        Mode::Drain => consumers.to_string(),
        Mode::Pipeline | Mode::Fifo => format!("{producers} + {consumers}"),
    };
    let number = |value: Option<f64>, digits: usize| {
        value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
    };
    [
        name(report),
        connections,
        format!("{:.0}", report.messages_per_second),
        number(report.server_cores, 2),
        number(report.server_cpu_us_per_message, 1),
        number(report.client_cpu_us_per_message, 1),
    ]
}

fn latency_rows(report: &Report) -> impl Iterator<Item = Vec<String>> {
    let calls = [
        ("send", report.send_ms),
        ("receive", report.receive_ms),
        ("delete", report.delete_ms),
        ("end to end", report.end_to_end_ms),
    ];
    calls.into_iter().filter_map(move |(call, latency)| {
        let Latency {
            p50,
            p90,
            p99,
            p999,
            max,
            ..
        } = latency?;
        let numbers = [p50, p90, p99, p999, max].map(milliseconds);
        Some(
            [name(report), call.to_owned()]
                .into_iter()
                .chain(numbers)
                .collect(),
        )
    })
}

fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => format!("{ms:.0}"),
    }
}

fn write_account(text: &mut String, report: &Report) {
    let lost = report
        .lost
        .map_or("not checked".to_owned(), |lost| lost.to_string());
    let (sent, received, deleted) = (report.sent, report.received, report.deleted);
    let (duplicates, disordered) = (report.duplicates, report.disordered);
    let (damaged, errors) = (report.damaged, report.errors);
    let mut line = format!(
        "{}: {sent} sent, {received} received, {deleted} deleted; lost {lost}, \
         duplicates {duplicates}, disordered {disordered}, damaged {damaged}, errors {errors}",
        name(report),
    );
    for (count, what) in [
        (report.foreign, "of others"),
        (
            report.redelivered,
            "redelivered after their visibility timeout",
        ),
        (
            report.resent_duplicates,
            "doubled by a send that was repeated",
        ),
    ] {
        if count > 0 {
            write!(line, ", {count} {what}").expect("writing to memory cannot fail");
        }
    }
    let verdict = if report.passed() { "ok" } else { "FAILED" };
    let interrupted = if report.interrupted {
        ", interrupted"
    } else {
        ""
    };
    writeln!(text, "{line}: {verdict}{interrupted}").expect("writing to memory cannot fail");
    if let Some(error) = &report.last_error {
        writeln!(text, "  last error: {error}").expect("writing to memory cannot fail");
    }
}
