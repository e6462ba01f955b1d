use squorum_types::service::{QueueDescription, QueueService};
use squorum_types::{DeduplicationScope, FifoThroughputLimit, QueueAttributes};

use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{GetQueueAttributesRequest, GetQueueAttributesResult, QueueAttributeName};
use crate::protocol::Answer;
use crate::shape::{List, Text};

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: GetQueueAttributesRequest<'_>,
) -> Result<Answer, ApiError> {
    let names = wanted(&request.attribute_names.unwrap_or_default())?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    if names.is_empty() {
        return Answer::json(&GetQueueAttributesResult::default());
    }
    let described = context
        .service
        .describe_queue(context.caller, &queue)
        .await?;
    let attributes = names.into_iter().filter_map(|name| {
        let value = value_of(name, &described)?;
        Some((Text::from(name.as_str()), Text::from(value)))
    });
    let attributes: Vec<_> = attributes.collect();
    Answer::json(&GetQueueAttributesResult {
        attributes: attributes.into(),
    })
}

/// The names that a request asks for, each once, in the order of their texts.
fn wanted(names: &List<Text<'_>>) -> Result<Vec<QueueAttributeName>, ApiError> {
    let mut wanted = Vec::new();
    for name in &names.items {
        match QueueAttributeName::parse(name) {
            Some(name) => wanted.push(name),
            None if name.as_str() == "All" => wanted.extend(QueueAttributeName::ALL),
            None => return Err(ApiError::unknown_attribute(name)),
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    Ok(wanted)
}

/// An attribute's value as AWS shows it; `None` if the queue has none.
fn value_of(name: QueueAttributeName, described: &QueueDescription) -> Option<String> {
    use QueueAttributeName as N;
    let info = &described.info;
    let attributes = &info.attributes;
    let counters = &described.counters;
    let fifo = attributes.fifo.as_ref();
    Some(match name {
        N::ApproximateNumberOfMessages => counters.visible.to_string(),
        N::ApproximateNumberOfMessagesDelayed => counters.delayed.to_string(),
        N::ApproximateNumberOfMessagesNotVisible => counters.in_flight.to_string(),
        N::CreatedTimestamp => info.created_at.as_seconds().to_string(),
        N::LastModifiedTimestamp => info.modified_at.as_seconds().to_string(),
        N::QueueArn => info.arn().to_string(),
        N::DelaySeconds => attributes.delay_seconds.to_string(),
        N::MaximumMessageSize => attributes.maximum_message_bytes.to_string(),
        N::MessageRetentionPeriod => attributes.message_retention_seconds.to_string(),
        N::ReceiveMessageWaitTimeSeconds => {
            attributes.receive_message_wait_time_seconds.to_string()
        }
        N::VisibilityTimeout => attributes.visibility_timeout_seconds.to_string(),
        N::Policy => attributes.policy.clone()?,
        N::KmsMasterKeyId => attributes.kms_master_key_id.clone()?,
        N::KmsDataKeyReusePeriodSeconds => reuse_period(attributes)?,
        N::SqsManagedSseEnabled => attributes.sqs_managed_sse_enabled.to_string(),
        N::FifoQueue => fifo.map(|_| "true".to_owned())?,
        N::ContentBasedDeduplication => fifo?.content_based_deduplication.to_string(),
        N::DeduplicationScope => match fifo?.deduplication_scope {
            DeduplicationScope::Queue => "queue".to_owned(),
            DeduplicationScope::MessageGroup => "messageGroup".to_owned(),
        },
        N::FifoThroughputLimit => match fifo?.fifo_throughput_limit {
            FifoThroughputLimit::PerQueue => "perQueue".to_owned(),
            FifoThroughputLimit::PerMessageGroupId => "perMessageGroupId".to_owned(),
        },
        N::RedrivePolicy => attributes.redrive_policy.as_ref()?.text.clone(),
        N::RedriveAllowPolicy => attributes.redrive_allow_policy.as_ref()?.text.clone(),
    })
}

/// Hidden while it is the default, also when it was set to that.
fn reuse_period(attributes: &QueueAttributes) -> Option<String> {
    let seconds = attributes.kms_data_key_reuse_period_seconds;
    (seconds != QueueAttributes::KMS_REUSE_SECONDS_DEFAULT).then(|| seconds.to_string())
}
