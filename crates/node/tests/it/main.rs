//! Whole nodes in one process: real logs, in-memory state, loopback between them.
#![allow(clippy::unwrap_used)]

mod cluster;
mod dead_letters;
mod deliver_at;
mod every_node;
mod failover;
mod flight;
mod membership;
mod observing;
mod old_versions;
mod peek;
mod silence;
