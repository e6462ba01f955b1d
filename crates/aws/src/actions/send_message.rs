use squorum_types::service::QueueService;

use super::{required, single};
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{SendMessageRequest, SendMessageResult};
use crate::hex::{hex, uuid};
use crate::protocol::Answer;
use crate::validation::OutgoingMessage;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: SendMessageRequest<'_>,
) -> Result<Answer, ApiError> {
    required(&request.message_body, "MessageBody")?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let message = OutgoingMessage::from(request);
    if message.lacks_group_id(&queue) {
        return Err(ApiError::missing("MessageGroupId"));
    }
    if message.lacks_deduplication_id(&queue) {
        return Err(ApiError::NoDeduplicationId);
    }
    if message.is_too_long(&queue) {
        let bytes_max = queue.attributes.maximum_message_bytes;
        return Err(ApiError::MessageTooLong { bytes_max });
    }
    let (entry, digests) = message.prepare(&queue, context.source, context.trace_header())?;
    let sent = context
        .service
        .send(context.caller, &queue, vec![entry])
        .await?;
    let sent = single(sent)?.map_err(ApiError::of_send)?;
    let text = |digest: [u8; 16]| hex(&digest).into();
    Answer::json(&SendMessageResult {
        md5_of_message_body: Some(text(digests.body)),
        md5_of_message_attributes: digests.attributes.map(text),
        md5_of_message_system_attributes: digests.system_attributes.map(text),
        message_id: Some(uuid(&sent.id.0).into()),
        sequence_number: sent.sequence_number.map(|number| number.to_string().into()),
    })
}
