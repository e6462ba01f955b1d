//! Rules of a message to send.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use squorum_types::Timestamp;
use squorum_types::service::{QueueInfo, SendEntry};

use super::{check_delay_seconds, check_identifier, has_only_valid_characters};
use crate::error::ApiError;
use crate::generated::{
    MessageAttributeValue, MessageSystemAttributeValue, SendMessageBatchRequestEntry,
    SendMessageRequest,
};
use crate::hex::hex;
use crate::message_attributes::{
    Attribute, DELIVER_AT, Value, bytes_of, check_attributes, check_system_attributes,
    deliver_at_of, digest_attributes, digest_body, encode,
};
use crate::shape::{Integer, Map, Text};

const WRONG_QUEUE_TYPE: &str =
    "The request include parameter that is not valid for this queue type.";
const TWO_DELAYS: &str =
    "The message attribute squorum.deliver-at says when the message is delivered.";
const GROUP_ID_RULE: &str =
    "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.";
const DEDUPLICATION_ID_RULE: &str = "MessageDeduplicationId can only include alphanumeric and \
                                     punctuation characters. 1 to 128 in length.";

/// What `SendMessage` and an entry of `SendMessageBatch` have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutgoingMessage<'a> {
    body: Text<'a>,
    delay_seconds: Option<Integer>,
    attributes: Map<'a, MessageAttributeValue<'a>>,
    system_attributes: Map<'a, MessageSystemAttributeValue<'a>>,
    deduplication_id: Option<Text<'a>>,
    group_id: Option<Text<'a>>,
}

/// The digests that the answer shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageDigests {
    pub(crate) body: [u8; 16],
    pub(crate) attributes: Option<[u8; 16]>,
    pub(crate) system_attributes: Option<[u8; 16]>,
}

impl<'a> From<SendMessageRequest<'a>> for OutgoingMessage<'a> {
    fn from(request: SendMessageRequest<'a>) -> Self {
        OutgoingMessage {
            body: request.message_body.unwrap_or_default(),
            delay_seconds: request.delay_seconds,
            attributes: request.message_attributes.unwrap_or_default(),
            system_attributes: request.message_system_attributes.unwrap_or_default(),
            deduplication_id: request.message_deduplication_id,
            group_id: request.message_group_id,
        }
    }
}

impl<'a> From<SendMessageBatchRequestEntry<'a>> for OutgoingMessage<'a> {
    fn from(entry: SendMessageBatchRequestEntry<'a>) -> Self {
        OutgoingMessage {
            body: entry.message_body.unwrap_or_default(),
            delay_seconds: entry.delay_seconds,
            attributes: entry.message_attributes.unwrap_or_default(),
            system_attributes: entry.message_system_attributes.unwrap_or_default(),
            deduplication_id: entry.message_deduplication_id,
            group_id: entry.message_group_id,
        }
    }
}

impl OutgoingMessage<'_> {
    /// Size as AWS counts it: body and attributes, but not system attributes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.body.len() + bytes_of(&self.attributes)
    }

    pub(crate) fn lacks_group_id(&self, queue: &QueueInfo) -> bool {
        queue.attributes.is_fifo() && self.group_id.is_none()
    }

    pub(crate) fn lacks_deduplication_id(&self, queue: &QueueInfo) -> bool {
        let fifo = queue.attributes.fifo.as_ref();
        fifo.is_some_and(|fifo| !fifo.content_based_deduplication)
            && self.deduplication_id.is_none()
    }

    pub(crate) fn is_too_long(&self, queue: &QueueInfo) -> bool {
        self.size_bytes() > queue.attributes.maximum_message_bytes as usize
    }

    /// Checks the message and computes its digests. `source` is the request's body, which the
    /// message's body then shares; `trace_header` is the request's own, used if the message has
    /// none. Missing ids and the size are the caller's to check: batches answer otherwise.
    pub(crate) fn prepare(
        self,
        queue: &QueueInfo,
        source: &Bytes,
        trace_header: Option<&str>,
    ) -> Result<(SendEntry, MessageDigests), ApiError> {
        let delay_seconds = self.check_delay(queue)?;
        self.check_ids(queue)?;
        if !has_only_valid_characters(&self.body) {
            return Err(ApiError::InvalidMessageContents);
        }
        let attributes = check_attributes(&self.attributes)?;
        let deliver_at = check_deliver_at(queue, &attributes, delay_seconds)?;
        let attributes_md5 = digest_attributes(attributes.iter().copied());
        let encoded = attributes_md5.map(|digest| encode(&attributes, digest));
        let system_attribute = check_system_attributes(&self.system_attributes)?;
        let trace_header = match system_attribute.map(|attribute| attribute.value) {
            Some(Value::Text(text)) => text,
            _ => trace_header.unwrap_or(""),
        };
        let trace_header = trace_header.to_owned();
        let digests = MessageDigests {
            body: digest_body(self.body.as_bytes()),
            attributes: attributes_md5,
            system_attributes: digest_attributes(system_attribute),
        };
        let size_bytes = self.size_bytes();
        let deduplicates_by_content = queue.attributes.is_fifo() && self.deduplication_id.is_none();
        let deduplication_id = match self.deduplication_id {
            Some(id) => id.into_string(),
            None if deduplicates_by_content => hex(&Sha256::digest(self.body.as_bytes())),
            None => String::new(),
        };
        let entry = SendEntry {
            body: self.body.into_bytes(source),
            body_md5: digests.body,
            attributes: encoded.unwrap_or_default(),
            size_bytes,
            delay_seconds,
            deliver_at,
            group_id: self.group_id.map(Text::into_string).unwrap_or_default(),
            deduplication_id,
            deduplicates_by_content,
            trace_header,
        };
        Ok((entry, digests))
    }

    /// A FIFO queue takes a delay of zero and ignores it.
    fn check_delay(&self, queue: &QueueInfo) -> Result<Option<u32>, ApiError> {
        let delay_seconds = check_delay_seconds(self.delay_seconds)?;
        if !queue.attributes.is_fifo() {
            return Ok(delay_seconds);
        }
        match delay_seconds {
            None | Some(0) => Ok(None),
            Some(value) => Err(ApiError::invalid(value, "DelaySeconds", WRONG_QUEUE_TYPE)),
        }
    }

    fn check_ids(&self, queue: &QueueInfo) -> Result<(), ApiError> {
        if let Some(id) = &self.group_id {
            check_identifier(id, "MessageGroupId", GROUP_ID_RULE)?;
        }
        if let Some(id) = &self.deduplication_id {
            let parameter = "MessageDeduplicationId";
            if !queue.attributes.is_fifo() {
                return Err(ApiError::invalid(id.as_str(), parameter, WRONG_QUEUE_TYPE));
            }
            check_identifier(id, parameter, DEDUPLICATION_ID_RULE)?;
        }
        Ok(())
    }
}

/// The time that the attributes name takes the place of every delay, so another one of the same
/// message contradicts it. A delay of zero is what clients send who mean none.
fn check_deliver_at(
    queue: &QueueInfo,
    attributes: &[Attribute<'_>],
    delay_seconds: Option<u32>,
) -> Result<Option<Timestamp>, ApiError> {
    let Some(deliver_at) = deliver_at_of(attributes)? else {
        return Ok(None);
    };
    if queue.attributes.is_fifo() {
        let reason = WRONG_QUEUE_TYPE;
        return Err(ApiError::invalid(deliver_at.text, DELIVER_AT, reason));
    }
    match delay_seconds {
        None | Some(0) => Ok(Some(deliver_at.at)),
        Some(value) => Err(ApiError::invalid(value, "DelaySeconds", TWO_DELAYS)),
    }
}
