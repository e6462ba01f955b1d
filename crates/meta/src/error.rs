use squorum_store::StoreError;
use thiserror::Error;

use crate::FeatureLevelError;

/// Why this node cannot go on with its replica of meta. All are fatal to it: skipping an entry
/// would make replicas differ.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MetaError {
    #[error(transparent)]
    Store(#[from] StoreError),

    /// A newer version of the program wrote the entry.
    #[error("log entry of meta holds {what} that this version of squorum does not know")]
    UnknownEntry { what: &'static str },

    /// A newer version of the program wrote the state.
    #[error("state of meta has format {format}, this version of squorum knows {known}")]
    UnknownFormat { format: u32, known: u32 },

    #[error(transparent)]
    FeatureLevel(#[from] FeatureLevelError),
}

impl From<MetaError> for StoreError {
    /// For callers whose only kind of failure is the store's.
    fn from(error: MetaError) -> Self {
        match error {
            MetaError::Store(error) => error,
            other => StoreError::Corruption(other.to_string()),
        }
    }
}
