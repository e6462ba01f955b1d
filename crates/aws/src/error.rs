//! Every error that a client can get, with AWS's words, and the one place that says which error
//! shape each is. Texts are recorded from AWS where a recording exists.

use std::borrow::Cow;

use squorum_types::limits::POLICY_STATEMENTS_MAX;
use squorum_types::service::{MessageError, ServiceError};
use squorum_types::{AttributeConflict, PermissionRefusal, QueueName, RedriveRefusal};

use crate::generated::ErrorShape;
use crate::message_attributes::{DELIVER_AT, MessageAttributeError};
use crate::request_figures::AnswerClass;

/// Longest part of a client's own value that an error repeats, in bytes.
const ECHO_BYTES_MAX: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    // Queues
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    #[error(
        "A queue already exists with the same name and a different value for attribute {attribute}"
    )]
    QueueNameExists { attribute: &'static str },
    #[error("A queue already exists with the same name and different tags")]
    QueueTagsDiffer,
    #[error(
        "You must wait 60 seconds after deleting a queue before you can create another with the \
         same name."
    )]
    QueueDeletedRecently,
    #[error("Only one PurgeQueue operation on {queue} is allowed every 60 seconds.")]
    PurgeQueueInProgress { queue: QueueName },
    #[error("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")]
    QueueNameInvalid,
    #[error(
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
         underscores, must end with .fifo suffix and be 1 to 80 in length."
    )]
    FifoQueueNameInvalid,

    #[error("Too many tags added for queue {queue}.")]
    TooManyTags { queue: QueueName },
    #[error("{found} {what} were found, maximum allowed is {allowed}.")]
    PermissionTooLarge {
        found: usize,
        what: &'static str,
        allowed: usize,
    },
    #[error(
        "{found} statements were found in the submitted policy, max allowed is {}",
        POLICY_STATEMENTS_MAX
    )]
    PolicyStatements { found: usize },
    #[error(
        "{found} {what} were found in a statement from the submitted policy, max allowed is {allowed}"
    )]
    PolicyStatementTooLarge {
        found: usize,
        what: &'static str,
        allowed: usize,
    },
    #[error("Submitted policy is over max allowed size.")]
    PolicyTooLong,

    // Attributes of queues
    #[error("Unknown Attribute {name}.")]
    UnknownAttribute { name: String },
    #[error("You can specify the {name} only when FifoQueue is set to true.")]
    FifoOnlyAttribute { name: &'static str },
    #[error(
        "You can use one type of server-side encryption (SSE) at one time. You can either enable \
         KMS SSE or SQS SSE."
    )]
    TwoEncryptions,
    #[error("Invalid value for the parameter {name}.")]
    AttributeValueInvalid { name: &'static str },
    #[error("Invalid value for the parameter {name}. Reason: {reason}")]
    AttributeValueRefused {
        name: &'static str,
        reason: &'static str,
    },

    // Parameters
    #[error("The request must contain the parameter {parameter}.")]
    MissingParameter { parameter: String },
    /// The same text under another code: what a batch answers for its entries.
    #[error("The request must contain the parameter {parameter}.")]
    MissingEntryParameter { parameter: &'static str },
    #[error("Value {value} for parameter {parameter} is invalid. Reason: {reason}")]
    ParameterInvalid {
        value: String,
        parameter: &'static str,
        reason: Cow<'static, str>,
    },
    #[error("{0}")]
    ParameterRefused(&'static str),
    #[error("Too many elements in parameter {parameter}.")]
    TooManyElements { parameter: &'static str },

    // Messages
    #[error(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
         #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )]
    InvalidMessageContents,
    #[error(
        "One or more parameters are invalid. Reason: Message must be shorter than {bytes_max} bytes."
    )]
    MessageTooLong { bytes_max: u32 },
    /// As an entry of a batch answers.
    #[error(
        "One or more parameters cannot be validated. Reason: Message must be shorter than \
         {bytes_max} bytes."
    )]
    EntryTooLong { bytes_max: u32 },
    #[error(
        "The queue should either have ContentBasedDeduplication enabled or \
         MessageDeduplicationId provided explicitly"
    )]
    NoDeduplicationId,
    #[error(transparent)]
    MessageAttribute(#[from] MessageAttributeError),

    // Batches
    #[error("There should be at least one {entry} in the request.")]
    EmptyBatch { entry: &'static str },
    #[error("Maximum number of entries per request are 10. You have sent {sent}.")]
    TooManyEntries { sent: usize },
    #[error("Id {id} repeated.")]
    EntryIdsNotDistinct { id: String },
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can \
         be at most 80 letters long."
    )]
    EntryIdInvalid,
    #[error(
        "Batch requests cannot be longer than {bytes_max} bytes. You have sent {sent_bytes} bytes."
    )]
    BatchTooLong { bytes_max: usize, sent_bytes: usize },

    // Receipt handles
    #[error("The input receipt handle \"{handle}\" is not a valid receipt handle.")]
    ReceiptHandleInvalid { handle: String },

    #[error("Too many messages are in flight.")]
    OverLimit,

    // Move tasks
    #[error("The resource that you specified for the {parameter} parameter doesn't exist.")]
    ResourceDoesNotExist { parameter: &'static str },
    #[error("Task does not exist.")]
    TaskDoesNotExist,

    // The request as such
    #[error("{message}")]
    Serialization { message: String },
    #[error("The request is larger than {bytes_max} bytes.")]
    RequestTooLarge { bytes_max: usize },
    #[error("The action {action} is not valid for this endpoint.")]
    UnknownAction { action: String },
    #[error("{reason}")]
    Unsupported { reason: String },

    // This side
    #[error("Rate exceeded")]
    Throttled,
    #[error("The service is unavailable. Please retry your request.")]
    Unavailable,
    #[error("We encountered an internal error. Please try again.")]
    Internal,
}

impl ApiError {
    pub(crate) fn missing(parameter: &str) -> ApiError {
        ApiError::MissingParameter {
            parameter: parameter.to_owned(),
        }
    }

    pub(crate) fn invalid(
        value: impl std::fmt::Display,
        parameter: &'static str,
        reason: impl Into<Cow<'static, str>>,
    ) -> ApiError {
        ApiError::ParameterInvalid {
            value: echo(&value.to_string()),
            parameter,
            reason: reason.into(),
        }
    }

    pub(crate) fn unknown_attribute(name: &str) -> ApiError {
        ApiError::UnknownAttribute { name: echo(name) }
    }

    /// What failed for the message with this receipt handle.
    pub(crate) fn of_message(error: MessageError, handle: &str, visibility_timeout: i64) -> Self {
        match error {
            MessageError::ReceiptHandleInvalid => ApiError::ReceiptHandleInvalid {
                handle: echo(handle),
            },
            MessageError::ReceiptHandleExpired => {
                ApiError::invalid(handle, "ReceiptHandle", "The receipt handle has expired.")
            }
            MessageError::MessageNotAvailable => ApiError::invalid(
                handle,
                "ReceiptHandle",
                "Message does not exist or is not available for visibility timeout change.",
            ),
            MessageError::VisibilityTimeoutBeyondLimit => ApiError::invalid(
                visibility_timeout,
                "VisibilityTimeout",
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
            ),
            MessageError::TooLong { bytes_max } => ApiError::MessageTooLong { bytes_max },
            MessageError::NoDeduplicationId => ApiError::NoDeduplicationId,
            MessageError::DeliveryBeyondRetention {
                deliver_at,
                retention_seconds,
            } => {
                let reason = format!(
                    "The message would be gone by then: the queue's MessageRetentionPeriod is \
                     {retention_seconds} seconds."
                );
                ApiError::invalid(deliver_at, DELIVER_AT, reason)
            }
            MessageError::Throttled => ApiError::Throttled,
            MessageError::Unavailable => ApiError::Unavailable,
        }
    }

    /// What failed for a message that was to be sent.
    pub(crate) fn of_send(error: MessageError) -> ApiError {
        ApiError::of_message(error, "", 0)
    }

    /// What failed for a message of a batch that was to be sent.
    pub(crate) fn of_sent_entry(error: MessageError) -> ApiError {
        match ApiError::of_send(error) {
            ApiError::MessageTooLong { bytes_max } => ApiError::EntryTooLong { bytes_max },
            error => error,
        }
    }

    /// Why a queue's policy could not be changed.
    fn of_permission(label: &str, refusal: PermissionRefusal) -> ApiError {
        match refusal {
            PermissionRefusal::LabelExists => ApiError::invalid(label, "Label", "Already exists."),
            PermissionRefusal::LabelMissing => {
                ApiError::invalid(label, "Label", "can't find label.")
            }
            PermissionRefusal::TooManyStatements { found } => ApiError::PolicyStatements { found },
            PermissionRefusal::PolicyTooLong => ApiError::PolicyTooLong,
            PermissionRefusal::PolicyUnreadable => {
                ApiError::AttributeValueInvalid { name: "Policy" }
            }
        }
    }

    pub(crate) fn shape(&self) -> ErrorShape {
        use ApiError as E;
        use ErrorShape as S;
        match self {
            E::QueueDoesNotExist => S::QueueDoesNotExist,
            E::QueueNameExists { .. } | E::QueueTagsDiffer => S::QueueNameExists,
            E::QueueDeletedRecently => S::QueueDeletedRecently,
            E::PurgeQueueInProgress { .. } => S::PurgeQueueInProgress,
            E::UnknownAttribute { .. } | E::FifoOnlyAttribute { .. } | E::TwoEncryptions => {
                S::InvalidAttributeName
            }
            E::AttributeValueInvalid { .. } | E::AttributeValueRefused { .. } => {
                S::InvalidAttributeValue
            }
            E::MissingParameter { .. } => S::MissingRequiredParameterException,
            E::QueueNameInvalid
            | E::FifoQueueNameInvalid
            | E::TooManyTags { .. }
            | E::MissingEntryParameter { .. }
            | E::ParameterInvalid { .. }
            | E::ParameterRefused(_)
            | E::TooManyElements { .. }
            | E::MessageTooLong { .. }
            | E::EntryTooLong { .. }
            | E::NoDeduplicationId => S::InvalidParameterValueException,
            E::MessageAttribute(error) => error.shape(),
            E::InvalidMessageContents => S::InvalidMessageContents,
            E::EmptyBatch { .. } => S::EmptyBatchRequest,
            E::TooManyEntries { .. } => S::TooManyEntriesInBatchRequest,
            E::EntryIdsNotDistinct { .. } => S::BatchEntryIdsNotDistinct,
            E::EntryIdInvalid => S::InvalidBatchEntryId,
            E::BatchTooLong { .. } => S::BatchRequestTooLong,
            E::ReceiptHandleInvalid { .. } => S::ReceiptHandleIsInvalid,
            E::OverLimit
            | E::PermissionTooLarge { .. }
            | E::PolicyStatements { .. }
            | E::PolicyStatementTooLarge { .. }
            | E::PolicyTooLong => S::OverLimit,
            E::ResourceDoesNotExist { .. } | E::TaskDoesNotExist => S::ResourceNotFoundException,
            E::Serialization { .. } => S::SerializationException,
            E::RequestTooLarge { .. } => S::RequestEntityTooLargeException,
            E::UnknownAction { .. } => S::UnknownOperationException,
            E::Unsupported { .. } => S::UnsupportedOperation,
            E::Throttled => S::ThrottlingException,
            E::Unavailable => S::ServiceUnavailableException,
            E::Internal => S::InternalFailure,
        }
    }

    /// Whether the client is to blame.
    pub(crate) fn is_sender_fault(&self) -> bool {
        self.shape().http_status() < 500
    }

    /// Who is to blame, as both protocols write it.
    pub(crate) fn party(&self) -> &'static str {
        match self.is_sender_fault() {
            true => "Sender",
            false => "Receiver",
        }
    }
}

impl ErrorShape {
    /// What an answer of this shape counts as.
    pub(crate) fn class(self) -> AnswerClass {
        match (self, self.http_status()) {
            (
                ErrorShape::ThrottlingException
                | ErrorShape::RequestThrottled
                | ErrorShape::KmsThrottled,
                _,
            ) => AnswerClass::Throttled,
            (_, 503) => AnswerClass::Unavailable,
            (_, 500..) => AnswerClass::Internal,
            _ => AnswerClass::ClientError,
        }
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> ApiError {
        match error {
            ServiceError::QueueDoesNotExist => ApiError::QueueDoesNotExist,
            ServiceError::QueueNameExists { attribute } => ApiError::QueueNameExists { attribute },
            ServiceError::QueueTagsDiffer => ApiError::QueueTagsDiffer,
            ServiceError::QueueDeletedRecently => ApiError::QueueDeletedRecently,
            ServiceError::PurgeInProgress { queue } => ApiError::PurgeQueueInProgress { queue },
            ServiceError::AttributesConflict(conflict) => conflict.into(),
            ServiceError::TooManyTags { queue } => ApiError::TooManyTags { queue },
            ServiceError::PermissionRefused { label, refusal } => {
                ApiError::of_permission(&label, refusal)
            }
            ServiceError::RedrivePolicyRefused { text, refusal } => {
                ApiError::invalid(text, "RedrivePolicy", refusal_reason(refusal))
            }
            ServiceError::NotADeadLetterQueue => ApiError::ParameterRefused(
                "Source queue must be configured as a Dead Letter Queue.",
            ),
            ServiceError::DestinationDoesNotExist => ApiError::ResourceDoesNotExist {
                parameter: "DestinationArn",
            },
            ServiceError::MoveIsRunning => ApiError::ParameterRefused(
                "There is already a task running. Only one active task is allowed for a source \
                 queue arn at a given time.",
            ),
            ServiceError::MoveIsNotRunning => {
                ApiError::ParameterRefused("Only active tasks can be cancelled.")
            }
            ServiceError::MoveDoesNotExist => ApiError::TaskDoesNotExist,
            ServiceError::OverLimit => ApiError::OverLimit,
            ServiceError::Unsupported { reason } => ApiError::Unsupported { reason },
            ServiceError::Throttled => ApiError::Throttled,
            ServiceError::Unavailable { reason } => {
                tracing::debug!(reason, "service is unavailable");
                ApiError::Unavailable
            }
            ServiceError::Internal { reason } => {
                tracing::error!(reason, "internal error");
                ApiError::Internal
            }
        }
    }
}

impl From<AttributeConflict> for ApiError {
    fn from(conflict: AttributeConflict) -> ApiError {
        match conflict {
            AttributeConflict::TwoEncryptions => ApiError::TwoEncryptions,
            AttributeConflict::ThroughputLimitWithoutScope => ApiError::AttributeValueRefused {
                name: "FifoThroughputLimit",
                reason: "The perMessageGroupId value is allowed only when the value for \
                         DeduplicationScope is messageGroup.",
            },
        }
    }
}

fn refusal_reason(refusal: RedriveRefusal) -> &'static str {
    match refusal {
        RedriveRefusal::OtherRegion => "Dead-letter target must be in same region as the source.",
        RedriveRefusal::OtherAccount => "Dead-letter target owner should be same as the source.",
        RedriveRefusal::TargetMissing => "Dead letter target does not exist.",
        RedriveRefusal::OtherKind => "Dead-letter queue must be same type of queue as the source.",
        RedriveRefusal::NotAllowed => {
            "Source queue is not allowed to use the dead-letter queue by its RedriveAllowPolicy."
        }
    }
}

/// A client's value as an error repeats it: whole unless it is very long.
pub(crate) fn echo(value: &str) -> String {
    let mut end = value.len().min(ECHO_BYTES_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value[..end].to_owned()
}
