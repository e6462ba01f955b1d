//! `squorum bench`: a load test for any SQS endpoint that speaks AWS JSON 1.0.
//!
//! It is cheap, so that it measures the server: one thread, keep-alive connections with one call
//! outstanding each, bodies built once and patched in place, answers scanned and not parsed. It is
//! honest: every request is signed as an SDK does, latencies at a fixed rate count from the moment
//! a call was due, and every message is accounted for: sent, received, lost, doubled, out of order.
//!
//! [`run`] is the subcommand; [`measure`] gives the reports alone. One [`Shared`](run::Shared) per
//! run is what its producers and consumers have in common.

mod action;
mod amz_date;
mod answer;
mod arguments;
mod backlog;
mod connection;
mod consumer;
mod cpu;
mod delete_request;
mod duration;
mod endpoint;
mod error;
mod interrupt;
mod lane;
mod latency;
mod ledger;
mod measurement;
mod message_window;
mod outcome;
mod pacer;
mod producer;
mod progress;
mod queue;
mod report;
mod run;
mod scan;
mod schedule;
mod send_request;
mod signature;
mod table;
mod tag;
mod timeline;
mod workload;

use std::process::ExitCode;

pub use crate::arguments::{Arguments, Mode};
pub use crate::error::Error;
pub use crate::latency::Latency;
pub use crate::report::Report;
pub use crate::timeline::Timeline;

/// Measures, prints, and says by the exit code whether every message was accounted for: 1 when a
/// message was lost, doubled, disordered or damaged, or when a call failed.
pub fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    let as_json = arguments.json;
    let reports = measure(arguments)?;
    if as_json {
        for report in &reports {
            println!("{}", serde_json::to_string(report).map_err(Error::Json)?);
        }
    } else {
        println!("{}", table::render(&reports));
    }
    let passed = reports.iter().all(Report::passed);
    Ok(ExitCode::from(u8::from(!passed)))
}

/// One report for each mode and batch size, in the order given.
pub fn measure(arguments: Arguments) -> Result<Vec<Report>, Error> {
    let workloads = arguments.workloads()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let mut reports = Vec::with_capacity(workloads.len());
    for workload in workloads {
        let report = tokio::task::LocalSet::new().block_on(&runtime, run::run(workload))?;
        let interrupted = report.interrupted;
        reports.push(report);
        if interrupted {
            break;
        }
    }
    Ok(reports)
}
