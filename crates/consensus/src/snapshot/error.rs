use std::io;

use squorum_store::StoreError;
use squorum_types::GroupId;
use thiserror::Error;

use crate::codec::CodecError;

/// Why a snapshot could not be read, sent or installed. Never answered by installing a part.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SnapshotError {
    #[error(transparent)]
    Store(#[from] StoreError),

    #[error(transparent)]
    Codec(#[from] CodecError),

    #[error("a snapshot chunk is damaged: {0}")]
    Damaged(&'static str),

    /// The file that keeps the chunks of a snapshot until all have come.
    #[error("a received snapshot cannot be kept: {0}")]
    Spool(String),

    #[error("a snapshot ended early")]
    Truncated,

    #[error("a snapshot of group {} came for group {}", found.0, expected.0)]
    WrongGroup { found: GroupId, expected: GroupId },
}

impl From<io::Error> for SnapshotError {
    fn from(error: io::Error) -> Self {
        SnapshotError::Spool(error.to_string())
    }
}

impl From<SnapshotError> for io::Error {
    fn from(error: SnapshotError) -> Self {
        io::Error::other(error)
    }
}
