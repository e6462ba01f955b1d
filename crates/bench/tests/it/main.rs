//! The load test against a server that loses, doubles, reorders and stalls on purpose.

#![allow(clippy::unwrap_used)]

mod accounts;
mod fake;
mod faults;
mod pace;
mod retries;
mod signatures;

use clap::Parser;
use squorum_bench::{Arguments, Error, Report};

use crate::fake::Fake;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(line: &str) -> Arguments {
    let words = std::iter::once("bench").chain(line.split_ascii_whitespace());
    Cli::parse_from(words).arguments
}

/// Runs `squorum bench` with these words against the fake.
fn try_bench(fake: &Fake, line: &str) -> Result<Vec<Report>, Error> {
    let mut arguments = arguments(&format!("{line} --json"));
    let given = std::mem::take(&mut arguments.endpoints);
    let is_default = |url: &String| url == "http://localhost:9324";
    arguments.endpoints = given.into_iter().filter(|url| !is_default(url)).collect();
    arguments.endpoints.push(fake.endpoint());
    squorum_bench::measure(arguments)
}

fn bench(fake: &Fake, line: &str) -> Report {
    try_bench(fake, line).unwrap().pop().unwrap()
}
