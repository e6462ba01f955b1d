//! `squorum-load`: a small load test for any SQS endpoint that speaks AWS JSON 1.0.
//!
//! It is cheap, so that it measures the server: one thread, keep-alive connections with one call
//! outstanding each, requests built once and patched in place, answers scanned and not parsed. It
//! still accounts for every message: sent, received, lost, doubled, out of order.

mod batch;
mod connection;
mod consumer;
mod cpu;
mod ledger;
mod measurement;
mod options;
mod producer;
mod report;
mod request;
mod run;
mod scan;
mod tag;

use anyhow::Context;
use clap::Parser;

fn main() -> anyhow::Result<()> {
    let options = options::Options::parse();
    let as_json = options.json;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let report = tokio::task::LocalSet::new().block_on(&runtime, run::run(options))?;
    if as_json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}
