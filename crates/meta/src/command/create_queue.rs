use squorum_proto::{MalformedError, meta as proto};
use squorum_store::{StoreError, View};
use squorum_types::service::QueueInfo;
use squorum_types::{
    AccountId, AttributeChanges, DeduplicationScope, QueueAttributes, QueueId, QueueName,
    QueueTags, RedriveRefusal, Region, Timestamp,
};

use super::attributes::{first_difference, first_fifo_only};
use super::redrive;
use super::request_id::RequestId;
use super::tags::{decode_tags, encode_tags};
use crate::context::Context;
use crate::{
    Cluster, Outcome, QueueKey, QueueRecord, Refusal, WorkKind, deleted_names, keys, rows,
};

/// Creates a queue, or finds the one that has the name and the given attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateQueue {
    pub key: QueueKey,
    /// Defaults with the given values put in. FIFO attributes exactly if the name is a FIFO name.
    pub attributes: QueueAttributes,
    /// The given values alone: only these are compared when the queue exists.
    pub given: AttributeChanges,
    /// At least 1, and 1 for a FIFO queue that deduplicates over all groups.
    pub partition_count: u16,
    pub request_id: RequestId,
    /// Compared like the given values when the queue exists.
    pub tags: QueueTags,
    /// The name may be used again at once after its queue was deleted, instead of after 60 s.
    pub allows_recent_deletion: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateQueueOutcome {
    /// By this command or an earlier one of the same call. The record is as it is now: after an
    /// earlier one it may have been changed, or even deleted, since.
    Created(Box<QueueRecord>),
    /// There was one already, and all given attributes are equal.
    Exists(Box<QueueRecord>),
    /// AWS's name of the first attribute that differs.
    NameExists { attribute: &'static str },
    /// A given tag has another value, or the queue does not have it.
    TagsDiffer,
    /// It cannot have the dead-letter queue that it was given.
    RedriveRefused(RedriveRefusal),
    /// The name is blocked for 60 s after its queue was deleted.
    DeletedRecently,
}

impl From<&CreateQueue> for proto::CreateQueue {
    fn from(create: &CreateQueue) -> Self {
        proto::CreateQueue {
            account: create.key.account.as_str().to_owned(),
            region: create.key.region.as_str().to_owned(),
            name: create.key.name.as_str().to_owned(),
            attributes: Some((&create.attributes).into()),
            given: Some((&create.given).into()),
            partition_count: create.partition_count.into(),
            request_id: create.request_id.encode(),
            tags: encode_tags(&create.tags),
            allows_recent_deletion: create.allows_recent_deletion,
        }
    }
}

impl CreateQueue {
    pub(super) fn decode(create: &proto::CreateQueue) -> Result<CreateQueue, MalformedError> {
        let key = QueueKey {
            account: AccountId::parse(&create.account).ok_or(MalformedError("account"))?,
            region: Region::parse(&create.region).ok_or(MalformedError("region"))?,
            name: QueueName::parse(&create.name).map_err(|_| MalformedError("queue name"))?,
        };
        let attributes = create.attributes.as_ref();
        let attributes = attributes.ok_or(MalformedError("attributes"))?;
        let attributes = QueueAttributes::try_from(attributes)?;
        if attributes.is_fifo() != key.name.is_fifo() {
            return Err(MalformedError("queue name for the kind of queue"));
        }
        let given = create.given.as_ref().map(AttributeChanges::try_from);
        let given = given.transpose()?.unwrap_or_default();
        let partition_count = match u16::try_from(create.partition_count) {
            Ok(1) => 1,
            Ok(count) if count > 1 && may_be_cut(&attributes) => count,
            _ => return Err(MalformedError("partition count")),
        };
        Ok(CreateQueue {
            key,
            attributes,
            given,
            partition_count,
            request_id: RequestId::decode(&create.request_id)?,
            tags: decode_tags(&create.tags)?,
            allows_recent_deletion: create.allows_recent_deletion,
        })
    }

    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
        cluster: &Cluster,
    ) -> Result<Outcome, StoreError> {
        if !self.attributes.is_fifo()
            && let Some(attribute) = first_fifo_only(&self.given)
        {
            return Ok(Outcome::Refused(Refusal::FifoOnly { attribute }));
        }
        let outcome = match self.existing(context)? {
            Some(record) => self.compare(context, record)?,
            None => self.create_unless_deleted(context, cluster)?,
        };
        Ok(Outcome::CreateQueue(outcome))
    }

    fn existing<V: View>(
        &self,
        context: &Context<'_, V>,
    ) -> Result<Option<QueueRecord>, StoreError> {
        let Some(queue) = rows::get_name(&context.txn, &keys::name_of(&self.key))? else {
            return Ok(None);
        };
        let record = context.live_queue(queue)?;
        assert!(
            record.is_some(),
            "a name leads to a queue that is not dropping"
        );
        Ok(record)
    }

    fn compare<V: View>(
        &self,
        context: &Context<'_, V>,
        record: QueueRecord,
    ) -> Result<CreateQueueOutcome, StoreError> {
        if record.created_by == self.request_id {
            return Ok(CreateQueueOutcome::Created(Box::new(record)));
        }
        if let Some(attribute) = first_difference(&self.given, &record.info.attributes) {
            return Ok(CreateQueueOutcome::NameExists { attribute });
        }
        let current = rows::get_tags(&context.txn, record.info.id)?;
        let mut given = self.tags.iter();
        Ok(
            match given.all(|(key, value)| current.get(key) == Some(value)) {
                true => CreateQueueOutcome::Exists(Box::new(record)),
                false => CreateQueueOutcome::TagsDiffer,
            },
        )
    }

    fn create_unless_deleted<V: View>(
        &self,
        context: &mut Context<'_, V>,
        cluster: &Cluster,
    ) -> Result<CreateQueueOutcome, StoreError> {
        // Whether the sweep has been here must not matter.
        let clock = context.state.clock;
        let deleted = rows::get_deleted_name(&context.txn, &self.key)?;
        if let Some(deleted) = deleted.filter(|name| deleted_names::is_blocked(clock, name.at)) {
            if deleted.record.created_by == self.request_id {
                return Ok(CreateQueueOutcome::Created(Box::new(deleted.record)));
            }
            if !cluster.settings.deleted_names_free_at_once && !self.allows_recent_deletion {
                return Ok(CreateQueueOutcome::DeletedRecently);
            }
        }
        if let Some(refusal) = redrive::refusal(context, &self.key, &self.attributes)? {
            return Ok(CreateQueueOutcome::RedriveRefused(refusal));
        }
        let key = &self.key;
        let record = self.create(context, cluster);
        let (id, policy) = (
            record.info.id,
            record.info.attributes.redrive_policy.as_ref(),
        );
        redrive::retarget(context, (key, id), None, policy);
        redrive::reconfigure_sources(context, cluster, key)?;
        Ok(CreateQueueOutcome::Created(Box::new(record)))
    }

    /// The queue that an earlier command of the call has made, as it is now; if it is gone, as it was
    /// then.
    pub(crate) fn made<V: View>(
        &self,
        context: &Context<'_, V>,
        id: QueueId,
        made_at: Timestamp,
    ) -> Result<QueueRecord, StoreError> {
        let record = rows::get_queue(&context.txn, id)?;
        Ok(record.unwrap_or_else(|| self.new_record(id, made_at)))
    }

    fn new_record(&self, id: QueueId, now: Timestamp) -> QueueRecord {
        let QueueKey {
            account,
            region,
            name,
        } = self.key.clone();
        QueueRecord {
            info: QueueInfo {
                id,
                account,
                region,
                name,
                version: 1,
                deduplicates_by_group: deduplicates_by_group(&self.attributes),
                attributes: self.attributes.clone(),
                partition_count: self.partition_count,
                created_at: now,
                modified_at: now,
            },
            dropping: false,
            purge_id: 0,
            purged_at: Timestamp(0),
            created_by: self.request_id,
            set_by: None,
            purged_by: None,
        }
    }

    fn create<V: View>(&self, context: &mut Context<'_, V>, cluster: &Cluster) -> QueueRecord {
        let id = QueueId(context.state.next_queue_id);
        context.state.next_queue_id += 1;
        let record = self.new_record(id, context.state.clock);
        let name = keys::name_of(&self.key);
        rows::put(&mut context.txn, name, &proto::NameRow { queue: id.0 });
        context.put_queue(&record);
        let tags = (&QueueTags::new(), &self.tags);
        rows::change_tags(&mut context.txn, id, tags);
        context.add_work(cluster, &record, WorkKind::Configure, record.info.version);
        record
    }
}

fn deduplicates_by_group(attributes: &QueueAttributes) -> bool {
    let fifo = attributes.fifo.as_ref();
    fifo.is_some_and(|fifo| fifo.deduplication_scope == DeduplicationScope::MessageGroup)
}

/// Deduplication over all groups must see them all in one partition.
fn may_be_cut(attributes: &QueueAttributes) -> bool {
    !attributes.is_fifo() || deduplicates_by_group(attributes)
}
