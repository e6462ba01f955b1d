use squorum_store::{Store, StoreError};
use squorum_types::GroupId;

use super::encoder::Encoder;
use super::{ChunkSource, SnapshotError};

/// A group's part of the store as snapshots need it, whatever the store's type.
pub(crate) trait SnapshotStore: Send + Sync {
    /// The group's rows as they are now.
    fn open(&self) -> Result<Box<dyn ChunkSource>, SnapshotError>;

    /// [`Store::flush`]: blocks, may take long.
    fn flush(&self) -> Result<(), StoreError>;
}

pub(crate) struct GroupStore<S> {
    pub(crate) store: S,
    pub(crate) group: GroupId,
}

impl<S: Store> SnapshotStore for GroupStore<S> {
    fn open(&self) -> Result<Box<dyn ChunkSource>, SnapshotError> {
        Ok(Box::new(Encoder::new(self.store.snapshot(), self.group)?))
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.store.flush()
    }
}
