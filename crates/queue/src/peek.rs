//! Looks at a partition's messages without receiving them: reads a view, and leaves nothing behind.
//!
//! The walk goes through the message table in the order of its keys, so a message has one place for as
//! long as it is stored, and pages neither repeat nor miss what stays. What a message's state is, its
//! delivery row and the delay index say, as everywhere; see [`crate::partition`].

use std::ops::Range;

use bytes::{BufMut, Bytes};
use squorum_proto::queue::{DeliveryRow, PartitionRow, QueueSettings};
use squorum_store::{Cursor, StoreError, View};
use squorum_types::service::{MessageState, PeekPlace};
use squorum_types::{PartitionId, ShardId, Timestamp};

use crate::keys::{DELAYED_LANE, GenerationKeys, ORDINARY_LANE, ShardKeys, Table};
use crate::rows::{self, corrupt};
use crate::stored_message::{MessageHead, StoredMessage};

/// What ends one look, whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct PeekBounds {
    /// Messages to answer.
    pub messages: usize,
    /// Messages to look at, whatever their state.
    pub rows: usize,
    /// Bytes of the messages looked at; the last one may go beyond.
    pub bytes: usize,
}

/// A message of the state that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeekedRow {
    pub place: PeekPlace,
    pub message: StoredMessage,
    pub receive_count: u64,
    /// `None` if it was never received.
    pub first_received_at: Option<Timestamp>,
    /// When it becomes visible by itself; `None` if it is.
    pub visible_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peeked {
    pub messages: Vec<PeekedRow>,
    /// Where the next look begins; `None` after the last message.
    pub next: Option<PeekPlace>,
    pub rows: usize,
}

/// Messages of one state from a place on; from the first one on where there is no place, or where a
/// purge has removed what it was among.
pub fn peek<V: View>(
    view: &V,
    shard: ShardId,
    partition: PartitionId,
    state: MessageState,
    from: Option<PeekPlace>,
    bounds: PeekBounds,
) -> Result<Peeked, StoreError> {
    let keys = ShardKeys::new(shard);
    let Some(row) = rows::get::<PartitionRow, _>(view, &keys.partition(partition))? else {
        return Ok(Peeked::default());
    };
    let queue = crate::queues::read(view, keys, partition.queue)?;
    let settings = queue.and_then(|queue| queue.settings).unwrap_or_default();
    let walk = Walk {
        view,
        keys: keys.generation(partition, row.generation),
        row,
        settings,
        state,
    };
    walk.run(from, bounds)
}

struct Walk<'a, V> {
    view: &'a V,
    keys: GenerationKeys,
    row: PartitionRow,
    settings: QueueSettings,
    state: MessageState,
}

impl<V: View> Walk<'_, V> {
    fn run(&self, from: Option<PeekPlace>, bounds: PeekBounds) -> Result<Peeked, StoreError> {
        let from = from.filter(|place| place.generation == self.row.generation);
        let mut peeked = Peeked::default();
        let mut bytes = 0;
        for range in self.ranges() {
            let start = match from {
                Some(place) => range.start.max(self.key(place)),
                None => range.start,
            };
            let mut cursor = self.view.scan(&start..&range.end)?;
            while let Some((key, _)) = cursor.next()? {
                let place = self.place_of(key)?;
                if peeked.messages.len() >= bounds.messages
                    || peeked.rows >= bounds.rows
                    || bytes >= bounds.bytes
                {
                    peeked.next = Some(place);
                    return Ok(peeked);
                }
                let row = cursor.value_bytes();
                let row = row.ok_or_else(|| corrupt("message table"))?;
                peeked.rows += 1;
                bytes += row.len();
                peeked.messages.extend(self.look(place, row)?);
            }
        }
        Ok(peeked)
    }

    /// The parts of the message table where messages of the state can be, in order. No message lies
    /// below the head in any lane; the scans of the two lanes that every partition has begin there.
    fn ranges(&self) -> [Range<Bytes>; 3] {
        let (head, end) = (self.row.head_seq, u64::MAX);
        let mature = self.row.mature_seq.max(head);
        let ordinary = match (self.settings.fifo, self.state) {
            (true, MessageState::Delayed) => mature..end,
            (true, _) => head..mature,
            (false, MessageState::Visible) => head..end,
            (false, MessageState::InFlight) => head..self.row.cursor_seq.max(head),
            (false, MessageState::Delayed) => head..head,
        };
        let delayed = self.keys.message(DELAYED_LANE, head);
        [
            self.keys.message(ORDINARY_LANE, ordinary.start)
                ..self.keys.message(ORDINARY_LANE, ordinary.end),
            self.keys.message(ORDINARY_LANE + 1, 0)..self.keys.message(DELAYED_LANE, 0),
            delayed..self.keys.table(Table::Message).end,
        ]
    }

    /// The message, if it is in the state that was asked for.
    fn look(&self, place: PeekPlace, row: Bytes) -> Result<Option<PeekedRow>, StoreError> {
        let (head, _) = MessageHead::decode(&row)?;
        let fifo = self.settings.fifo;
        let is_untouched = !fifo && place.lane == ORDINARY_LANE && place.seq >= self.row.cursor_seq;
        let delivery: Option<DeliveryRow> = if is_untouched {
            None
        } else {
            rows::get(self.view, &self.keys.delivery(place.seq))?
        };
        let deadline_ms = delivery.as_ref().map_or(0, |delivery| delivery.deadline_ms);
        let (state, visible_at) = if deadline_ms > 0 {
            (MessageState::InFlight, Some(Timestamp(deadline_ms)))
        } else if fifo && place.seq >= self.row.mature_seq {
            let mature_at = head.sent_at.plus_ms(self.settings.delay_ms);
            (MessageState::Delayed, Some(mature_at))
        } else if delivery.is_none() && self.is_delayed(place, &head)? {
            (MessageState::Delayed, Some(head.due))
        } else {
            (MessageState::Visible, None)
        };
        if state != self.state {
            return Ok(None);
        }
        let receive_count = delivery
            .as_ref()
            .map_or(0, |delivery| delivery.receive_count);
        let first_received_at = delivery.map(|delivery| delivery.first_received_at_ms);
        Ok(Some(PeekedRow {
            place,
            message: StoredMessage::decode(place.seq, row)?,
            receive_count,
            first_received_at: first_received_at
                .filter(|_| receive_count > 0)
                .map(Timestamp),
            visible_at,
        }))
    }

    /// Whether the delay index has a message that was never received.
    fn is_delayed(&self, place: PeekPlace, head: &MessageHead) -> Result<bool, StoreError> {
        if head.due <= head.sent_at {
            return Ok(false);
        }
        let mut key = self.keys.start(Table::Delay);
        key.put_u64(head.due.0);
        key.put_u64(place.seq);
        self.view.contains(&key)
    }

    fn key(&self, place: PeekPlace) -> Bytes {
        let mut key = self.keys.start(Table::Message);
        key.put_u8(place.priority);
        key.put_u32(place.lane);
        key.put_u64(place.seq);
        key.freeze()
    }

    fn place_of(&self, key: &[u8]) -> Result<PeekPlace, StoreError> {
        let place = || {
            let (priority, rest) = key.get(GenerationKeys::PREFIX_BYTES..)?.split_first()?;
            let (lane, seq) = rest.split_first_chunk::<4>()?;
            Some(PeekPlace {
                generation: self.row.generation,
                priority: *priority,
                lane: u32::from_be_bytes(*lane),
                seq: u64::from_be_bytes(*seq.first_chunk::<8>()?),
            })
        };
        place().ok_or_else(|| corrupt("message key"))
    }
}
