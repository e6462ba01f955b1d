//! The cluster's deterministic state machine: what the control group (group 0) replicates.
//!
//! Meta knows the cluster and its members, which queues there are and with which attributes, and what
//! the shards still have to hear about them. [`Meta::apply`] runs the entries of the group's log;
//! every node keeps a replica and answers lookups from it through the functions of [`read`], over
//! any [`View`](squorum_store::View).
//!
//! Pure and synchronous: time, ids and randomness arrive in the entry. Every command is a file of
//! its own under `command/`, with its typed form, its outcome and its effect. What shards must do
//! is a [`WorkItem`]: the leader's controller proposes it to the shards and reports with
//! [`WorkDone`](command::WorkDone), so a crash between the two costs nothing but a repetition.
//!
//! [`plan`] holds the pure decisions about placement.

mod calls;
mod cluster;
pub mod command;
mod context;
mod deleted_names;
mod error;
mod feature_level;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod keys;
mod machine;
mod outcome;
pub mod plan;
mod policy;
mod queue_record;
pub mod read;
mod roster;
mod rows;
mod work;

pub use calls::{CALL_MEMORY_MS, CALLS_MAX};
pub use cluster::{Cluster, ClusterId, ClusterSettings};
pub use command::{Command, RequestId};
pub use error::MetaError;
pub use feature_level::{FEATURE_LEVEL, FeatureLevel, FeatureLevelError};
pub use keys::key_range;
pub use machine::{CLOCK_STEP_MS_MAX, Meta};
pub use outcome::{Applied, Outcome, QueueChange, Refusal};
pub use queue_record::{QueueKey, QueueRecord};
pub use roster::{ACTIVE_MAX, Member, MemberState, Roster};
pub use work::{WorkItem, WorkKind};
