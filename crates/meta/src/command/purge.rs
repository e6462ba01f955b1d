use squorum_proto::{MalformedError, meta as proto};
use squorum_store::{StoreError, View};
use squorum_types::QueueId;
use squorum_types::limits::PURGE_INTERVAL_MS;

use super::request_id::RequestId;
use crate::context::Context;
use crate::{Cluster, WorkKind};

/// Has a queue's shards remove all its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purge {
    pub queue: QueueId,
    pub request_id: RequestId,
    /// It may follow another one at once, instead of after 60 s.
    pub allows_recent_purge: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeOutcome {
    /// By this command or an earlier one of the same call.
    Purging { purge_id: u64 },
    /// The last purge was less than 60 s ago.
    InProgress,
    /// It never was, or was deleted.
    NoSuchQueue,
}

impl From<&Purge> for proto::Purge {
    fn from(purge: &Purge) -> Self {
        proto::Purge {
            queue: purge.queue.0,
            request_id: purge.request_id.encode(),
            allows_recent_purge: purge.allows_recent_purge,
        }
    }
}

impl Purge {
    pub(super) fn decode(purge: &proto::Purge) -> Result<Purge, MalformedError> {
        Ok(Purge {
            queue: QueueId(purge.queue),
            request_id: RequestId::decode(&purge.request_id)?,
            allows_recent_purge: purge.allows_recent_purge,
        })
    }

    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
        cluster: &Cluster,
    ) -> Result<PurgeOutcome, StoreError> {
        let Some(mut record) = context.live_queue(self.queue)? else {
            return Ok(PurgeOutcome::NoSuchQueue);
        };
        if record.purged_by != Some(self.request_id) {
            let clock = context.state.clock;
            let is_recent = clock.ms_since(record.purged_at) < PURGE_INTERVAL_MS;
            if record.purged_by.is_some() && is_recent && !self.allows_recent_purge {
                return Ok(PurgeOutcome::InProgress);
            }
            record.purge_id += 1;
            record.purged_at = clock;
            record.purged_by = Some(self.request_id);
            context.put_queue(&record);
            context.add_work(cluster, &record, WorkKind::Purge, record.purge_id);
        }
        let purge_id = record.purge_id;
        Ok(PurgeOutcome::Purging { purge_id })
    }
}
