//! The state machine of one shard: queues' partitions with their messages, deliveries, message
//! groups and deduplication records.
//!
//! Pure and synchronous: [`Shard::apply`] turns an entry of the log into writes of a transaction,
//! outcomes for the proposers and statuses for the node's runtime. Time comes in the entry; there
//! is no clock, no randomness, no IO and no hash-ordered iteration here.
//!
//! Invariants of the whole crate:
//!
//! 1. All state is in the store. What a [`Shard`] holds in memory is a cache of it: neither the
//!    sizes of the caches nor a restart changes any write, outcome or digest.
//! 2. Memory is bounded by the limits, not by backlogs: an untouched backlog is a cursor into the
//!    message table.
//! 3. Scans start at a live row. Heads, cursors and floors are persisted, because passing deleted
//!    rows costs as much as passing live ones.
//! 4. Every loop has a budget that depends on the entry and the state alone.
//!
//! Where to look: one file a command in `commands`, what a partition keeps in `partition` and which
//! ones are in memory in `partitions`, the ordered sets with windows in `index`, exactly-once
//! proposals in `session` and which gateways have one in `sessions`, what goes to other shards in
//! `outbox` and what comes from them in `inbox`, looking without receiving in `peek`, the keys in
//! `keys`.

mod commands;
mod garbage;
mod inbox;
mod index;
mod keys;
mod limits;
mod outbox;
mod partition;
mod partitions;
mod peek;
mod queues;
mod rows;
mod session;
mod sessions;
mod shard;
mod step;
mod stored_message;

pub use keys::shard_range;
pub use limits::{ANSWER_BYTES, Limits};
pub use outbox::{read_outbox, read_outbox_targets};
pub use partition::{PartitionStatus, read_status, read_statuses};
pub use peek::{PeekBounds, Peeked, PeekedRow, peek};
pub use shard::{Applied, CommandOutcome, Shard};
pub use stored_message::{StoredMessage, read_message};
