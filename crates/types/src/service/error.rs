use crate::{AttributeConflict, PermissionRefusal, QueueName, RedriveRefusal, Timestamp};

/// Why a whole call failed. Closed: the front end maps each to one answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    #[error("queue does not exist")]
    QueueDoesNotExist,
    /// `attribute` is AWS's name of the first attribute that differs.
    #[error("queue exists with a different value of {attribute}")]
    QueueNameExists { attribute: &'static str },
    #[error("queue exists with different tags")]
    QueueTagsDiffer,
    #[error("queue of this name was deleted less than 60 seconds ago")]
    QueueDeletedRecently,
    #[error("queue {queue} was purged less than 60 seconds ago")]
    PurgeInProgress { queue: QueueName },
    #[error("attributes are in conflict: {0}")]
    AttributesConflict(AttributeConflict),
    #[error("queue {queue} would have too many tags")]
    TooManyTags { queue: QueueName },
    #[error("permission {label} is refused: {refusal}")]
    PermissionRefused {
        label: String,
        refusal: PermissionRefusal,
    },
    /// `text` is the redrive policy as it was given.
    #[error("redrive policy {text} is invalid: {refusal}")]
    RedrivePolicyRefused {
        text: String,
        refusal: RedriveRefusal,
    },
    #[error("no queue's dead letters go to this queue")]
    NotADeadLetterQueue,
    #[error("destination does not exist")]
    DestinationDoesNotExist,
    #[error("messages of this queue are being moved already")]
    MoveIsRunning,
    #[error("messages are not being moved by this task")]
    MoveIsNotRunning,
    #[error("there is no such task")]
    MoveDoesNotExist,
    /// Too many messages in flight; only on a short poll of a standard queue.
    #[error("too many messages in flight")]
    OverLimit,
    #[error("{reason}")]
    Unsupported { reason: String },
    /// Refused before anything happened; try again later.
    #[error("too much load")]
    Throttled,
    /// The outcome is unknown or the node cannot serve now; the client may retry.
    #[error("service is unavailable: {reason}")]
    Unavailable { reason: &'static str },
    #[error("internal error: {reason}")]
    Internal { reason: String },
}

/// Why one message of a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("not a receipt handle of this queue")]
    ReceiptHandleInvalid,
    /// Delete on a FIFO queue after the visibility timeout.
    #[error("receipt handle has expired")]
    ReceiptHandleExpired,
    /// Change of visibility of a message that is gone.
    #[error("message does not exist or is not available for a change")]
    MessageNotAvailable,
    /// The message would be invisible for more than 12 hours since it was received.
    #[error("total visibility timeout is beyond 12 hours")]
    VisibilityTimeoutBeyondLimit,
    /// A message to send, by the queue's limit.
    #[error("message is longer than {bytes_max} bytes")]
    TooLong { bytes_max: u32 },
    /// A message to send to a queue that makes none from the content.
    #[error("deduplication id is missing")]
    NoDeduplicationId,
    /// A message to send would be gone before anybody could receive it.
    #[error("delivery at {deliver_at} is beyond the retention of {retention_seconds} seconds")]
    DeliveryBeyondRetention {
        deliver_at: Timestamp,
        retention_seconds: u32,
    },
    /// Refused before anything happened; try again later.
    #[error("too much load")]
    Throttled,
    /// The outcome of this message is unknown.
    #[error("service is unavailable")]
    Unavailable,
}
