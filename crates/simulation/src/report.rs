//! What a run ends with.

use std::fmt;

use crate::Trace;
use crate::oracle::Violation;

/// The result of one seed.
#[derive(Clone, Debug)]
pub struct Report {
    pub seed: u64,
    pub trace_hash: u64,
    pub events: u64,
    pub simulated_ms: u64,
    pub violations: Vec<Violation>,
    /// How much happened: a run in which nothing did proves nothing.
    pub facts: Vec<(&'static str, u64)>,
}

impl Report {
    pub fn new(
        seed: u64,
        trace: &Trace,
        simulated_ms: u64,
        violations: Vec<Violation>,
        facts: Vec<(&'static str, u64)>,
    ) -> Report {
        Report {
            seed,
            trace_hash: trace.hash(),
            events: trace.events(),
            simulated_ms,
            violations,
            facts,
        }
    }
}

/// One line, and one more for each violation.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed={} hash={:016x} simulated_ms={} violations={}",
            self.seed,
            self.trace_hash,
            self.simulated_ms,
            self.violations.len()
        )?;
        for (name, number) in &self.facts {
            write!(f, " {}={number}", name.replace(' ', "_"))?;
        }
        for violation in &self.violations {
            write!(f, "\n  {violation}")?;
        }
        Ok(())
    }
}
