//! A message as it travels and lies.

use bytes::Bytes;

use crate::MessageId;

/// The first 16 bytes of SHA-256 over a deduplication id, with the message group before it where
/// the scope is the group. Two ids with one hash would be one message; at 128 bits that does not
/// happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeduplicationHash(pub [u8; 16]);

impl DeduplicationHash {
    pub fn new(group_id: Option<&str>, deduplication_id: &str) -> DeduplicationHash {
        use sha2::{Digest, Sha256};
        let mut hasher = Sha256::new();
        if let Some(group_id) = group_id {
            // Ids have no NUL, so the border cannot be moved.
            hasher.update(group_id.as_bytes());
            hasher.update([0]);
        }
        hasher.update(deduplication_id.as_bytes());
        let digest = hasher.finalize();
        let mut hash = [0; 16];
        hash.copy_from_slice(&digest[..16]);
        DeduplicationHash(hash)
    }
}

/// The tenant of a standard queue that a message group's id names there: the first 4 bytes of SHA-256
/// over the id, and 0 if there is no id. Two tenants with one hash are judged as one. Part of the
/// persisted format: never change.
pub fn tenant_of(group_id: &str) -> u32 {
    use sha2::{Digest, Sha256};
    if group_id.is_empty() {
        return 0;
    }
    let digest = Sha256::digest(group_id.as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]).max(1)
}

/// Everything of a message that no operation changes. The state machine never looks into `body` and
/// `attributes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageEnvelope {
    pub id: MessageId,
    /// The text as sent; later perhaps a ciphertext under `key_id`.
    pub body: Bytes,
    /// MD5 of the body as sent, computed once.
    pub body_md5: [u8; 16],
    /// The message attributes in the front end's own encoding; empty when there are none.
    pub attributes: Bytes,
    /// Names the key of an encrypted body; empty for plain text.
    pub key_id: String,
    /// `MessageGroupId`: the group of a FIFO queue, the tenant of a standard one; empty if none.
    pub group_id: String,
    /// `MessageDeduplicationId` as shown to receivers; empty if none.
    pub deduplication_id: String,
    /// `AWSTraceHeader`; empty if none.
    pub trace_header: String,
    /// `SenderId`.
    pub sender_id: String,
    /// ARN of the queue that a dead letter came from; empty if none.
    pub dead_letter_source: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages that wait in standard queues are found by it.
    #[test]
    fn the_tenant_of_a_group_never_changes() {
        assert_eq!(tenant_of(""), 0);
        assert_eq!(tenant_of("tenant-a"), 0x80a7_07af);
    }
}
