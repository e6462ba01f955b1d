//! Groups of one voter over the real log and the in-memory store.
#![allow(clippy::unwrap_used)]

mod campaign;
mod checkpoint;
mod fatal;
mod harness;
mod lifecycle;
mod suite;
