//! Connections between nodes: who is called, over which connection, and who may call.
//!
//! ```text
//!   generated client ──► Connection ──► Link: one HTTP/2 connection ──► Dialer (TCP, or a simulation)
//!                            ▲ greeting      dials when used, replaced
//!                            │               at its first failure
//!   Peers: addresses, lanes ─┘
//!
//!   incoming ──► serve: checks the greeting of every RPC ──► Services
//! ```
//!
//! A peer is reached over several [`Lane`]s, each with a connection of its own, so that a heartbeat
//! never stands behind a snapshot. What is called and answered is the callers' own business: this
//! crate carries tonic's generated clients and servers.
//!
//! What carries it:
//!
//! 1. A connection that failed or missed a deadline is never used for another call. Calls that are
//!    under way on it may still end.
//! 2. Until a peer answers again, it is dialled with a growing pause, which stays below
//!    [`PAUSE_MAX`]: a node that restarts is found at once. Calls within a pause fail at once.
//! 3. Every RPC tells who calls whom ([`Greeting`]), and the server checks it before any handler
//!    sees the call: connections outlive what was true when they were made.

mod call;
mod connection;
mod dialer;
mod error;
mod greeting;
mod link;
mod peers;
mod server;
mod services;

pub use self::call::{CallError, call};
pub use self::connection::Connection;
pub use self::dialer::{BoxedIo, Dialer, Io, TcpDialer};
pub use self::error::{ConnectError, PeerError};
pub use self::greeting::{Greeting, PROTOCOL_VERSION, caller};
pub use self::link::PAUSE_MAX;
pub use self::peers::{Lane, Peers};
pub use self::server::{accept, serve};
pub use self::services::Services;

/// Largest message between nodes, in bytes. Clients and servers have to be told
/// (`max_decoding_message_size`), because tonic's own limit is lower.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;
