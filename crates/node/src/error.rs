//! Why a node cannot start.

use squorum_consensus::{InitializeError, StartError};
use squorum_meta::MetaError;
use squorum_store::StoreError;
use squorum_types::service::ServiceError;
use thiserror::Error;

use crate::cluster::FoundingError;

#[derive(Debug, Error)]
pub enum NodeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Meta(#[from] MetaError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Initialize(#[from] InitializeError),
    #[error(transparent)]
    Founding(#[from] FoundingError),
    #[error(
        "this node was taken out of its cluster and is never a member again: empty its data directory \
         and start it to come back as a new node"
    )]
    Expelled,
    #[error("meta refuses to be founded: {reason}")]
    MetaNotFounded { reason: String },
}

pub(crate) fn unavailable(reason: &'static str) -> ServiceError {
    ServiceError::Unavailable { reason }
}

/// A failed read. The store's failures end the node by themselves; the client is told of one.
pub(crate) fn failed_read(error: StoreError) -> ServiceError {
    ServiceError::Internal {
        reason: error.to_string(),
    }
}
