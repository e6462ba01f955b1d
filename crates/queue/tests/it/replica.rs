//! One replica of the shard on a store of its own, with caches of its own size.

use squorum_proto::queue as proto;
use squorum_queue::{Applied, Limits, Shard, shard_range};
use squorum_store::memory::MemoryStore;
use squorum_store::{Cursor, Overlay, Store, View, WriteBatch, digest_range};
use squorum_types::ShardId;

use crate::model::Rules;

pub(crate) const SHARD: ShardId = ShardId(3);

/// How large a replica's caches are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caches {
    pub(crate) window_entries: usize,
    pub(crate) window_entries_total: usize,
    pub(crate) cached_partitions: usize,
}

impl Caches {
    /// So small that nothing fits.
    pub(crate) const TINY: Caches = Caches {
        window_entries: 2,
        window_entries_total: 4,
        cached_partitions: 1,
    };
    pub(crate) const SMALL: Caches = Caches {
        window_entries: 5,
        window_entries_total: 40,
        cached_partitions: 2,
    };
    pub(crate) const LARGE: Caches = Caches {
        window_entries: 1000,
        window_entries_total: 100_000,
        cached_partitions: 1000,
    };
}

pub(crate) fn limits(rules: Rules, caches: Caches, step_budget: usize) -> Limits {
    Limits {
        window_entries: caches.window_entries,
        window_entries_total: caches.window_entries_total,
        cached_partitions: caches.cached_partitions,
        session_window: rules.session_window,
        sessions_max: rules.sessions_max,
        session_ttl_ms: rules.session_ttl_ms,
        session_quiet_ms: rules.session_quiet_ms,
        step_budget,
        // A few messages, where a step does little.
        moved_bytes_max: step_budget.saturating_mul(16),
        answer_bytes: usize::MAX,
        in_flight_max: rules.in_flight_max,
        noisy_in_flight_min: rules.noisy_in_flight_min,
        outbox_max: rules.outbox_max,
    }
}

pub(crate) struct Replica {
    id: ShardId,
    limits: Limits,
    pub(crate) store: MemoryStore,
    pub(crate) shard: Shard,
}

impl Replica {
    pub(crate) fn new(limits: Limits) -> Replica {
        Replica::of(SHARD, limits)
    }

    pub(crate) fn of(id: ShardId, limits: Limits) -> Replica {
        let store = MemoryStore::new();
        let shard = Shard::open(&store, id, limits.clone()).unwrap();
        Replica {
            id,
            limits,
            store,
            shard,
        }
    }

    /// Applies entries in one transaction. Answers what each did and the digest after it.
    pub(crate) fn apply<'a>(
        &mut self,
        entries: impl IntoIterator<Item = (&'a proto::Entry, bool)>,
    ) -> Vec<(Applied, u64)> {
        let mut overlay = Overlay::new(&self.store);
        let mut applied = Vec::new();
        for (entry, owed) in entries {
            let effects = self.shard.apply(&mut overlay, entry, owed).unwrap();
            applied.push((effects, self.shard.digest()));
        }
        let batch = overlay.into_batch();
        self.store.commit(batch).unwrap();
        applied
    }

    pub(crate) fn restart(&mut self) {
        self.shard = Shard::open(&self.store, self.id, self.limits.clone()).unwrap();
    }

    /// Goes on with a copy of the shard's rows, and nothing else, in a fresh store.
    pub(crate) fn copy(&mut self) {
        let copy = MemoryStore::new();
        let mut batch = WriteBatch::new();
        let range = shard_range(self.id);
        let mut rows = self.store.scan(&range.start..&range.end).unwrap();
        while let Some((key, value)) = rows.next().unwrap() {
            batch.put(key.to_vec(), value.to_vec());
        }
        copy.commit(batch).unwrap();
        self.store = copy;
        self.restart();
    }

    /// A digest of every row there is.
    pub(crate) fn rows_digest(&self) -> u64 {
        digest_range(&self.store, &[0][..]..&[0xff; 8][..]).unwrap()
    }

    pub(crate) fn rows_count(&self) -> usize {
        let mut rows = self.store.scan(&[0][..]..&[0xff; 8][..]).unwrap();
        let mut count = 0;
        while rows.advance().unwrap() {
            count += 1;
        }
        count
    }
}
