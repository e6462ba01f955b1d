//! Many seeds, each in a process of its own: what is static in a process would otherwise carry over
//! from one run to the next.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// No seed takes nearly as long; one that does has hung.
const SEED_SECONDS_MAX: u64 = 600;
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Seeds from `first` on, `end` left out.
#[derive(Clone, Debug)]
pub(crate) struct Seeds {
    first: u64,
    end: u64,
}

impl FromStr for Seeds {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Seeds, anyhow::Error> {
        let (first, end) = text.split_once("..").context("not of the form A..B")?;
        let seeds = Seeds {
            first: first.parse()?,
            end: end.parse()?,
        };
        ensure!(seeds.first < seeds.end, "no seeds");
        Ok(seeds)
    }
}

#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) seeds: Seeds,
    pub(crate) layer: &'static str,
    pub(crate) parallel: usize,
    pub(crate) replays: usize,
}

/// How a process ended.
#[derive(Clone, Debug)]
struct Ran {
    is_well: bool,
    /// What it printed: the report, or why there is none.
    text: String,
}

impl Campaign {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let all: Vec<u64> = (self.seeds.first..self.seeds.end).collect();
        let results = self.run_all(&all)?;
        let failed: Vec<_> = results.iter().filter(|(_, ran)| !ran.is_well).collect();
        for (seed, ran) in &failed {
            println!("FAILED seed {seed}: {}", ran.text.trim_end());
        }
        let simulated_ms: u64 = results
            .values()
            .filter_map(|ran| field(&ran.text, "simulated_ms"))
            .filter_map(|value| value.parse::<u64>().ok())
            .sum();
        println!(
            "{} seeds of {}, {:.2} simulated hours, {} failed",
            results.len(),
            self.layer,
            simulated_ms as f64 / 3_600_000.0,
            failed.len()
        );
        let differing = self.replay(&results)?;
        ensure!(failed.is_empty(), "{} seeds failed", failed.len());
        ensure!(differing == 0, "{differing} seeds did not replay");
        Ok(())
    }

    /// Runs some seeds again, spread over all. Answers how many had another trace.
    fn replay(&self, results: &BTreeMap<u64, Ran>) -> anyhow::Result<usize> {
        if self.replays == 0 {
            return Ok(0);
        }
        let stride = results.len().div_ceil(self.replays);
        let seeds: Vec<u64> = results.keys().copied().step_by(stride).collect();
        let again = self.run_all(&seeds)?;
        let hash = |ran: &Ran| field(&ran.text, "hash").map(str::to_owned);
        let mut differing = 0;
        for (seed, ran) in &again {
            if hash(ran).is_none() || hash(ran) != hash(&results[seed]) {
                println!("seed {seed} did not replay: {}", ran.text.trim_end());
                differing += 1;
            }
        }
        println!(
            "{} of {} seeds replayed",
            again.len() - differing,
            again.len()
        );
        Ok(differing)
    }

    fn run_all(&self, seeds: &[u64]) -> anyhow::Result<BTreeMap<u64, Ran>> {
        let next = AtomicU64::new(0);
        let results = Mutex::new(BTreeMap::new());
        let work = || -> anyhow::Result<()> {
            loop {
                let position = next.fetch_add(1, Ordering::Relaxed) as usize;
                let Some(seed) = seeds.get(position) else {
                    return Ok(());
                };
                let ran = self.run_one(*seed)?;
                let mut results = results.lock().map_err(|_| anyhow::anyhow!("poisoned"))?;
                results.insert(*seed, ran);
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.parallel.max(1))
                .map(|_| scope.spawn(work))
                .collect();
            for worker in workers {
                match worker.join() {
                    Ok(result) => result?,
                    Err(_) => bail!("a worker of the campaign panicked"),
                }
            }
            anyhow::Ok(())
        })?;
        results
            .into_inner()
            .map_err(|_| anyhow::anyhow!("poisoned"))
    }

    fn run_one(&self, seed: u64) -> anyhow::Result<Ran> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--layer", self.layer, "--seed", &seed.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // A report is far smaller than a pipe's buffer.
        for _ in 0..SEED_SECONDS_MAX * 1_000 / POLL_INTERVAL.as_millis() as u64 {
            if child.try_wait()?.is_some() {
                let output = child.wait_with_output()?;
                let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
                if text.is_empty() {
                    text = last_lines(&String::from_utf8_lossy(&output.stderr));
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
}

/// The value of `name=value` in a report.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.split_whitespace()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
