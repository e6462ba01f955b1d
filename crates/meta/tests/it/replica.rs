//! A replica as the node runs it: the state, and how far it is applied, in one batch.

use std::path::Path;

use prost::Message;
use squorum_meta::{Applied, Meta, key_range};
use squorum_proto::meta as proto;
use squorum_store::memory::MemoryStore;
use squorum_store::{Cursor, Overlay, Store, Txn, View};

/// In the table that belongs to consensus.
const APPLIED: &[u8] = &[0, 0, 0, 0, 0, b'a'];

/// Encoded entries and the digest after each.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) digests: Vec<u64>,
}

pub(crate) struct Replica {
    pub(crate) store: MemoryStore,
    pub(crate) meta: Meta,
    pub(crate) applied: usize,
}

impl Replica {
    pub(crate) fn open(store: MemoryStore) -> Replica {
        let meta = Meta::open(&store).unwrap();
        let applied = store.get(APPLIED).unwrap();
        let applied = applied.map_or(0, |row| u64::from_be_bytes(row[..].try_into().unwrap()));
        Replica {
            store,
            meta,
            applied: applied as usize,
        }
    }

    /// Applies entries up to `end` in one batch; their digests must be the ones of the first
    /// replica that applied them.
    pub(crate) fn apply_to(&mut self, log: &mut Log, end: usize) -> Vec<Applied> {
        let mut txn = Overlay::new(&self.store);
        let mut applied = Vec::new();
        for index in self.applied..end {
            let entry = proto::Entry::decode(log.entries[index].as_slice()).unwrap();
            applied.push(self.meta.apply(&mut txn, &entry).unwrap());
            match log.digests.get(index) {
                Some(digest) => assert_eq!(self.meta.digest(), *digest, "digest at {index}"),
                None => log.digests.push(self.meta.digest()),
            }
        }
        txn.put(APPLIED, &(end as u64).to_be_bytes());
        let batch = txn.into_batch();
        self.store.commit(batch).unwrap();
        self.applied = end;
        applied
    }

    /// A new process over the same state.
    pub(crate) fn restart(&mut self) {
        let opened = Replica::open(self.store.clone());
        assert_eq!(opened.meta, self.meta, "memory equals the rows");
        assert_eq!(opened.applied, self.applied);
        *self = opened;
    }

    /// A new process over what a crash left.
    pub(crate) fn crash(&mut self, seed: u64) {
        *self = Replica::open(self.store.crash(seed));
    }

    /// A new replica made of this one's rows.
    pub(crate) fn copy(&self) -> Replica {
        let snapshot = self.store.snapshot();
        let range = key_range();
        let mut cursor = snapshot.scan(&range.start..&range.end).unwrap();
        let mut rows = Vec::new();
        while let Some((key, value)) = cursor.next().unwrap() {
            rows.push(Ok((key.to_vec().into(), value.to_vec().into())));
        }
        let store = MemoryStore::new();
        store
            .replace_range(range, &mut rows.into_iter(), Path::new(""))
            .unwrap();
        Replica::open(store)
    }
}
