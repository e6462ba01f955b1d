//! Many seeds of one layer.

mod run;
mod seeds;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::{bail, ensure};

use self::run::{Ran, run};
pub(crate) use self::seeds::{Seeds, regressions};

/// A campaign of so many seeds has everything happen that a run can count. One that lacks a kind of
/// fault altogether says nothing about it.
const SEEDS_FOR_EVERYTHING: usize = 100;

#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) seeds: Vec<u64>,
    pub(crate) layer: &'static str,
    pub(crate) parallel: usize,
}

type Results = BTreeMap<u64, Ran>;

impl Campaign {
    /// Runs all seeds, and some of them again.
    pub(crate) fn run(self, replays: usize) -> anyhow::Result<()> {
        let results = self.run_all(&self.seeds, |_| false)?;
        let failed: Vec<_> = results.iter().filter(|(_, ran)| !ran.is_well).collect();
        for (seed, ran) in &failed {
            println!("FAILED seed {seed}: {}", ran.text.trim_end());
        }
        let totals = totals(&results);
        let simulated_ms = totals.get("simulated_ms").copied().unwrap_or(0);
        println!(
            "{} seeds of {}, {:.2} simulated hours, {} failed",
            results.len(),
            self.layer,
            simulated_ms as f64 / 3_600_000.0,
            failed.len()
        );
        println!("{}", describe(&totals));
        let differing = match replays {
            0 => 0,
            _ => self.replay(&results, replays)?,
        };
        ensure!(failed.is_empty(), "{} seeds failed", failed.len());
        ensure!(differing == 0, "{differing} seeds did not replay");
        if results.len() >= SEEDS_FOR_EVERYTHING {
            let mut never = totals.iter().filter(|(_, total)| **total == 0);
            if let Some((name, _)) = never.next() {
                bail!("{name} was 0 in all seeds: the campaign says nothing about it");
            }
        }
        Ok(())
    }

    /// Runs seeds until one breaks `rule`.
    pub(crate) fn expect(self, rule: &str) -> anyhow::Result<()> {
        let breaks = |ran: &Ran| ran.violation(rule).is_some();
        let results = self.run_all(&self.seeds, breaks)?;
        let mut found = results
            .iter()
            .filter_map(|(seed, ran)| Some((seed, ran.violation(rule)?)));
        if let Some((seed, violation)) = found.next() {
            println!("seed {seed} of {}: {violation}", results.len());
            return Ok(());
        }
        for (seed, ran) in results.iter().filter(|(_, ran)| !ran.is_well) {
            println!("seed {seed}, something else: {}", ran.text.trim_end());
        }
        bail!("none of {} seeds broke the rule {rule}", results.len())
    }

    /// Runs some seeds again, spread over all. Answers how many had another trace.
    fn replay(&self, results: &Results, replays: usize) -> anyhow::Result<usize> {
        let stride = results.len().div_ceil(replays);
        let seeds: Vec<u64> = results.keys().copied().step_by(stride).collect();
        let again = self.run_all(&seeds, |_| false)?;
        let mut differing = 0;
        for (seed, ran) in &again {
            let hash = ran.field("hash");
            if hash.is_none() || hash != results[seed].field("hash") {
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

    /// Runs seeds, as many at a time as wanted, until one is the last.
    fn run_all(
        &self,
        seeds: &[u64],
        is_last: impl Fn(&Ran) -> bool + Sync,
    ) -> anyhow::Result<Results> {
        let next = AtomicUsize::new(0);
        let is_over = AtomicBool::new(false);
        let results = Mutex::new(BTreeMap::new());
        let work = || -> anyhow::Result<()> {
            while !is_over.load(Ordering::Relaxed) {
                let position = next.fetch_add(1, Ordering::Relaxed);
                let Some(seed) = seeds.get(position) else {
                    return Ok(());
                };
                let ran = run(self.layer, *seed)?;
                is_over.fetch_or(is_last(&ran), Ordering::Relaxed);
                let mut results = results.lock().map_err(|_| anyhow::anyhow!("poisoned"))?;
                results.insert(*seed, ran);
            }
            Ok(())
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
}

/// Everything that the seeds counted, added up.
fn totals(results: &Results) -> BTreeMap<&str, u64> {
    let mut totals = BTreeMap::new();
    for (name, number) in results.values().flat_map(Ran::facts) {
        *totals.entry(name).or_default() += number;
    }
    totals
}

fn describe(totals: &BTreeMap<&str, u64>) -> String {
    let facts = totals.iter().filter(|(name, _)| **name != "simulated_ms");
    let facts = facts.map(|(name, total)| format!("{} {total}", name.replace('_', " ")));
    facts.collect::<Vec<_>>().join(", ")
}
