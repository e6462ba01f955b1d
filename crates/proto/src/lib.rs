//! The persisted and replicated formats: code generated from `/proto`, and conversions to the words
//! of `squorum-types`. No logic.

mod convert;
mod convert_meta;
mod convert_move;
mod convert_redrive;

/// What shards replicate: entries and rows.
#[allow(missing_debug_implementations, unreachable_pub, clippy::all)]
pub mod queue {
    include!(concat!(env!("OUT_DIR"), "/squorum.queue.rs"));
}

/// What the control group replicates.
#[allow(missing_debug_implementations, unreachable_pub, clippy::all)]
pub mod meta {
    include!(concat!(env!("OUT_DIR"), "/squorum.meta.rs"));
}

/// Raft between the members of a group.
#[cfg(feature = "rpc")]
#[allow(missing_debug_implementations, unreachable_pub, clippy::all)]
pub mod raft {
    include!(concat!(env!("OUT_DIR"), "/squorum.raft.rs"));
}

/// What gateways ask of leaders.
#[cfg(feature = "rpc")]
#[allow(missing_debug_implementations, unreachable_pub, clippy::all)]
pub mod gateway {
    include!(concat!(env!("OUT_DIR"), "/squorum.gateway.rs"));
}

/// Founding, and what nodes tell each other of themselves.
#[cfg(feature = "rpc")]
#[allow(missing_debug_implementations, unreachable_pub, clippy::all)]
pub mod cluster {
    include!(concat!(env!("OUT_DIR"), "/squorum.cluster.rs"));
}

pub use convert::MalformedError;
