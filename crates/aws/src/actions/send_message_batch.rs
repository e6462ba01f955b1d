use squorum_types::limits::BATCH_BYTES_MAX;
use squorum_types::service::{QueueInfo, QueueService, SendEntry, SentMessage};

use super::{counted, failed};
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{
    SendMessageBatchRequest, SendMessageBatchRequestEntry, SendMessageBatchResult,
    SendMessageBatchResultEntry,
};
use crate::hex::{hex, uuid};
use crate::protocol::Answer;
use crate::shape::Text;
use crate::validation::{Batch, MessageDigests, OutgoingMessage, check_batch};

impl Batch for SendMessageBatchRequestEntry<'_> {
    const ENTRY: &'static str = "SendMessageBatchRequestEntry";

    fn id(&self) -> Option<&Text<'_>> {
        self.id.as_ref()
    }

    fn missing(&self) -> Option<&'static str> {
        let body = self.message_body.as_deref().unwrap_or("");
        body.is_empty().then_some("MessageBody")
    }
}

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: SendMessageBatchRequest<'_>,
) -> Result<Answer, ApiError> {
    let entries = check_batch(request.entries)?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let messages: Vec<_> = entries
        .into_iter()
        .map(|mut entry| (entry.id.take(), OutgoingMessage::from(entry)))
        .collect();
    check_whole(&messages, &queue)?;
    let mut result = SendMessageBatchResult::default();
    let mut prepared = Vec::with_capacity(messages.len());
    let mut to_send = Vec::with_capacity(messages.len());
    for (id, message) in messages {
        match prepare(context, &queue, message) {
            Ok((entry, digests)) => {
                prepared.push((id, digests));
                to_send.push(entry);
            }
            Err(error) => result.failed.items.push(failed(id, &error)),
        }
    }
    if to_send.is_empty() {
        return Answer::json(&result);
    }
    let sent = context
        .service
        .send(context.caller, &queue, to_send)
        .await?;
    let sent = counted(sent, prepared.len())?;
    for ((id, digests), sent) in prepared.into_iter().zip(sent) {
        match sent {
            Ok(sent) => result.successful.items.push(successful(id, digests, &sent)),
            Err(error) => {
                let error = ApiError::of_sent_entry(error);
                result.failed.items.push(failed(id, &error));
            }
        }
    }
    Answer::json_of_size(&result, 2048)
}

/// What makes the whole batch fail beside the rules common to all batches.
fn check_whole(
    messages: &[(Option<Text<'_>>, OutgoingMessage<'_>)],
    queue: &QueueInfo,
) -> Result<(), ApiError> {
    let mut all = messages.iter().map(|(_, message)| message);
    let sent_bytes = all.clone().map(OutgoingMessage::size_bytes).sum();
    if sent_bytes > BATCH_BYTES_MAX {
        return Err(ApiError::BatchTooLong {
            bytes_max: BATCH_BYTES_MAX,
            sent_bytes,
        });
    }
    if all.clone().any(|message| message.lacks_group_id(queue)) {
        let parameter = "MessageGroupId";
        return Err(ApiError::MissingEntryParameter { parameter });
    }
    if all.any(|message| message.lacks_deduplication_id(queue)) {
        return Err(ApiError::NoDeduplicationId);
    }
    Ok(())
}

fn prepare<S: QueueService>(
    context: &Context<'_, S>,
    queue: &QueueInfo,
    message: OutgoingMessage<'_>,
) -> Result<(SendEntry, MessageDigests), ApiError> {
    if message.is_too_long(queue) {
        let bytes_max = queue.attributes.maximum_message_bytes;
        return Err(ApiError::EntryTooLong { bytes_max });
    }
    message.prepare(queue, context.source, context.trace_header())
}

fn successful<'a>(
    id: Option<Text<'a>>,
    digests: MessageDigests,
    sent: &SentMessage,
) -> SendMessageBatchResultEntry<'a> {
    let text = |digest: [u8; 16]| Text::from(hex(&digest));
    SendMessageBatchResultEntry {
        id,
        message_id: Some(uuid(&sent.id.0).into()),
        md5_of_message_body: Some(text(digests.body)),
        md5_of_message_attributes: digests.attributes.map(text),
        md5_of_message_system_attributes: digests.system_attributes.map(text),
        sequence_number: sent.sequence_number.map(|number| number.to_string().into()),
    }
}
