//! Looks at what a replica has stored, page by page.

use squorum_queue::{PartitionStatus, PeekBounds, PeekedRow, StoredMessage, peek};
use squorum_store::View;
use squorum_types::service::{MessageState, PeekPlace};
use squorum_types::{PartitionId, Timestamp};

use crate::model::{Partition, State};
use crate::replica::SHARD;
use crate::run::same;

const STATES: [MessageState; 3] = [
    MessageState::Visible,
    MessageState::InFlight,
    MessageState::Delayed,
];

/// Every message of a state, in pages of changing sizes.
fn peek_all<V: View>(
    view: &V,
    id: PartitionId,
    state: MessageState,
    mut size: usize,
) -> Result<Vec<PeekedRow>, String> {
    let mut found = Vec::new();
    let mut place: Option<PeekPlace> = None;
    loop {
        size += 1;
        let bounds = PeekBounds {
            messages: 1 + size % 9,
            rows: 1 + size % 31,
            bytes: 1 + size * 31 % 2_000,
        };
        let page = peek(view, SHARD, id, state, place, bounds).unwrap();
        if page.messages.len() > bounds.messages || page.rows > bounds.rows {
            return Err(format!("a page beyond {bounds:?}: {page:?}"));
        }
        found.extend(page.messages);
        let next = page.next;
        if next.is_none() {
            return Ok(found);
        }
        if next <= place {
            return Err(format!("after {place:?} comes {next:?}"));
        }
        place = next;
    }
}

/// Holds what is found in every state against the counts, and against the reference if there is one.
pub(crate) fn check_peek<V: View>(
    view: &V,
    id: PartitionId,
    status: &PartitionStatus,
    reference: Option<(&Partition, u64)>,
    size: usize,
) -> Result<(), String> {
    let counts = [status.visible, status.in_flight, status.delayed];
    for (state, count) in STATES.into_iter().zip(counts) {
        let what = format!("{state:?} messages of {id}");
        let found = peek_all(view, id, state, size)?;
        same(&format!("number of {what}"), &count, &(found.len() as u64))?;
        if let Some((partition, delay_ms)) = reference {
            same(&what, &expected(partition, state, delay_ms), &found)?;
        }
    }
    Ok(())
}

fn expected(partition: &Partition, state: MessageState, delay_ms: u64) -> Vec<PeekedRow> {
    let mut messages: Vec<_> = partition.messages().iter().collect();
    messages.sort_by_key(|message| (message.lane, message.seq));
    let rows = messages.into_iter().filter_map(|message| {
        let (its_state, visible_at_ms) = match message.state {
            // Only while a command runs.
            State::Chosen => return None,
            State::Visible => (MessageState::Visible, None),
            State::InFlight(deadline_ms) => (MessageState::InFlight, Some(deadline_ms)),
            State::Delayed(until_ms) => (MessageState::Delayed, Some(until_ms)),
            State::Immature => {
                let mature_at_ms = message.sent_at_ms + delay_ms;
                (MessageState::Delayed, Some(mature_at_ms))
            }
        };
        let was_received = message.receive_count > 0;
        (its_state == state).then(|| PeekedRow {
            place: PeekPlace {
                generation: partition.purges,
                priority: 0,
                lane: message.lane,
                seq: message.seq,
            },
            message: StoredMessage {
                seq: message.seq,
                sent_at: Timestamp(message.sent_at_ms),
                envelope: message.envelope.clone(),
            },
            receive_count: message.receive_count,
            first_received_at: was_received.then_some(Timestamp(message.first_received_at_ms)),
            visible_at: visible_at_ms.map(Timestamp),
        })
    });
    rows.collect()
}
