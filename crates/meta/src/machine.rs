//! Meta applies entries.
//!
//! Invariants:
//! 1. The clock never goes back, and goes forward by at most [`CLOCK_STEP_MS_MAX`] an entry, except
//!    by a leader's first stamp and at the very first entry.
//! 2. An entry is applied whole or not at all: an error leaves neither writes nor a changed `Meta`.
//! 3. What is in memory equals the rows, so that a `Meta` opened over them goes on the same way.
//! 4. Queue ids rise and are never used again.
//! 5. A name leads to at most one queue, which is not dropping.
//! 6. Every row of work waits for at least one shard, and its queue's row exists.
//! 7. A call takes effect at most once while it is remembered.

use squorum_proto::meta as proto;
use squorum_store::{Overlay, Txn, View, Write, chain_digest};
use squorum_types::Timestamp;

use crate::context::{Context, State};
use crate::{
    Applied, Cluster, FEATURE_LEVEL, MetaError, calls, command, deleted_names, keys, rows,
};

/// What an ordinary entry may move the clock by.
pub const CLOCK_STEP_MS_MAX: u64 = 60_000;

/// Of every row; a program refuses to open what has another.
const FORMAT: u32 = 1;

/// The control group's state machine over the rows of its key range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    state: State,
    cluster: Option<Cluster>,
    digest: u64,
}

impl Meta {
    /// Goes on where the rows of `view` stand; with none, before the first entry.
    pub fn open<V: View>(view: &V) -> Result<Meta, MetaError> {
        let state: Option<proto::StateRow> = rows::get(view, &keys::state(), "state row")?;
        let state = state.unwrap_or(proto::StateRow {
            format: FORMAT,
            clock_ms: 0,
            next_queue_id: 1,
            deleted_floor_ms: 0,
            first_call: 0,
            next_call: 0,
        });
        if state.format != FORMAT {
            return Err(MetaError::UnknownFormat {
                format: state.format,
                known: FORMAT,
            });
        }
        let cluster = rows::get_cluster(view)?;
        if let Some(cluster) = &cluster {
            cluster.feature_level.check(FEATURE_LEVEL)?;
        }
        let digest: Option<proto::DigestRow> = rows::get(view, &keys::digest(), "digest row")?;
        Ok(Meta {
            state: State {
                clock: Timestamp(state.clock_ms),
                next_queue_id: state.next_queue_id,
                deleted_floor: Timestamp(state.deleted_floor_ms),
                first_call: state.first_call,
                next_call: state.next_call,
            },
            cluster,
            digest: digest.unwrap_or_default().digest,
        })
    }

    /// Applies one entry of the group's log. Fails on an entry that this program does not know, and
    /// when the store fails: then nothing was written and the node must stop.
    pub fn apply<T: Txn>(
        &mut self,
        txn: &mut T,
        entry: &proto::Entry,
    ) -> Result<Applied, MetaError> {
        let mut state = self.state;
        state.clock = clock_after(state.clock, entry);
        // Its own overlay: it digests the entry's writes and forgets them if the entry fails.
        let mut context = Context {
            txn: Overlay::new(&*txn),
            state,
            cluster: self.cluster.clone(),
            applied: Applied::default(),
        };
        for command in &entry.commands {
            let outcome = command::apply(&mut context, command)?;
            context.applied.outcomes.push(outcome);
        }
        deleted_names::sweep(&mut context)?;
        calls::sweep(&mut context)?;
        let after = self.finish(&mut context);
        let Context {
            txn: writes,
            applied,
            ..
        } = context;
        for write in writes.into_batch() {
            match write {
                Write::Put { key, value } => txn.put_bytes(key, value),
                Write::Delete { key } => txn.delete_bytes(key),
            }
        }
        *self = after;
        Ok(applied)
    }

    /// Writes what every entry writes.
    fn finish<V: View>(&self, context: &mut Context<'_, V>) -> Meta {
        let state = context.state;
        let row = proto::StateRow {
            format: FORMAT,
            clock_ms: state.clock.0,
            next_queue_id: state.next_queue_id,
            deleted_floor_ms: state.deleted_floor.0,
            first_call: state.first_call,
            next_call: state.next_call,
        };
        rows::put(&mut context.txn, keys::state(), &row);
        let digest = chain_digest(self.digest, context.txn.take_entry_digest());
        rows::put(
            &mut context.txn,
            keys::digest(),
            &proto::DigestRow { digest },
        );
        Meta {
            state,
            cluster: context.cluster.take(),
            digest,
        }
    }

    /// Time by the log.
    pub fn clock(&self) -> Timestamp {
        self.state.clock
    }

    /// Chained over the writes of every entry: equal on all replicas at equal indexes.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// `None` until the cluster is founded.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }
}

fn clock_after(clock: Timestamp, entry: &proto::Entry) -> Timestamp {
    let jumps = entry.first_stamp || clock == Timestamp(0);
    let stamp = Timestamp(entry.now_ms);
    let bounded = if jumps {
        stamp
    } else {
        stamp.min(clock.plus_ms(CLOCK_STEP_MS_MAX))
    };
    clock.max(bounded)
}
