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
