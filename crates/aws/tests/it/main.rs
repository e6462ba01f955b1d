//! The front end from outside: raw HTTP against a small service in memory.

#![allow(clippy::unwrap_used)]

mod actions;
mod by_hand;
mod client;
mod connections;
mod errors;
mod fake;
mod figures;
mod generated;
mod malformed;
mod messages;
mod moves;
mod permissions;
mod query;
mod queue_attributes;
mod tags;
