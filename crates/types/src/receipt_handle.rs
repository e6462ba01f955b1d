//! Receipt handles: opaque to clients, they name the delivery and find the way by themselves.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::{PartitionId, QueueId};

/// One delivery of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptHandle {
    pub partition: PartitionId,
    /// The message's position in its partition.
    pub seq: u64,
    /// Counts the deliveries of a shard and never repeats. Not the receive count: a receive that
    /// was undone must not make an old handle valid again.
    pub delivery_number: u64,
}

/// The cluster's secret under which handles are made, so that nobody guesses one.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiptHandleKey(pub [u8; 32]);

impl std::fmt::Debug for ReceiptHandleKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReceiptHandleKey(secret)")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a receipt handle of this cluster")]
pub struct ReceiptHandleError;

const VERSION: u8 = 1;
const FIELDS_BYTES: usize = 1 + 8 + 2 + 8 + 8;
const CHECK_BYTES: usize = 12;

impl ReceiptHandle {
    /// Text of 52 characters.
    pub fn encode(&self, key: &ReceiptHandleKey) -> String {
        let mut bytes = [0; FIELDS_BYTES + CHECK_BYTES];
        bytes[0] = VERSION;
        bytes[1..9].copy_from_slice(&self.partition.queue.0.to_be_bytes());
        bytes[9..11].copy_from_slice(&self.partition.index.to_be_bytes());
        bytes[11..19].copy_from_slice(&self.seq.to_be_bytes());
        bytes[19..27].copy_from_slice(&self.delivery_number.to_be_bytes());
        let check = check(key, &bytes[..FIELDS_BYTES]);
        bytes[FIELDS_BYTES..].copy_from_slice(&check);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub fn decode(text: &str, key: &ReceiptHandleKey) -> Result<ReceiptHandle, ReceiptHandleError> {
        let mut bytes = [0; FIELDS_BYTES + CHECK_BYTES];
        let length = URL_SAFE_NO_PAD
            .decode_slice(text, &mut bytes)
            .map_err(|_| ReceiptHandleError)?;
        let whole = length == bytes.len() && bytes[0] == VERSION;
        if !whole || bytes[FIELDS_BYTES..] != check(key, &bytes[..FIELDS_BYTES]) {
            return Err(ReceiptHandleError);
        }
        let u64_at = |start: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&bytes[start..start + 8]);
            u64::from_be_bytes(field)
        };
        let queue = QueueId(u64_at(1));
        let index = u16::from_be_bytes([bytes[9], bytes[10]]);
        Ok(ReceiptHandle {
            partition: PartitionId { queue, index },
            seq: u64_at(11),
            delivery_number: u64_at(19),
        })
    }
}

/// Truncated SHA-256 of key and fields. Both have fixed lengths, so extending is no attack.
fn check(key: &ReceiptHandleKey, fields: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new()
        .chain_update(key.0)
        .chain_update(fields)
        .finalize();
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&digest[..CHECK_BYTES]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDLE: ReceiptHandle = ReceiptHandle {
        partition: PartitionId {
            queue: QueueId(7),
            index: 3,
        },
        seq: 42,
        delivery_number: 99,
    };

    #[test]
    fn golden() {
        let text = HANDLE.encode(&ReceiptHandleKey([5; 32]));
        assert_eq!(text, "AQAAAAAAAAAHAAMAAAAAAAAAKgAAAAAAAABjBOCshV0q22O6JUkz");
    }

    #[test]
    fn comes_back_and_refuses_what_was_touched() {
        let key = ReceiptHandleKey([5; 32]);
        let text = HANDLE.encode(&key);
        assert_eq!(ReceiptHandle::decode(&text, &key), Ok(HANDLE));
        assert!(ReceiptHandle::decode(&text, &ReceiptHandleKey([6; 32])).is_err());
        for position in 0..text.len() {
            let mut touched = text.clone().into_bytes();
            touched[position] = if touched[position] == b'A' {
                b'B'
            } else {
                b'A'
            };
            let touched = String::from_utf8_lossy(&touched).into_owned();
            assert!(ReceiptHandle::decode(&touched, &key).is_err(), "{position}");
        }
        for garbage in ["", "garbage", &text[1..], &format!("{text}A")] {
            assert!(ReceiptHandle::decode(garbage, &key).is_err());
        }
    }
}
