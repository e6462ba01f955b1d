use squorum_proto::{MalformedError, meta as proto};
use squorum_store::{StoreError, View};
use squorum_types::{AttributeChanges, AttributeConflict, QueueId, RedriveRefusal};

use super::attributes::first_fifo_only;
use super::redrive;
use super::request_id::RequestId;
use crate::context::Context;
use crate::{Cluster, Outcome, QueueKey, Refusal};

/// Gives a queue new attributes and a new version, which its shards then have to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAttributes {
    pub queue: QueueId,
    pub changes: AttributeChanges,
    pub request_id: RequestId,
    /// Nothing changes if the values cannot stand together. What another call has set meanwhile is
    /// known only where the command is applied.
    pub refuses_conflicts: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetAttributesOutcome {
    /// By this command or an earlier one of the same call.
    Set,
    Conflict(AttributeConflict),
    /// It cannot have the dead-letter queue that it was given.
    RedriveRefused(RedriveRefusal),
    /// It never was, or was deleted.
    NoSuchQueue,
}

impl From<&SetAttributes> for proto::SetAttributes {
    fn from(set: &SetAttributes) -> Self {
        proto::SetAttributes {
            queue: set.queue.0,
            changes: Some((&set.changes).into()),
            request_id: set.request_id.encode(),
            refuses_conflicts: set.refuses_conflicts,
        }
    }
}

impl SetAttributes {
    pub(super) fn decode(set: &proto::SetAttributes) -> Result<SetAttributes, MalformedError> {
        let changes = set.changes.as_ref().ok_or(MalformedError("changes"))?;
        Ok(SetAttributes {
            queue: QueueId(set.queue),
            changes: changes.try_into()?,
            request_id: RequestId::decode(&set.request_id)?,
            refuses_conflicts: set.refuses_conflicts,
        })
    }

    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
        cluster: &Cluster,
    ) -> Result<Outcome, StoreError> {
        let Some(mut record) = context.live_queue(self.queue)? else {
            return Ok(Outcome::SetAttributes(SetAttributesOutcome::NoSuchQueue));
        };
        if !record.info.attributes.is_fifo()
            && let Some(attribute) = first_fifo_only(&self.changes)
        {
            return Ok(Outcome::Refused(Refusal::FifoOnly { attribute }));
        }
        if record.set_by != Some(self.request_id) {
            if self.refuses_conflicts
                && let Some(conflict) = self.changes.conflict_with(&record.info.attributes)
            {
                let conflict = SetAttributesOutcome::Conflict(conflict);
                return Ok(Outcome::SetAttributes(conflict));
            }
            let before = record.info.attributes.redrive_policy.clone();
            // What was fixed at creation stays, whatever the attributes say now.
            self.changes.apply_to(&mut record.info.attributes);
            let (key, attributes) = (QueueKey::of(&record.info), &record.info.attributes);
            if matches!(self.changes.redrive_policy, Some(Some(_)))
                && let Some(refusal) = redrive::refusal(context, &key, attributes)?
            {
                let refused = SetAttributesOutcome::RedriveRefused(refusal);
                return Ok(Outcome::SetAttributes(refused));
            }
            let after = attributes.redrive_policy.as_ref();
            redrive::retarget(context, (&key, record.info.id), before.as_ref(), after);
            context.put_changed_attributes(cluster, &mut record, self.request_id);
        }
        Ok(Outcome::SetAttributes(SetAttributesOutcome::Set))
    }
}
