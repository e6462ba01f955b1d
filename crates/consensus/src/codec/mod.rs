//! How what this crate persists is encoded. Never change an encoding: add a version or a tag.
//!
//! An **entry** starts with a tag byte ([`entry`]). Every other value starts with a version byte,
//! a protobuf message follows ([`message`]).

pub(crate) mod entry;
pub(crate) mod message;
mod versioned;

#[cfg(test)]
mod tests;

use thiserror::Error;

pub(crate) use self::versioned::{decode_applied, decode_vote, encode_applied, encode_vote};

/// Bytes that this version cannot read: damaged, or written by a newer one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CodecError {
    #[error("{what} is empty")]
    Empty { what: &'static str },
    #[error("{what} has version {version}, which this program does not know")]
    Version { what: &'static str, version: u8 },
    #[error("{what} cannot be decoded: {reason}")]
    Malformed { what: &'static str, reason: String },
}
