//! Consensus: one Raft group after the other behind plain functions. The only crate that knows
//! openraft; nothing of it shows outside.
//!
//! A [`Group`] replicates a [`ReplicatedState`] over the log that all groups of a node share
//! ([`EntryLog`]) and the node's store:
//!
//! ```text
//!  propose ──► openraft core ──► LogStorage ──► log's writer thread: write, sync
//!                  │  ▲                               │ completion
//!                  │  └───────────────────────────────┘
//!                  └─► StateMachine ──(own log synced?)──► apply thread: one overlay, one commit,
//!                                                          committed(), then the outcomes
//! ```
//!
//! What carries it:
//!
//! 1. An entry is one buffer: the same bytes go to log, followers and `apply` ([`EntryBuffer`]).
//! 2. `apply` never runs ahead of this node's own synced log, so that no restart finds a state that
//!    its log does not explain.
//! 3. The log is purged only up to what the store has on disk ([`Group::begin_checkpoint`]).
//! 4. Only what surely did not happen is called so: see [`ProposeError`].

mod codec;
mod entry_buffer;
mod entry_log;
mod error;
mod group;
mod options;
mod raft_types;
mod snapshot;
mod state_machine;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;

pub use self::codec::CodecError;
pub use self::entry_buffer::EntryBuffer;
pub use self::entry_log::EntryLog;
pub use self::error::{
    CheckpointError, FatalError, FatalHook, InitializeError, MembershipError, ProposeError,
    ReadError, StartError, TransferError, UnknownReason,
};
pub use self::group::{CheckpointMark, Group, Leadership, ReplicaProgress};
pub use self::options::{ApplyOn, GroupOptions, Timings};
pub use self::snapshot::SnapshotError;
pub use self::state_machine::{FIRST_STATE_BYTE, ReplicatedState, group_key_range};
pub use self::transport::{RaftService, RaftTransport, SnapshotCounts};
