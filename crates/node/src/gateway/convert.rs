//! The messages' typed forms.

use prost::Message;
use squorum_proto::gateway::submit_response::Result as SubmitResult;
use squorum_proto::gateway::{self as proto, command_outcome};
use squorum_proto::queue::Command;
use squorum_queue::StoredMessage;
use squorum_types::{NodeId, PartitionId, ShardId, Timestamp};

use crate::shard::batch::{Batch, FreshReceive, SubmitError, Submitted, SubmittedBatch};
use crate::shard::numbers::Acknowledgement;

pub(super) fn submit_request(shard: ShardId, batch: &Batch) -> proto::SubmitRequest {
    let fresh = batch.fresh_receives.iter();
    let fresh = fresh.map(|fresh| proto::FreshReceive {
        position: u32::try_from(fresh.position).unwrap_or(u32::MAX),
        partition: Some(fresh.partition.into()),
    });
    proto::SubmitRequest {
        shard: shard.0.into(),
        session: batch.session,
        acknowledged_below: batch.acknowledgement.below,
        acknowledged: batch.acknowledgement.ranges.clone(),
        commands: batch.commands.clone(),
        fresh_receives: fresh.collect(),
    }
}

/// What a request asks for; `Err` says what is wrong with it. Commands that cannot be decoded must
/// not reach the log: every replica would stop at them.
pub(super) fn batch(request: proto::SubmitRequest) -> Result<(ShardId, Batch), &'static str> {
    let shard = u16::try_from(request.shard).map_err(|_| "shard")?;
    for command in &request.commands {
        let command = Command::decode(command.clone()).map_err(|_| "command")?;
        if command.operation.is_none() {
            return Err("command");
        }
    }
    let fresh = request.fresh_receives.into_iter().map(|fresh| {
        let position = fresh.position as usize;
        let partition = fresh.partition.as_ref();
        let partition = partition.and_then(|partition| PartitionId::try_from(partition).ok());
        match partition {
            Some(partition) if position < request.commands.len() => Ok(FreshReceive {
                position,
                partition,
            }),
            _ => Err("fresh receive"),
        }
    });
    let batch = Batch {
        session: request.session,
        acknowledgement: Acknowledgement {
            below: request.acknowledged_below,
            ranges: request.acknowledged,
        },
        fresh_receives: fresh.collect::<Result<_, _>>()?,
        commands: request.commands,
    };
    Ok((ShardId(shard), batch))
}

pub(super) fn submit_response(answers: SubmittedBatch) -> proto::SubmitResponse {
    let result = match answers {
        Ok(answers) => SubmitResult::Outcomes(proto::CommandOutcomes {
            outcomes: answers.into_iter().map(command_outcome).collect(),
        }),
        Err(SubmitError::NotLeader { leader }) => {
            SubmitResult::NotLeader(not_leader_message(leader))
        }
        Err(SubmitError::Stopped) => SubmitResult::NotLeader(not_leader_message(None)),
        Err(SubmitError::OutcomeUnknown) => SubmitResult::OutcomeUnknown(proto::OutcomeUnknown {}),
    };
    proto::SubmitResponse {
        result: Some(result),
    }
}

fn command_outcome(answer: Submitted) -> proto::CommandOutcome {
    match answer {
        Submitted::Applied { outcome, messages } => proto::CommandOutcome {
            result: Some(command_outcome::Result::Outcome(outcome)),
            messages: messages.into_iter().map(message_of).collect(),
        },
        Submitted::NothingThere { log_index } => proto::CommandOutcome {
            result: Some(command_outcome::Result::NothingThere(proto::NothingThere {
                log_index,
            })),
            messages: Vec::new(),
        },
        Submitted::LeftOut => proto::CommandOutcome {
            result: Some(command_outcome::Result::LeftOut(proto::LeftOut {})),
            messages: Vec::new(),
        },
    }
}

/// The answers to `count` commands. Anything that makes no sense is an unknown outcome.
pub(super) fn answers(result: Option<SubmitResult>, count: usize) -> SubmittedBatch {
    match result {
        Some(SubmitResult::Outcomes(outcomes)) if outcomes.outcomes.len() == count => outcomes
            .outcomes
            .into_iter()
            .map(|outcome| submitted(outcome).ok_or(SubmitError::OutcomeUnknown))
            .collect(),
        Some(SubmitResult::NotLeader(hint)) => Err(not_leader(&hint)),
        Some(SubmitResult::Outcomes(_) | SubmitResult::OutcomeUnknown(_)) | None => {
            Err(SubmitError::OutcomeUnknown)
        }
    }
}

fn submitted(outcome: proto::CommandOutcome) -> Option<Submitted> {
    Some(match outcome.result? {
        command_outcome::Result::Outcome(applied) => Submitted::Applied {
            outcome: applied,
            messages: outcome.messages.into_iter().map(stored_message).collect(),
        },
        command_outcome::Result::NothingThere(nothing) => Submitted::NothingThere {
            log_index: nothing.log_index,
        },
        command_outcome::Result::LeftOut(_) => Submitted::LeftOut,
    })
}

pub(super) fn message_of(message: StoredMessage) -> proto::StoredMessage {
    proto::StoredMessage {
        seq: message.seq,
        sent_at_ms: message.sent_at.0,
        envelope: message.envelope,
    }
}

pub(super) fn stored_message(message: proto::StoredMessage) -> StoredMessage {
    StoredMessage {
        seq: message.seq,
        sent_at: Timestamp(message.sent_at_ms),
        envelope: message.envelope,
    }
}

pub(super) fn not_leader(hint: &proto::NotLeader) -> SubmitError {
    SubmitError::NotLeader {
        leader: hint.leader.map(NodeId),
    }
}

pub(super) fn not_leader_message(leader: Option<NodeId>) -> proto::NotLeader {
    proto::NotLeader {
        leader: leader.map(|leader| leader.0),
    }
}
