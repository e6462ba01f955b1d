//! The runtime of a node.
//!
//! A [`Node`] hosts the groups, and is the gateway for clients that happen to talk to it:
//!
//! ```text
//!  QueueService ──► service: one file an operation
//!                     │ find the queue           │ propose                    ▲ claim
//!                     ▼                          ▼                            │
//!                   meta (directory)        shard::proposer ──► group    shard::board
//!                     │                          ▲    entries     │           ▲
//!                     ▼ work                     │ ticks          ▼ applied   │ statuses
//!                   controller              shard::ticker      shard::state ──┘
//! ```
//!
//! Decisions are made in `queue` and `meta`, which are pure; here bytes and time are moved.

mod checkpointer;
mod controller;
mod error;
mod health;
mod meta;
mod node;
mod options;
mod routing;
mod service;
mod shard;
mod shutdown;
mod stamper;

pub use error::NodeError;
pub use health::Health;
pub use node::{Node, NodeParts};
pub use options::{CheckpointOptions, NodeOptions};
