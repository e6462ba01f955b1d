//! The front end: speaks Amazon SQS to clients, AWS JSON 1.0 and the Query protocol, and
//! [`QueueService`] to whatever keeps the queues.
//!
//! ```text
//! server      sockets: limits, deadlines, half-open peers, deliveries that are undone
//!    │
//! front_end   one request in, one answer out: caller, action, errors
//!    │
//! protocol    how requests, answers and errors go over the wire
//!    │
//! actions     one file per action: checks, the call of the service, the answer's structure
//!    │
//! validation, message_attributes     the protocol's rules, without effects
//! generated, shape                   the protocol's structures
//! ```
//!
//! [`QueueService`]: squorum_types::service::QueueService

mod actions;
mod context;
#[cfg(test)]
mod cost;
mod credential;
mod error;
mod front_end;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod generated;
mod hex;
mod message_attributes;
mod protocol;
mod request_figures;
mod server;
mod shape;
mod validation;

pub use hex::hex;
pub use message_attributes::{Attribute, CodecError, Value, stored_attributes};
pub use request_figures::{ActionCounts, AnswerClass};
pub use server::{BindError, Options, Server, ServerHandle};
