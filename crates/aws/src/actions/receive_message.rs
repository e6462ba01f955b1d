use squorum_types::service::{QueueInfo, QueueService, ReceiveRequest, ReceivedMessage};

use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{
    Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    ReceiveMessageRequest, ReceiveMessageResult,
};
use crate::hex::{hex, uuid};
use crate::message_attributes::{self, Attribute, Filter, Value, digest_attributes};
use crate::protocol::Answer;
use crate::shape::{Blob, List, Map, Text};
use crate::validation::{
    check_identifier, check_messages_max, check_visibility_timeout, check_wait_time,
};

const ATTEMPT_ID_RULE: &str = "ReceiveRequestAttemptId can only include alphanumeric and \
                               punctuation characters. 1 to 128 in length.";
/// JSON around a message, handle and digests included.
const MESSAGE_OVERHEAD_BYTES: usize = 512;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: ReceiveMessageRequest<'_>,
) -> Result<Answer, ApiError> {
    let messages_max = check_messages_max(request.max_number_of_messages)?;
    let wait_time_seconds = check_wait_time(request.wait_time_seconds)?;
    let visibility_timeout_seconds = check_visibility_timeout(request.visibility_timeout)?;
    let system_attributes = wanted(&request)?;
    let patterns = request.message_attribute_names.unwrap_or_default();
    if patterns.total > patterns.items.len() {
        let parameter = "MessageAttributeNames";
        return Err(ApiError::TooManyElements { parameter });
    }
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let attempt_id = attempt_id(request.receive_request_attempt_id, &queue)?;
    let receive = ReceiveRequest {
        messages_max,
        visibility_timeout_seconds,
        wait_time_seconds,
        attempt_id,
    };
    let delivery = context
        .service
        .receive(context.caller, &queue, receive)
        .await?;
    // From here on every way out but the answer drops the delivery and so gives it back.
    let view = View {
        system_attributes,
        filter: Filter::new(&patterns.items),
    };
    let mut messages = Vec::with_capacity(delivery.messages.len());
    let mut size = 0;
    for message in &delivery.messages {
        size += message.body.len() + message.attributes.len() + MESSAGE_OVERHEAD_BYTES;
        messages.push(view.show(message)?);
    }
    let messages = List::from(messages);
    // One in sixteen for escapes.
    let size = size + size / 16;
    let mut answer = Answer::json_of_size(&ReceiveMessageResult { messages }, size)?;
    answer.delivery = Some(delivery);
    Ok(answer)
}

/// Names of system attributes that either list asks for, each once. The older list is, in AWS's model,
/// one of names of queues' attributes: those are no error there and ask for nothing.
fn wanted(
    request: &ReceiveMessageRequest<'_>,
) -> Result<Vec<MessageSystemAttributeName>, ApiError> {
    let lists = [
        (&request.attribute_names, true),
        (&request.message_system_attribute_names, false),
    ];
    let mut wanted = Vec::new();
    for (list, of_queues) in lists {
        for name in list.iter().flat_map(|list| &list.items) {
            match MessageSystemAttributeName::parse(name) {
                Some(name) => wanted.push(name),
                None if name.as_str() == "All" => wanted.extend(MessageSystemAttributeName::ALL),
                None if of_queues && QueueAttributeName::parse(name).is_some() => {}
                None => return Err(ApiError::unknown_attribute(name)),
            }
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    Ok(wanted)
}

fn attempt_id(id: Option<Text<'_>>, queue: &QueueInfo) -> Result<String, ApiError> {
    let parameter = "ReceiveRequestAttemptId";
    match id {
        None => Ok(String::new()),
        Some(id) if !queue.attributes.is_fifo() => {
            let reason = "The request include parameter that is not valid for this queue type.";
            Err(ApiError::invalid(id.as_str(), parameter, reason))
        }
        Some(id) => {
            check_identifier(&id, parameter, ATTEMPT_ID_RULE)?;
            Ok(id.into_string())
        }
    }
}

/// What of a message a receive asked to see.
struct View<'a> {
    system_attributes: Vec<MessageSystemAttributeName>,
    filter: Filter<'a>,
}

impl View<'_> {
    fn show<'a>(&self, message: &'a ReceivedMessage) -> Result<Message<'a>, ApiError> {
        let body = std::str::from_utf8(&message.body).map_err(|error| damaged(&error))?;
        let attributes = self.system_attributes.iter().filter_map(|name| {
            let value = system_attribute(*name, message)?;
            Some((Text::from(name.as_str()), value))
        });
        let attributes: Vec<_> = attributes.collect();
        let (message_attributes, digest) = self.message_attributes(message)?;
        Ok(Message {
            message_id: Some(uuid(&message.id.0).into()),
            receipt_handle: Some(message.receipt_handle.as_str().into()),
            md5_of_body: Some(hex(&message.body_md5).into()),
            body: Some(body.into()),
            attributes: attributes.into(),
            md5_of_message_attributes: digest.map(|digest| hex(&digest).into()),
            message_attributes,
        })
    }

    /// The attributes that pass the filter, and the digest over them alone.
    #[allow(clippy::type_complexity)]
    fn message_attributes<'a>(
        &self,
        message: &'a ReceivedMessage,
    ) -> Result<(Map<'a, MessageAttributeValue<'a>>, Option<[u8; 16]>), ApiError> {
        if self.filter.is_none() || message.attributes.is_empty() {
            return Ok((Map::default(), None));
        }
        let decoded = message_attributes::decode(&message.attributes);
        let Some(decoded) = decoded.map_err(|error| damaged(&error))? else {
            return Ok((Map::default(), None));
        };
        let count = decoded.attributes.len();
        let mut attributes = decoded.attributes;
        attributes.retain(|attribute| self.filter.takes(attribute.name));
        let digest = match attributes.len() == count {
            true => Some(decoded.digest),
            false => digest_attributes(attributes.iter().copied()),
        };
        let shown: Vec<_> = attributes.into_iter().map(show_attribute).collect();
        Ok((shown.into(), digest))
    }
}

fn show_attribute(attribute: Attribute<'_>) -> (Text<'_>, MessageAttributeValue<'_>) {
    let mut value = MessageAttributeValue {
        data_type: Some(attribute.data_type.into()),
        ..MessageAttributeValue::default()
    };
    match attribute.value {
        Value::Text(text) => value.string_value = Some(text.into()),
        Value::Binary(bytes) => value.binary_value = Some(Blob(bytes.into())),
    }
    (attribute.name.into(), value)
}

/// A system attribute's value; `None` if the message has none.
fn system_attribute(
    name: MessageSystemAttributeName,
    message: &ReceivedMessage,
) -> Option<Text<'_>> {
    use MessageSystemAttributeName as N;
    let set = |text: &'_ str| (!text.is_empty()).then(|| Text::from(text.to_owned()));
    match name {
        N::SenderId => set(&message.sender_id),
        N::SentTimestamp => Some(message.sent_at.to_string().into()),
        N::ApproximateReceiveCount => Some(message.receive_count.to_string().into()),
        N::ApproximateFirstReceiveTimestamp => Some(message.first_received_at.to_string().into()),
        N::SequenceNumber => message
            .sequence_number
            .map(|number| number.to_string().into()),
        N::MessageDeduplicationId => set(&message.deduplication_id),
        N::MessageGroupId => set(&message.group_id),
        N::AwsTraceHeader => set(&message.trace_header),
        N::DeadLetterQueueSourceArn => set(&message.dead_letter_source),
    }
}

fn damaged(error: &dyn std::error::Error) -> ApiError {
    tracing::error!(error = %error, "cannot show a stored message");
    ApiError::Internal
}
