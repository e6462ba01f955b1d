//! Groups of one and of three voters over real logs and in-memory stores.
#![allow(clippy::unwrap_used)]

mod campaign;
mod checkpoint;
mod cluster;
mod elections;
mod fatal;
mod handover;
mod harness;
mod lifecycle;
mod links;
mod partitions;
mod snapshots;
mod suite;
