//! Outcomes in short.

use squorum_proto::queue as proto;
use squorum_proto::queue::outcome::Kind;

fn outcome(kind: Kind) -> proto::Outcome {
    proto::Outcome { kind: Some(kind) }
}

pub(crate) fn done() -> proto::Outcome {
    outcome(Kind::Done(proto::Done {}))
}

pub(crate) fn released() -> proto::Outcome {
    outcome(Kind::Released(proto::Done {}))
}

pub(crate) fn refused(refusal: proto::Refusal) -> proto::Outcome {
    refused_version(refusal, 0)
}

pub(crate) fn refused_version(refusal: proto::Refusal, version: u64) -> proto::Outcome {
    outcome(Kind::Refused(proto::Refused {
        refusal: refusal.into(),
        version,
    }))
}

pub(crate) fn sent(messages: impl Iterator<Item = proto::SentMessage>) -> proto::Outcome {
    outcome(Kind::Sent(proto::Sent {
        messages: messages.collect(),
    }))
}

pub(crate) fn received(
    messages: Vec<proto::DeliveredMessage>,
    receive: &proto::Receive,
) -> proto::Outcome {
    let (attempt_hash, partition) = (receive.attempt_hash.clone(), receive.partition);
    received_of(proto::Received {
        messages,
        attempt_hash,
        partition,
    })
}

pub(crate) fn received_of(received: proto::Received) -> proto::Outcome {
    outcome(Kind::Received(received))
}

pub(crate) fn results(results: impl Iterator<Item = proto::EntryResult>) -> proto::Outcome {
    let results = results.map(i32::from).collect();
    outcome(Kind::Results(proto::EntryResults { results }))
}
