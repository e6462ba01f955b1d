//! A load test for NATS JetStream by the definitions of `squorum bench`.
//!
//! What defines a figure is that program's own source, included by path, so that the two cannot
//! drift apart: the backlog's bound, the pace, the account of every message, the percentiles, the
//! CPU times. Here is only what differs: how a message is published, fetched and acknowledged. The
//! report has the same members.
//!
//! A connection is one client with one TCP connection. A producer publishes a batch and awaits all
//! of its acknowledgements; a consumer fetches up to a batch and awaits the server's answer to its
//! acknowledgement of each (NATS calls it a double ack), which is what awaiting a delete is in SQS.

mod arguments;
mod connection;
mod consumer;
mod error;
mod producer;
mod report;
mod run;
mod stream;

#[allow(dead_code)] // no progress is shown here
#[path = "../../../../crates/bench/src/backlog.rs"]
mod backlog;
#[path = "../../../../crates/bench/src/cpu.rs"]
mod cpu;
#[path = "../../../../crates/bench/src/duration.rs"]
mod duration;
#[path = "../../../../crates/bench/src/lane.rs"]
mod lane;
#[path = "../../../../crates/bench/src/latency.rs"]
mod latency;
#[allow(dead_code)] // groups and drains are not measured here
#[path = "../../../../crates/bench/src/ledger.rs"]
mod ledger;
#[path = "../../../../crates/bench/src/measurement.rs"]
mod measurement;
#[path = "../../../../crates/bench/src/message_window.rs"]
mod message_window;
#[path = "../../../../crates/bench/src/pacer.rs"]
mod pacer;
#[path = "../../../../crates/bench/src/schedule.rs"]
mod schedule;
#[path = "../../../../crates/bench/src/tag.rs"]
mod tag;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::error::Error;
use crate::report::Report;

fn main() -> ExitCode {
    let outcome = measure(Arguments::parse()).and_then(|report| {
        println!("{}", serde_json::to_string(&report).map_err(Error::Json)?);
        Ok(report.passed())
    });
    match outcome {
        Ok(passed) => ExitCode::from(u8::from(!passed)),
        Err(error) => {
            eprintln!("nats-load: {error}");
            ExitCode::from(2)
        }
    }
}

/// On one thread, as `squorum bench`.
fn measure(arguments: Arguments) -> Result<Report, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    tokio::task::LocalSet::new().block_on(&runtime, run::run(arguments))
}
