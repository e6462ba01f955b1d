//! Whole clusters of the real code in one process, with simulated time, network and disks.
//!
//! A seed decides everything: what clients do, what fails and when, how long messages and syncs
//! take. The same seed gives the same run, in another process too; a run's trace hash says so.
//!
//! ```text
//!  plan (pure, from the seed) ──► world: three machines, network, clocks
//!                                   │            │
//!                     faults at their moments    └─► nodes: the real code over the seams
//!                                                         ▲
//!                                  clients ───────────────┘ calls, as a front end would make them
//!                                     │
//!                                  history ──► oracle: what was promised and not kept
//! ```
//!
//! There are two layers: [`ledger`], consensus alone, and [`queues`], whole nodes. `scripts/simulate`
//! runs campaigns of both and says what happened in them; one in which a kind of fault never struck
//! fails. What a run finds broken has a name, an [`oracle::Rule`]. Then:
//!
//! 1. `scripts/simulate --layer queues --seed 7 --trace` prints every event of the run; `RUST_LOG`
//!    shows what the nodes log.
//! 2. The seed goes into `regressions`, with what it found.
//!
//! A simulation that finds nothing says little before it was seen to find something. `mutants/run`
//! plants the bugs of `mutants/mutants.toml`: each is a piece of the real code, what stands there when
//! the bug is turned on, and the rule that has to be reported. A new one is an entry there. If it goes
//! unnoticed, clients do too little, nothing goes wrong at that moment, or the oracle does not look:
//! mend that, not the list.

pub mod assertions;
mod door;
pub mod history;
pub mod ledger;
pub mod machine;
pub mod oracle;
pub mod queues;
mod replicas;
mod report;
pub mod seams;
mod trace;
pub mod world;

pub use self::report::Report;
pub use self::trace::Trace;
