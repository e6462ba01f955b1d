use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use squorum_store::{Overlay, Store, StoreError, Txn, chain_digest};
use squorum_types::GroupId;

use crate::{FIRST_STATE_BYTE, ReplicatedState};

/// A state that shows every mistake: it chains all entries into one digest, counts them, and keeps
/// each in a row of its own. Lost, doubled or reordered entries change the digest for ever.
#[derive(Debug)]
pub struct Ledger {
    group: GroupId,
    entries: u64,
    digest: u64,
    last_index: Option<u64>,
    committed: Option<u64>,
    told: Arc<AtomicU64>,
}

/// What a proposer is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    pub index: u64,
    /// Entries so far, this one included.
    pub entries: u64,
    /// Of all entries so far.
    pub digest: u64,
}

impl Ledger {
    /// The ledger as the store has it.
    pub fn open<S: Store>(store: &S, group: GroupId) -> Result<Ledger, StoreError> {
        let mut ledger = Ledger {
            group,
            entries: 0,
            digest: 0,
            last_index: None,
            committed: None,
            told: Arc::default(),
        };
        ledger.reload(store)?;
        Ok(ledger)
    }

    /// The digest after `entry`, which came after what gave `before`.
    pub fn chain(before: u64, entry: &[u8]) -> u64 {
        entry.chunks(8).fold(before, |digest, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            chain_digest(digest, u64::from_le_bytes(word))
        })
    }

    /// Index of the last entry that the ledger was told is committed, for a test to look at.
    pub fn told(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.told)
    }

    /// Entries so far and their digest.
    pub fn summary(&self) -> (u64, u64) {
        (self.entries, self.digest)
    }

    fn key(&self, table: u8, index: u64) -> Bytes {
        let mut key = self.group.0.to_be_bytes().to_vec();
        key.push(FIRST_STATE_BYTE + table);
        key.extend_from_slice(&index.to_be_bytes());
        key.into()
    }
}

impl<S: Store> ReplicatedState<S> for Ledger {
    type Outcome = Outcome;

    fn apply(
        &mut self,
        index: u64,
        entry: &Bytes,
        _owed: bool,
        txn: &mut Overlay<'_, S>,
    ) -> Result<Outcome, StoreError> {
        assert!(
            self.last_index < Some(index),
            "entries come in order, each once"
        );
        self.last_index = Some(index);
        self.entries += 1;
        self.digest = Ledger::chain(self.digest, entry);
        let mut summary = Vec::with_capacity(16);
        summary.extend_from_slice(&self.entries.to_le_bytes());
        summary.extend_from_slice(&self.digest.to_le_bytes());
        txn.put_bytes(self.key(0, 0), summary.into());
        txn.put_bytes(self.key(1, index), entry.clone());
        Ok(Outcome {
            index,
            entries: self.entries,
            digest: self.digest,
        })
    }

    fn committed(&mut self, index: u64) {
        assert!(
            self.last_index <= Some(index),
            "all of a batch is committed"
        );
        assert!(self.committed < Some(index), "a batch is committed once");
        self.committed = Some(index);
        self.told.store(index, Ordering::Release);
    }

    fn reload(&mut self, store: &S) -> Result<(), StoreError> {
        let summary = store.get(&self.key(0, 0))?.unwrap_or_default();
        let word = |at: usize| {
            let bytes = summary
                .get(at..at + 8)
                .and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u64::from_le_bytes)
        };
        (self.entries, self.digest) = (word(0), word(8));
        self.last_index = None;
        self.committed = None;
        Ok(())
    }
}
