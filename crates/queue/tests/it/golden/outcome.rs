//! Outcomes, as sessions keep them until they are acknowledged.

use squorum_proto::queue as proto;
use squorum_proto::queue::outcome::Kind;

use super::{check, sixteen};

fn check_outcome(name: &str, kind: Kind, golden: &str) {
    let outcome = Some(proto::Outcome { kind: Some(kind) });
    let outcomes = vec![proto::NumberedOutcome {
        number: 300,
        outcome,
    }];
    check(name, &proto::OutcomesRow { outcomes }, golden);
}

pub(super) fn progress() -> proto::MoveProgress {
    proto::MoveProgress {
        task: 6,
        left: 300,
        in_transfer: 4,
        moved: 5,
        unrouted: Some(proto::Unrouted { origin: 7 }),
    }
}

#[test]
fn outcomes() {
    check_outcome("Done", Kind::Done(proto::Done {}), "0a0708ac0212020a00");
    check_outcome(
        "Released",
        Kind::Released(proto::Done {}),
        "0a0708ac0212023200",
    );
    let transferred = proto::Transferred {
        below: 300,
        gone: vec![4, 299],
    };
    check_outcome(
        "Progress",
        Kind::Progress(progress()),
        "0a1408ac02120f420d080610ac02180420052a020807",
    );
    check_outcome(
        "Transferred",
        Kind::Transferred(transferred),
        "0a0f08ac02120a3a0808ac02120304ab02",
    );
    let messages = vec![
        proto::SentMessage {
            seq: 300,
            duplicate_of: sixteen(0xaa),
        },
        proto::SentMessage {
            seq: 301,
            duplicate_of: bytes::Bytes::new(),
        },
    ];
    check_outcome(
        "Sent",
        Kind::Sent(proto::Sent { messages }),
        "0a2308ac02121e1a1c0a1508ac021210aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0a0308ad02",
    );
    let received = proto::Received {
        messages: vec![proto::DeliveredMessage {
            seq: 300,
            delivery_number: 400,
            receive_count: 2,
            first_received_at_ms: 1_700_000_000_000,
            lane: u32::MAX,
        }],
        attempt_hash: sixteen(0xcc),
        partition: Some(proto::Partition {
            queue: 300,
            index: 2,
        }),
    };
    check_outcome(
        "Received",
        Kind::Received(received),
        "0a3708ac02123222300a1508ac0210900318022080d095ffbc3128ffffffff0f1210cccccccccccccccccccccccccccccccc1a0508ac021002",
    );
    let results = [
        proto::EntryResult::Ok,
        proto::EntryResult::Expired,
        proto::EntryResult::NotAvailable,
        proto::EntryResult::BeyondLimit,
    ];
    let results = results.into_iter().map(i32::from).collect();
    check_outcome(
        "Results",
        Kind::Results(proto::EntryResults { results }),
        "0a0d08ac0212082a060a0400010203",
    );
}

#[test]
fn refusals_keep_their_numbers() {
    let refusals = [
        (proto::Refusal::Session, 1),
        (proto::Refusal::WindowFull, 2),
        (proto::Refusal::QueueDropped, 3),
        (proto::Refusal::VersionUnknown, 4),
        (proto::Refusal::VersionOld, 5),
        (proto::Refusal::OverLimit, 6),
        (proto::Refusal::Malformed, 7),
    ];
    for (refusal, number) in refusals {
        assert_eq!(i32::from(refusal), number);
    }
    let refused = proto::Refused {
        refusal: proto::Refusal::VersionOld.into(),
        version: 3,
    };
    check_outcome(
        "Refused",
        Kind::Refused(refused),
        "0a0b08ac021206120408051003",
    );
}
