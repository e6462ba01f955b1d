//! One seed in a process of its own: what is static in a process would otherwise carry over from one
//! run to the next.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// No seed takes nearly as long; one that does has hung.
const SEED_SECONDS_MAX: u64 = 600;
/// Of what a process logs, in case it makes no report.
const LINES_KEPT: usize = 8;
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How a process ended.
#[derive(Clone, Debug)]
pub(super) struct Ran {
    pub(super) is_well: bool,
    /// What it printed: the report, or why there is none.
    pub(super) text: String,
}

impl Ran {
    /// The value of `name=value` in the report.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields();
        fields.find_map(|(found, value)| (found == name).then_some(value))
    }

    /// What the report counted, the number of violations aside.
    pub(super) fn facts(&self) -> impl Iterator<Item = (&str, u64)> {
        let said = ["seed", "hash", "violations"];
        let facts = self.fields().filter(move |(name, _)| !said.contains(name));
        facts.filter_map(|(name, value)| Some((name, value.parse().ok()?)))
    }

    /// The violation of a rule, if the report has one.
    pub(super) fn violation(&self, rule: &str) -> Option<&str> {
        let mut lines = self.text.lines().skip(1).map(str::trim_start);
        lines.find(|line| line.split_once(": ").is_some_and(|(name, _)| name == rule))
    }

    fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let report = self.text.lines().next().unwrap_or_default();
        report
            .split_whitespace()
            .filter_map(|word| word.split_once('='))
    }
}

pub(super) fn run(layer: &str, seed: u64) -> anyhow::Result<Ran> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--layer", layer, "--seed", &seed.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // What nodes log can be much, a report is far smaller than a pipe's buffer.
    let stderr = child.stderr.take();
    let log = thread::spawn(move || stderr.map(last_lines).unwrap_or_default());
    for _ in 0..SEED_SECONDS_MAX * 1_000 / POLL_INTERVAL.as_millis() as u64 {
        if child.try_wait()?.is_some() {
            let output = child.wait_with_output()?;
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            if text.is_empty() {
                text = log.join().unwrap_or_default();
            }
            return Ok(Ran {
                is_well: output.status.success(),
                text,
            });
        }
        thread::sleep(POLL_INTERVAL);
    }
    child.kill()?;
    child.wait()?;
    Ok(Ran {
        is_well: false,
        text: format!("did not end within {SEED_SECONDS_MAX} s"),
    })
}

/// The end of what is read.
fn last_lines(from: impl Read) -> String {
    let mut last = VecDeque::new();
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        if last.len() == LINES_KEPT {
            last.pop_front();
        }
        last.push_back(String::from_utf8_lossy(&line).into_owned());
    }
    Vec::from(last).join("\n")
}
