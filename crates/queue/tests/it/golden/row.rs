//! Rows of the state. Their keys are tested where they are made, in `keys.rs`.

use squorum_proto::queue as proto;

use super::entry::{dead_letters, transferred_message};
use super::outcome::progress;
use super::{check, sixteen};

#[test]
fn shard_and_sessions() {
    let shard = proto::ShardRow {
        format: 1,
        clock_ms: 1_700_000_000_000,
        next_delivery_number: 300,
        digest: u64::MAX,
    };
    check(
        "ShardRow",
        &shard,
        "08011080d095ffbc3118ac0220ffffffffffffffffff01",
    );
    let session = proto::SessionRow {
        acknowledged_below: 5,
        acknowledged: vec![proto::NumberRange {
            first: 7,
            last: 300,
        }],
        last_seen_ms: 1_700_000_000_000,
        first_kept: 6,
    };
    check(
        "SessionRow",
        &session,
        "08051205080710ac021880d095ffbc312006",
    );
}

#[test]
fn queues_and_partitions() {
    let queue = proto::QueueRow {
        version: 4,
        settings: Some(proto::QueueSettings {
            fifo: true,
            delay_ms: 900,
            retention_ms: 60_000,
            dead_letters: Some(dead_letters()),
        }),
        purge_id: 6,
        dropped: true,
        dead_letters_gone: true,
    };
    check(
        "QueueRow",
        &queue,
        "0804121b080110840718e0d40322100803120708ad02100418051a0361726e180620012801",
    );
    let partition = proto::PartitionRow {
        generation: 1,
        next_seq: 2,
        head_seq: 3,
        cursor_seq: 4,
        mature_seq: 5,
        last_sent_at_ms: 6,
        visible: 7,
        in_flight: 8,
        delayed: 9,
        available_groups: 10,
        deadline_floor: 11,
        ready_floor: 12,
        delay_floor: 13,
        available_floor: 14,
        deduplication_floor: 15,
        attempt_floor: u64::MAX,
        last_delayed_seq: 17,
        sent_floor_ms: 18,
        expiry_floor: 19,
        move_progress: Some(progress()),
        turn_floor: 0,
        flight: None,
        back_place: 23,
    };
    check(
        "PartitionRow",
        &partition,
        "080110021803200428053006380740084809500a580b600c680d700e780f8001ffffffffffffffffff01880111900112980113a2010d080610ac02180420052a020807b80117",
    );
    let garbage = proto::GarbageRow {
        position: b"position"[..].into(),
    };
    check("GarbageRow", &garbage, "0a08706f736974696f6e");
}

#[test]
fn deliveries_and_records() {
    let delivery = proto::DeliveryRow {
        delivery_number: 400,
        receive_count: 2,
        first_received_at_ms: 1_700_000_000_000,
        received_at_ms: 1_700_000_000_001,
        deadline_ms: 1_700_000_030_001,
        ready_order: 6,
        lane: u32::MAX,
        group_id: "group".to_owned(),
        sent_at_ms: 1_700_000_000_002,
        source: Some(proto::Partition {
            queue: 300,
            index: 2,
        }),
        tenant: 0,
    };
    check(
        "DeliveryRow",
        &delivery,
        "08900310021880d095ffbc312081d095ffbc3128b1ba97ffbc31300638ffffffff0f420567726f75704882d095ffbc31520508ac021002",
    );
    let deduplication = proto::DeduplicationRow {
        expires_at_ms: 1_700_000_300_000,
        seq: 300,
        id: sixteen(0xaa),
    };
    check(
        "DeduplicationRow",
        &deduplication,
        "08e0f7a7ffbc3110ac021a10aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    );
    let group = proto::GroupRow {
        head_seq: 300,
        count: 2,
        position: 301,
    };
    check("GroupRow", &group, "08ac02100218ad02");
    let attempt = proto::AttemptRow {
        expires_at_ms: 1_700_000_300_000,
        deadline_ms: 1_700_000_030_000,
        deliveries: vec![proto::DeliveredMessage {
            seq: 300,
            delivery_number: 400,
            receive_count: 2,
            first_received_at_ms: 1_700_000_000_000,
            lane: 1,
        }],
        repeats: 1,
        releases: 2,
    };
    check(
        "AttemptRow",
        &attempt,
        "08e0f7a7ffbc3110b0ba97ffbc311a1108ac0210900318022080d095ffbc31280120012802",
    );
}

#[test]
fn transfers() {
    let outbox = proto::OutboxRow {
        target: Some(proto::Partition {
            queue: 301,
            index: 2,
        }),
        message: Some(transferred_message()),
    };
    check(
        "OutboxRow",
        &outbox,
        "0a0508ad02100212380a08656e76656c6f70651080d095ffbc311a0567726f757020032881d095ffbc31320508ac0210023a0361726e42090806120508ac021002",
    );
    let head = proto::OutboxHeadRow {
        first_number: 300,
        next_number: 301,
    };
    check("OutboxHeadRow", &head, "08ac0210ad02");
    let inbox = proto::InboxRow {
        next_number: 300,
        gone: vec![4, 299],
    };
    check("InboxRow", &inbox, "08ac02120304ab02");
}
