//! Rules of queue attributes. Invariants of what leaves here:
//!
//! 1. Every number is in its range.
//! 2. FIFO values are given for FIFO queues alone.
//! 3. A queue is created with at most one kind of server-side encryption on, and with
//!    `perMessageGroupId` never without the scope `messageGroup`.

use std::ops::RangeInclusive;

use squorum_types::service::{CreateQueue, QueueInfo};
use squorum_types::{
    AttributeChanges, DeduplicationScope, FifoThroughputLimit, QueueAttributes, QueueName, limits,
};

use super::policy::parse_policy;
use super::redrive::{parse_redrive, parse_redrive_allow};
use super::tags::check_tags;
use crate::error::ApiError;
use crate::generated::QueueAttributeName;
use crate::shape::{Map, Text};

const KMS_KEY_ID_BYTES_MAX: usize = 2_048;

pub(crate) type AttributeInput<'a> = Map<'a, Text<'a>>;

/// Checks a queue to create. `name` is the client's.
pub(crate) fn create_queue(
    name: &str,
    input: &AttributeInput<'_>,
    tags: &Map<'_, Text<'_>>,
) -> Result<CreateQueue, ApiError> {
    let given = |wanted| {
        let mut entries = input.entries.iter();
        entries.find(|(name, _)| QueueAttributeName::parse(name) == Some(wanted))
    };
    let fifo_queue = given(QueueAttributeName::FifoQueue).map(|(_, value)| value);
    let is_fifo = match fifo_queue.map(|text| parse_bool(QueueAttributeName::FifoQueue, text)) {
        Some(Ok(is_fifo)) => is_fifo,
        Some(Err(error)) if name.ends_with(QueueName::FIFO_SUFFIX) => return Err(error),
        // Whatever its value: a standard queue has no such attribute.
        Some(Err(_)) | None => false,
    };
    let parsed = QueueName::parse(name);
    let name = match parsed {
        Ok(name) if name.is_fifo() == is_fifo => name,
        _ if is_fifo => return Err(ApiError::FifoQueueNameInvalid),
        _ => return Err(ApiError::QueueNameInvalid),
    };
    if fifo_queue.is_some() && !is_fifo {
        return Err(ApiError::unknown_attribute("FifoQueue"));
    }
    let mut attributes = match is_fifo {
        true => QueueAttributes::fifo(),
        false => QueueAttributes::standard(),
    };
    let changes = parse(input, is_fifo)?;
    if let Some(conflict) = changes.conflict_with(&attributes) {
        return Err(conflict.into());
    }
    changes.apply_to(&mut attributes);
    Ok(CreateQueue {
        tags: check_tags(&name, tags)?,
        name,
        attributes,
        given: changes,
    })
}

/// Checks changes to an existing queue. What depends on its other attributes is checked where the
/// changes are made: they may be others by then.
pub(crate) fn changes_of_queue(
    queue: &QueueInfo,
    input: &AttributeInput<'_>,
) -> Result<AttributeChanges, ApiError> {
    let is_fifo = queue.attributes.is_fifo();
    for (name, value) in &input.entries {
        if QueueAttributeName::parse(name) == Some(QueueAttributeName::FifoQueue) {
            if !is_fifo {
                return Err(ApiError::unknown_attribute("FifoQueue"));
            }
            if !parse_bool(QueueAttributeName::FifoQueue, value)? {
                return Err(ApiError::AttributeValueRefused {
                    name: "FifoQueue",
                    reason: "Modifying queue type is not supported.",
                });
            }
        }
    }
    parse(input, is_fifo)
}

fn parse(input: &AttributeInput<'_>, is_fifo: bool) -> Result<AttributeChanges, ApiError> {
    let mut changes = AttributeChanges::default();
    for (name, value) in &input.entries {
        let known = QueueAttributeName::parse(name);
        let known = known.ok_or_else(|| ApiError::unknown_attribute(name))?;
        set(&mut changes, known, value, is_fifo)?;
    }
    if input.total > input.entries.len() {
        let parameter = "Attributes";
        return Err(ApiError::TooManyElements { parameter });
    }
    Ok(changes)
}

fn set(
    changes: &mut AttributeChanges,
    name: QueueAttributeName,
    value: &str,
    is_fifo: bool,
) -> Result<(), ApiError> {
    use QueueAttributeName as N;
    let number = |range| parse_number(name, value, range).map(Some);
    match name {
        N::DelaySeconds => changes.delay_seconds = number(limits::DELAY_SECONDS)?,
        N::MaximumMessageSize => {
            changes.maximum_message_bytes = number(limits::MAXIMUM_MESSAGE_BYTES)?;
        }
        N::MessageRetentionPeriod => {
            changes.message_retention_seconds = number(limits::MESSAGE_RETENTION_SECONDS)?;
        }
        N::ReceiveMessageWaitTimeSeconds => {
            changes.receive_message_wait_time_seconds = number(limits::WAIT_TIME_SECONDS)?;
        }
        N::VisibilityTimeout => {
            changes.visibility_timeout_seconds = number(limits::VISIBILITY_TIMEOUT_SECONDS)?;
        }
        N::KmsDataKeyReusePeriodSeconds => {
            changes.kms_data_key_reuse_period_seconds = number(limits::KMS_REUSE_SECONDS)?;
        }
        N::Policy => changes.policy = Some(parse_policy(value)?),
        N::KmsMasterKeyId => changes.kms_master_key_id = Some(parse_key_id(value)?),
        N::SqsManagedSseEnabled => {
            changes.sqs_managed_sse_enabled = Some(parse_bool(name, value)?);
        }
        N::RedrivePolicy => changes.redrive_policy = Some(parse_redrive(value)?),
        N::RedriveAllowPolicy => changes.redrive_allow_policy = Some(parse_redrive_allow(value)?),
        // Whether the queue is one has been settled before.
        N::FifoQueue if is_fifo => {}
        N::ContentBasedDeduplication if is_fifo => {
            changes.content_based_deduplication = Some(parse_bool(name, value)?);
        }
        N::DeduplicationScope if is_fifo => {
            changes.deduplication_scope = Some(parse_scope(value)?);
        }
        N::FifoThroughputLimit if is_fifo => {
            changes.fifo_throughput_limit = Some(parse_throughput_limit(value)?);
        }
        N::DeduplicationScope | N::FifoThroughputLimit => {
            let name = name.as_str();
            return Err(ApiError::FifoOnlyAttribute { name });
        }
        N::FifoQueue
        | N::ContentBasedDeduplication
        | N::ApproximateNumberOfMessages
        | N::ApproximateNumberOfMessagesDelayed
        | N::ApproximateNumberOfMessagesNotVisible
        | N::CreatedTimestamp
        | N::LastModifiedTimestamp
        | N::QueueArn => return Err(ApiError::unknown_attribute(name.as_str())),
    }
    Ok(())
}

fn invalid(name: QueueAttributeName) -> ApiError {
    ApiError::AttributeValueInvalid {
        name: name.as_str(),
    }
}

fn parse_number(
    name: QueueAttributeName,
    value: &str,
    range: RangeInclusive<i64>,
) -> Result<u32, ApiError> {
    let number: u32 = value.trim().parse().map_err(|_| invalid(name))?;
    match range.contains(&i64::from(number)) {
        true => Ok(number),
        false => Err(invalid(name)),
    }
}

fn parse_bool(name: QueueAttributeName, value: &str) -> Result<bool, ApiError> {
    if value.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if value.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(invalid(name))
    }
}

fn parse_scope(value: &str) -> Result<DeduplicationScope, ApiError> {
    match value {
        "queue" => Ok(DeduplicationScope::Queue),
        "messageGroup" => Ok(DeduplicationScope::MessageGroup),
        _ => Err(invalid(QueueAttributeName::DeduplicationScope)),
    }
}

fn parse_throughput_limit(value: &str) -> Result<FifoThroughputLimit, ApiError> {
    match value {
        "perQueue" => Ok(FifoThroughputLimit::PerQueue),
        "perMessageGroupId" => Ok(FifoThroughputLimit::PerMessageGroupId),
        _ => Err(invalid(QueueAttributeName::FifoThroughputLimit)),
    }
}

fn parse_key_id(value: &str) -> Result<Option<String>, ApiError> {
    let printable = value.bytes().all(|byte| byte.is_ascii_graphic());
    match printable && value.len() <= KMS_KEY_ID_BYTES_MAX {
        true => Ok((!value.is_empty()).then(|| value.to_owned())),
        false => Err(invalid(QueueAttributeName::KmsMasterKeyId)),
    }
}
