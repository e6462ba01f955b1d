//! Where messages came from, when the queue does not name the dead-letter queue any more.
//!
//! A shard knows the queue's id, the message its ARN. The ARN counts, as it does for whoever receives
//! the message: a queue that was deleted and made again has another id, and takes its messages back.

use std::sync::Arc;

use prost::Message;
use squorum_meta::QueueKey;
use squorum_proto::queue::{MessageEnvelope, Unrouted};
use squorum_queue::StoredMessage;
use squorum_store::Store;
use squorum_types::service::{QueueInfo, ServiceError};
use squorum_types::{QueueArn, QueueId};

use super::Drive;
use super::pace::Pace;

impl<S: Store> Drive<'_, S> {
    /// Takes note of a queue that messages came from; false if there is none.
    pub(super) async fn learn_origin(
        &self,
        pace: &mut Pace,
        unrouted: Unrouted,
        message: Option<&StoredMessage>,
    ) -> Result<bool, ServiceError> {
        if unrouted.origin == 0 {
            return Ok(false);
        }
        // The shard remembers from step to step that there is such a message, and shows it only to
        // the step that finds it: one that may move something does.
        let Some(message) = message else {
            return Ok(true);
        };
        let Some(name) = source_of(message) else {
            return Ok(false);
        };
        let lives = self.named(&name).await?.is_some();
        if lives {
            pace.origins.insert(QueueId(unrouted.origin), name);
        }
        Ok(lives)
    }

    /// The queue that has the name now.
    pub(super) async fn named(
        &self,
        name: &QueueKey,
    ) -> Result<Option<Arc<QueueInfo>>, ServiceError> {
        match self.meta.find(name).await {
            Ok(info) => Ok(Some(info)),
            Err(ServiceError::QueueDoesNotExist) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The queue whose dead letter the message is.
fn source_of(message: &StoredMessage) -> Option<QueueKey> {
    let envelope = MessageEnvelope::decode(message.envelope.clone()).ok()?;
    let arn = QueueArn::parse(&envelope.dead_letter_source)?;
    Some(QueueKey::from(&arn))
}
