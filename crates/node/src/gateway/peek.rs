//! Looks at messages, in the words of the wire and in ours.

use squorum_proto::gateway as proto;
use squorum_queue::{Peeked, PeekedRow};
use squorum_types::service::{MessageState, PeekPlace};
use squorum_types::{PartitionId, Timestamp};

use super::convert::{message_of, stored_message};

/// A look at one partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeekQuestion {
    pub(crate) partition: PartitionId,
    pub(crate) state: MessageState,
    pub(crate) from: Option<PeekPlace>,
    /// At most.
    pub(crate) count_max: usize,
}

impl From<PeekQuestion> for proto::PeekRequest {
    fn from(question: PeekQuestion) -> proto::PeekRequest {
        let state = match question.state {
            MessageState::Visible => proto::MessageState::Visible,
            MessageState::InFlight => proto::MessageState::InFlight,
            MessageState::Delayed => proto::MessageState::Delayed,
        };
        proto::PeekRequest {
            partition: Some(question.partition.into()),
            state: state.into(),
            from: question.from.map(place_message),
            count_max: u32::try_from(question.count_max).unwrap_or(u32::MAX),
        }
    }
}

/// What a request asks for; `Err` says what is wrong with it.
pub(super) fn question(request: &proto::PeekRequest) -> Result<PeekQuestion, &'static str> {
    let partition = request.partition.as_ref().ok_or("partition")?;
    let state = match request.state() {
        proto::MessageState::Visible => MessageState::Visible,
        proto::MessageState::InFlight => MessageState::InFlight,
        proto::MessageState::Delayed => MessageState::Delayed,
        proto::MessageState::Unspecified => return Err("state"),
    };
    Ok(PeekQuestion {
        partition: PartitionId::try_from(partition).map_err(|_| "partition")?,
        state,
        from: request.from.map(place).transpose()?,
        count_max: request.count_max as usize,
    })
}

pub(super) fn answer(peeked: Peeked) -> proto::PeekedMessages {
    let messages = peeked.messages.into_iter().map(|row| proto::PeekedMessage {
        message: Some(message_of(row.message)),
        receive_count: row.receive_count,
        first_received_at_ms: row.first_received_at.map(|at| at.0),
        visible_at_ms: row.visible_at.map(|at| at.0),
        place: Some(place_message(row.place)),
    });
    proto::PeekedMessages {
        messages: messages.collect(),
        next: peeked.next.map(place_message),
        looked_at: u32::try_from(peeked.rows).unwrap_or(u32::MAX),
    }
}

/// `None` if the answer makes no sense.
pub(super) fn peeked(answer: proto::PeekedMessages) -> Option<Peeked> {
    let messages = answer.messages.into_iter().map(|peeked| {
        Some(PeekedRow {
            place: place(peeked.place?).ok()?,
            message: stored_message(peeked.message?),
            receive_count: peeked.receive_count,
            first_received_at: peeked.first_received_at_ms.map(Timestamp),
            visible_at: peeked.visible_at_ms.map(Timestamp),
        })
    });
    Some(Peeked {
        messages: messages.collect::<Option<_>>()?,
        next: answer.next.map(place).transpose().ok()?,
        rows: answer.looked_at as usize,
    })
}

fn place_message(place: PeekPlace) -> proto::PeekPlace {
    proto::PeekPlace {
        generation: place.generation,
        priority: place.priority.into(),
        lane: place.lane,
        seq: place.seq,
    }
}

fn place(place: proto::PeekPlace) -> Result<PeekPlace, &'static str> {
    Ok(PeekPlace {
        generation: place.generation,
        priority: u8::try_from(place.priority).map_err(|_| "place")?,
        lane: place.lane,
        seq: place.seq,
    })
}
