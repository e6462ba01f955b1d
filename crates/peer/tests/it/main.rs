//! Connections between nodes of one process, over loopback.
#![allow(clippy::unwrap_used)]

mod connections;
mod echo;
mod greetings;
