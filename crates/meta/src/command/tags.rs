//! Tags of queues.

use squorum_proto::{MalformedError, meta as proto};
use squorum_store::{StoreError, View};
use squorum_types::limits::TAGS_MAX;
use squorum_types::{QueueId, QueueTags};

use crate::context::Context;
use crate::rows;

/// Adds tags to a queue, in place of those with equal keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagQueue {
    pub queue: QueueId,
    pub tags: QueueTags,
}

/// Removes tags from a queue, as far as it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntagQueue {
    pub queue: QueueId,
    pub keys: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagsOutcome {
    Changed,
    /// It would have more than [`TAGS_MAX`]; none is added.
    TooMany,
    /// It never was, or was deleted.
    NoSuchQueue,
}

impl From<&TagQueue> for proto::TagQueue {
    fn from(tag: &TagQueue) -> Self {
        proto::TagQueue {
            queue: tag.queue.0,
            tags: encode_tags(&tag.tags),
        }
    }
}

impl From<&UntagQueue> for proto::UntagQueue {
    fn from(untag: &UntagQueue) -> Self {
        proto::UntagQueue {
            queue: untag.queue.0,
            keys: untag.keys.clone(),
        }
    }
}

impl From<&proto::UntagQueue> for UntagQueue {
    fn from(untag: &proto::UntagQueue) -> Self {
        UntagQueue {
            queue: QueueId(untag.queue),
            keys: untag.keys.clone(),
        }
    }
}

impl TagQueue {
    pub(super) fn decode(tag: &proto::TagQueue) -> Result<TagQueue, MalformedError> {
        Ok(TagQueue {
            queue: QueueId(tag.queue),
            tags: decode_tags(&tag.tags)?,
        })
    }

    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
    ) -> Result<TagsOutcome, StoreError> {
        if context.live_queue(self.queue)?.is_none() {
            return Ok(TagsOutcome::NoSuchQueue);
        }
        let before = rows::get_tags(&context.txn, self.queue)?;
        let mut after = before.clone();
        after.extend(self.tags);
        if after.len() > TAGS_MAX {
            return Ok(TagsOutcome::TooMany);
        }
        rows::change_tags(&mut context.txn, self.queue, (&before, &after));
        Ok(TagsOutcome::Changed)
    }
}

impl UntagQueue {
    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
    ) -> Result<TagsOutcome, StoreError> {
        if context.live_queue(self.queue)?.is_none() {
            return Ok(TagsOutcome::NoSuchQueue);
        }
        let before = rows::get_tags(&context.txn, self.queue)?;
        let mut after = before.clone();
        for key in &self.keys {
            after.remove(key);
        }
        rows::change_tags(&mut context.txn, self.queue, (&before, &after));
        Ok(TagsOutcome::Changed)
    }
}

pub(crate) fn encode_tags(tags: &QueueTags) -> Vec<proto::Tag> {
    let tags = tags.iter().map(|(key, value)| proto::Tag {
        key: key.clone(),
        value: value.clone(),
    });
    tags.collect()
}

/// Tags that are given in one call.
pub(super) fn decode_tags(tags: &[proto::Tag]) -> Result<QueueTags, MalformedError> {
    if tags.len() > TAGS_MAX {
        return Err(MalformedError("tags"));
    }
    let tags = tags.iter();
    Ok(tags
        .map(|tag| (tag.key.clone(), tag.value.clone()))
        .collect())
}
