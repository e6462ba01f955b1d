//! Which queues send their dead letters where.

use squorum_proto::meta as proto;
use squorum_store::{Cursor, StoreError, Txn, View};
use squorum_types::{QueueArn, QueueAttributes, QueueId, RedrivePolicy, RedriveRefusal};

use crate::context::Context;
use crate::{Cluster, QueueKey, WorkKind, keys, rows};

/// Why a queue may not have its redrive policy; `None` if it may, or has none.
pub(super) fn refusal<V: View>(
    context: &Context<'_, V>,
    key: &QueueKey,
    attributes: &QueueAttributes,
) -> Result<Option<RedriveRefusal>, StoreError> {
    let Some(policy) = &attributes.redrive_policy else {
        return Ok(None);
    };
    let target = QueueKey::from(&policy.target);
    if target.region != key.region {
        return Ok(Some(RedriveRefusal::OtherRegion));
    }
    if target.account != key.account {
        return Ok(Some(RedriveRefusal::OtherAccount));
    }
    let missing = Ok(Some(RedriveRefusal::TargetMissing));
    let Some(target) = rows::get_name(&context.txn, &keys::name_of(&target))? else {
        return missing;
    };
    let Some(target) = context.live_queue(target)? else {
        return missing;
    };
    let theirs = &target.info.attributes;
    if theirs.is_fifo() != attributes.is_fifo() {
        return Ok(Some(RedriveRefusal::OtherKind));
    }
    let allow = theirs.redrive_allow_policy.as_ref();
    let allowed = allow.is_none_or(|allow| allow.allows(&QueueArn::from(key)));
    Ok((!allowed).then_some(RedriveRefusal::NotAllowed))
}

/// Notes where a queue's dead letters go from now on.
pub(super) fn retarget<V: View>(
    context: &mut Context<'_, V>,
    (key, queue): (&QueueKey, QueueId),
    before: Option<&RedrivePolicy>,
    after: Option<&RedrivePolicy>,
) {
    let target = |policy: &RedrivePolicy| QueueKey::from(&policy.target);
    let (before, after) = (before.map(target), after.map(target));
    if before == after {
        return;
    }
    if let Some(before) = before {
        let row = keys::dead_letter_source(&before, key);
        context.txn.delete(&row);
    }
    if let Some(after) = after {
        let row = keys::dead_letter_source(&after, key);
        rows::put(&mut context.txn, row, &proto::NameRow { queue: queue.0 });
    }
}

/// Has the shards of all queues hear that their dead-letter queue is another one now, of the same
/// name.
pub(super) fn reconfigure_sources<V: View>(
    context: &mut Context<'_, V>,
    cluster: &Cluster,
    target: &QueueKey,
) -> Result<(), StoreError> {
    let mut sources = Vec::new();
    {
        let range = keys::dead_letter_sources(target, None);
        let mut cursor = context.txn.scan(&range.start..&range.end)?;
        while cursor.advance()? {
            let row = cursor.value_bytes().unwrap_or_default();
            let row: proto::NameRow = prost::Message::decode(row)
                .map_err(|error| rows::corrupt("dead letter source row", error))?;
            sources.push(QueueId(row.queue));
        }
    }
    for source in sources {
        if let Some(mut record) = context.live_queue(source)? {
            record.info.version += 1;
            context.put_queue(&record);
            context.add_work(cluster, &record, WorkKind::Configure, record.info.version);
        }
    }
    Ok(())
}
