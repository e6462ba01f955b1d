//! A message's row: a short head that the state machine reads, then the envelope that it does not.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use squorum_store::{StoreError, View};
use squorum_types::{PartitionId, ShardId, Timestamp};

use crate::keys::{GenerationKeys, ShardKeys};
use crate::partition::generation_of;
use crate::rows::corrupt;

const VERSION: u8 = 1;
/// The tenant follows the message group.
const VERSION_WITH_TENANT: u8 = 2;
const TENANT_BYTES: usize = 4;
const FIXED_BYTES: usize = 1 + 8 + 8 + 1;

/// A message as stored, for whoever answers a receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    pub seq: u64,
    pub sent_at: Timestamp,
    /// A `MessageEnvelope`.
    pub envelope: Bytes,
}

/// What the state machine reads of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MessageHead {
    pub(crate) sent_at: Timestamp,
    /// When the delay that it was sent with ends; `sent_at` if it had none.
    pub(crate) due: Timestamp,
    /// FIFO only; else empty. At most 128 bytes.
    pub(crate) group_id: String,
    /// Standard only; 0 if there is none.
    pub(crate) tenant: u32,
}

impl MessageHead {
    pub(crate) fn encode(&self, envelope: &[u8]) -> Bytes {
        let group_bytes = u8::try_from(self.group_id.len()).expect("group ids have ≤ 128 bytes");
        let length = FIXED_BYTES + self.group_id.len() + TENANT_BYTES + envelope.len();
        let mut row = BytesMut::with_capacity(length);
        row.put_u8(if self.tenant == 0 {
            VERSION
        } else {
            VERSION_WITH_TENANT
        });
        row.put_u64(self.sent_at.0);
        row.put_u64(self.due.0);
        row.put_u8(group_bytes);
        row.put_slice(self.group_id.as_bytes());
        if self.tenant != 0 {
            row.put_u32(self.tenant);
        }
        row.put_slice(envelope);
        row.freeze()
    }

    /// The head, and where the envelope starts.
    pub(crate) fn decode(mut row: &[u8]) -> Result<(MessageHead, usize), StoreError> {
        if row.len() < FIXED_BYTES || ![VERSION, VERSION_WITH_TENANT].contains(&row[0]) {
            return Err(corrupt("message row"));
        }
        let has_tenant = row.get_u8() == VERSION_WITH_TENANT;
        let sent_at = Timestamp(row.get_u64());
        let due = Timestamp(row.get_u64());
        let group_bytes = usize::from(row.get_u8());
        let group = row
            .get(..group_bytes)
            .ok_or_else(|| corrupt("message row"))?;
        let group_id = String::from_utf8(group.to_vec()).map_err(|_| corrupt("message row"))?;
        let mut envelope_start = FIXED_BYTES + group_bytes;
        let mut tenant = 0;
        if has_tenant {
            let bytes = row[group_bytes..].first_chunk::<TENANT_BYTES>();
            tenant = u32::from_be_bytes(*bytes.ok_or_else(|| corrupt("message row"))?);
            envelope_start += TENANT_BYTES;
        }
        let head = MessageHead {
            sent_at,
            due,
            group_id,
            tenant,
        };
        Ok((head, envelope_start))
    }
}

impl StoredMessage {
    pub(crate) fn decode(seq: u64, row: Bytes) -> Result<StoredMessage, StoreError> {
        let (head, envelope_start) = MessageHead::decode(&row)?;
        let envelope = row.slice(envelope_start..);
        Ok(StoredMessage {
            seq,
            sent_at: head.sent_at,
            envelope,
        })
    }
}

/// Reads a message that an outcome names; `None` if it is gone.
pub fn read_message<V: View>(
    view: &V,
    shard: ShardId,
    partition: PartitionId,
    lane: u32,
    seq: u64,
) -> Result<Option<StoredMessage>, StoreError> {
    let keys = ShardKeys::new(shard);
    let Some(generation) = generation_of(view, keys, partition)? else {
        return Ok(None);
    };
    read_in(view, keys.generation(partition, generation), lane, seq)
}

/// The same in a generation that is known.
pub(crate) fn read_in<V: View>(
    view: &V,
    keys: GenerationKeys,
    lane: u32,
    seq: u64,
) -> Result<Option<StoredMessage>, StoreError> {
    let row = view.get(&keys.message(lane, seq))?;
    row.map(|row| StoredMessage::decode(seq, row)).transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn golden() {
        let head = MessageHead {
            sent_at: Timestamp(1),
            due: Timestamp(2),
            group_id: "g".to_owned(),
            tenant: 0,
        };
        let row = head.encode(b"envelope");
        assert_eq!(
            &row[..],
            b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\x01genvelope"
        );
        assert_eq!(MessageHead::decode(&row).unwrap(), (head, 19));
        for cut in 0..19 {
            assert!(MessageHead::decode(&row[..cut]).is_err());
        }
        let head = MessageHead {
            sent_at: Timestamp(1),
            due: Timestamp(2),
            group_id: String::new(),
            tenant: 3,
        };
        let row = head.encode(b"envelope");
        assert_eq!(
            &row[..],
            b"\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\x03envelope"
        );
        assert_eq!(MessageHead::decode(&row).unwrap(), (head, 22));
        for cut in 0..22 {
            assert!(MessageHead::decode(&row[..cut]).is_err());
        }
    }
}
