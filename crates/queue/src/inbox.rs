//! What came from other shards: for each of them a watermark, so that every transfer arrives once,
//! however often it is sent.

use squorum_proto::queue::InboxRow;
use squorum_store::{StoreError, Txn, View};
use squorum_types::ShardId;

use crate::keys::ShardKeys;
use crate::rows;

/// The transfers from one shard.
#[derive(Debug)]
pub(crate) struct Inbox {
    source: ShardId,
    row: InboxRow,
}

impl Inbox {
    pub(crate) fn load<V: View>(
        view: &V,
        shard: ShardKeys,
        source: ShardId,
    ) -> Result<Inbox, StoreError> {
        let new = InboxRow {
            next_number: 1,
            gone: Vec::new(),
        };
        let row = rows::get(view, &shard.inbox(source))?.unwrap_or(new);
        Ok(Inbox { source, row })
    }

    /// The number of the next transfer. Those below were answered for.
    pub(crate) fn next_number(&self) -> u64 {
        self.row.next_number
    }

    /// Forgets what the source has acted on.
    pub(crate) fn settle(&mut self, below: u64) {
        self.row.gone.retain(|number| *number >= below);
    }

    /// Answers for the next transfer.
    pub(crate) fn advance(&mut self, was_taken: bool) {
        if !was_taken {
            self.row.gone.push(self.row.next_number);
        }
        self.row.next_number += 1;
    }

    /// The numbers that were refused and are not settled.
    pub(crate) fn gone(&self) -> &[u64] {
        &self.row.gone
    }

    pub(crate) fn save<T: Txn>(self, txn: &mut T, shard: ShardKeys) {
        rows::put(txn, shard.inbox(self.source), &self.row);
    }
}
