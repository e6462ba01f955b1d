use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{NewMessage, Outcome, Refusal, Send, Sent, SentMessage};
use squorum_store::{StoreError, Txn};
use squorum_types::Timestamp;

use super::refused;
use crate::keys::{DELAYED_LANE, ORDINARY_LANE};
use crate::partition::Partition;
use crate::step::Step;
use crate::stored_message::MessageHead;

const GROUP_ID_BYTES_MAX: usize = 128;

/// Stores messages, each unless its deduplication hash is remembered.
pub(super) fn run<T: Txn>(
    partition: &mut Partition,
    step: &mut Step<'_, T>,
    send: &Send,
) -> Result<Outcome, StoreError> {
    if !send
        .messages
        .iter()
        .all(|message| well_formed(message, step.settings.fifo))
    {
        return Ok(refused(Refusal::Malformed));
    }
    partition.advance(step)?;
    let mut messages = Vec::with_capacity(send.messages.len());
    for message in &send.messages {
        messages.push(send_one(partition, step, message)?);
    }
    Ok(Outcome {
        kind: Some(Kind::Sent(Sent { messages })),
    })
}

fn well_formed(message: &NewMessage, fifo: bool) -> bool {
    let fifo_fields = !message.group_id.is_empty()
        && message.group_id.len() <= GROUP_ID_BYTES_MAX
        && !message.group_id.contains('\0')
        && message.deduplication_hash.len() == 16;
    message.id.len() == 16 && (!fifo || fifo_fields)
}

fn send_one<T: Txn>(
    partition: &mut Partition,
    step: &mut Step<'_, T>,
    message: &NewMessage,
) -> Result<SentMessage, StoreError> {
    let fifo = step.settings.fifo;
    let hash = message
        .deduplication_hash
        .first_chunk::<16>()
        .copied()
        .filter(|_| fifo);
    let record = match hash {
        Some(hash) => partition.deduplication_record(step, hash)?,
        None => None,
    };
    if let Some(first) = &record
        && first.expires_at_ms > step.now.0
    {
        return Ok(SentMessage {
            seq: first.seq,
            duplicate_of: first.id.clone(),
        });
    }
    let seq = partition.take_seq();
    let sent_at = partition.send_time(step);
    let due = due_of(message, fifo, sent_at);
    let is_delayed = due > sent_at;
    let tenant = if fifo { 0 } else { message.tenant };
    let lane = if is_delayed || tenant != 0 {
        DELAYED_LANE
    } else {
        ORDINARY_LANE
    };
    let group_id = if fifo {
        message.group_id.clone()
    } else {
        String::new()
    };
    let head = MessageHead {
        sent_at,
        due,
        group_id,
        tenant,
    };
    step.txn.put_bytes(
        partition.keys.message(lane, seq),
        head.encode(&message.envelope),
    );
    if let Some(hash) = hash {
        partition.remember_deduplication(step, hash, record, seq, message.id.clone());
        partition.join_group(step, &head.group_id, seq)?;
    } else if is_delayed {
        partition.insert_delayed(step, due.0, seq, tenant);
    } else {
        partition.show_new(step, seq, tenant)?;
    }
    Ok(SentMessage {
        seq,
        duplicate_of: bytes::Bytes::new(),
    })
}

/// When a message becomes visible that is sent at `sent_at`, and not before that.
fn due_of(message: &NewMessage, fifo: bool, sent_at: Timestamp) -> Timestamp {
    match (fifo, message.deliver_at_ms) {
        (true, _) => sent_at,
        (false, 0) => sent_at.plus_ms(message.delay_ms),
        (false, deliver_at_ms) => sent_at.max(Timestamp(deliver_at_ms)),
    }
}
