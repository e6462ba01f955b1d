use bytes::Bytes;
use squorum_store::{Overlay, Store, StoreError};

/// What a group replicates. Synchronous and deterministic: replicas that apply the same entries to
/// the same rows must write the same rows. Lives on its group's apply thread.
///
/// The state's rows have keys that begin with the group's id (`u32`, big-endian) and then a byte
/// from [`FIRST_STATE_BYTE`](crate::FIRST_STATE_BYTE) on; see
/// [`group_key_range`](crate::group_key_range).
pub trait ReplicatedState<S: Store>: Send + 'static {
    /// What the proposer of an entry is answered.
    type Outcome: Send + 'static;

    /// Applies one entry, which is what was handed to [`propose`](crate::Group::propose), within
    /// `txn`. Entries come in the order of their indexes, with gaps: some entries of the log are
    /// the group's own. After a restart the entries beyond the last flush of the store come again,
    /// on the rows as they were then.
    ///
    /// `owed`: a proposer of this node waits for the outcome, so only then must what it alone wants
    /// (bodies) be read. The writes must not depend on it.
    ///
    /// # Errors
    ///
    /// The store's alone; any is fatal for the node. What a command may not do is an outcome.
    fn apply(
        &mut self,
        index: u64,
        entry: &Bytes,
        owed: bool,
        txn: &mut Overlay<'_, S>,
    ) -> Result<Self::Outcome, StoreError>;

    /// The writes of every entry up to `index` are in the store, visible to readers. Called once
    /// for a batch of entries, before any proposer gets its outcome, and once for the rows that the
    /// group was started with or that a snapshot brought: publish effects now.
    fn committed(&mut self, index: u64);

    /// All of the group's rows were replaced by a snapshot's: forget what was read before.
    fn reload(&mut self, store: &S) -> Result<(), StoreError>;
}
