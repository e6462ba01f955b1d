//! The log's entries: one test a command.

use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;

use super::{check, sixteen};

const PARTITION: Option<proto::Partition> = Some(proto::Partition {
    queue: 300,
    index: 2,
});

fn check_command(name: &str, operation: Operation, golden: &str) {
    check(
        name,
        &proto::Command {
            number: 9,
            operation: Some(operation),
        },
        golden,
    );
}

pub(super) fn dead_letters() -> proto::DeadLetters {
    proto::DeadLetters {
        receives_max: 3,
        target: Some(proto::TransferTarget {
            queue: 301,
            partition_count: 4,
            shard_count: 5,
        }),
        source_arn: "arn".to_owned(),
    }
}

pub(super) fn transferred_message() -> proto::TransferredMessage {
    proto::TransferredMessage {
        envelope: b"envelope"[..].into(),
        sent_at_ms: 1_700_000_000_000,
        group_id: "group".to_owned(),
        receive_count: 3,
        first_received_at_ms: 1_700_000_000_001,
        source: PARTITION,
        dead_letter_source: "arn".to_owned(),
        r#move: Some(proto::Move {
            task: 6,
            origin: PARTITION,
        }),
        tenant: 0,
    }
}

fn delivery(seq: u64) -> proto::DeliveryReference {
    proto::DeliveryReference {
        seq,
        delivery_number: seq + 300,
    }
}

#[test]
fn entry() {
    let entry = proto::Entry {
        now_ms: 1_700_000_000_000,
        first_stamp: true,
        batches: vec![proto::SessionBatch {
            session: 0xfeed,
            acknowledged_below: 5,
            acknowledged: vec![proto::NumberRange {
                first: 7,
                last: 300,
            }],
            commands: vec![proto::Command {
                number: 301,
                operation: Some(Operation::OpenSession(proto::OpenSession {})),
            }],
        }],
    };
    check(
        "Entry",
        &entry,
        "0880d095ffbc3110011a1408edfd0310051a05080710ac02220508ad021200",
    );
}

#[test]
fn commands_of_queues() {
    check_command(
        "OpenSession",
        Operation::OpenSession(proto::OpenSession {}),
        "08091200",
    );
    let tick = proto::Tick {
        partitions: PARTITION.into_iter().collect(),
    };
    check_command("Tick", Operation::Tick(tick), "08091a070a0508ac021002");
    let settings = proto::QueueSettings {
        fifo: true,
        delay_ms: 900,
        retention_ms: 60_000,
        dead_letters: Some(dead_letters()),
    };
    let configure = proto::Configure {
        queue: 300,
        version: 4,
        settings: Some(settings),
    };
    check_command(
        "Configure",
        Operation::Configure(configure),
        "0809222208ac0210041a1b080110840718e0d40322100803120708ad02100418051a0361726e",
    );
    check_command(
        "Drop",
        Operation::Drop(proto::Drop { queue: 300 }),
        "08092a0308ac02",
    );
    let purge = proto::Purge {
        queue: 300,
        purge_id: 6,
    };
    check_command("Purge", Operation::Purge(purge), "0809320508ac021006");
}

#[test]
fn send() {
    let send = proto::Send {
        partition: PARTITION,
        version: 4,
        messages: vec![proto::NewMessage {
            envelope: b"envelope"[..].into(),
            id: sixteen(0xaa),
            delay_ms: 1_000,
            group_id: "group".to_owned(),
            deduplication_hash: sixteen(0xbb),
            tenant: 0,
            deliver_at_ms: 0,
        }],
    };
    check_command(
        "Send",
        Operation::Send(send),
        "\
        080952430a0508ac02100210041a380a08656e76656c6f70651210aaaaaaaaaaaaaaaaaaaaaaaaaa\
         aaaaaa18e807220567726f75702a10bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    );
}

/// As long as there is no time of delivery a send is what it was before there could be one.
#[test]
fn send_for_a_time() {
    let message = proto::NewMessage {
        envelope: b"envelope"[..].into(),
        id: sixteen(0xaa),
        deliver_at_ms: 1_700_000_000_000,
        ..Default::default()
    };
    let send = proto::Send {
        partition: PARTITION,
        version: 4,
        messages: vec![message],
    };
    check_command(
        "Send",
        Operation::Send(send),
        "0809522e0a0508ac02100210041a230a08656e76656c6f70651210aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa3880d095ffbc31",
    );
}

#[test]
fn receive() {
    let receive = proto::Receive {
        partition: PARTITION,
        version: 4,
        messages_max: 10,
        visibility_timeout_ms: 30_000,
        attempt_hash: sixteen(0xcc),
        replay_only: true,
    };
    check_command(
        "Receive",
        Operation::Receive(receive),
        "08095a230a0508ac0210021004180a20b0ea012a10cccccccccccccccccccccccccccccccc3001",
    );
}

#[test]
fn commands_of_deliveries() {
    let deliveries = vec![delivery(1), delivery(2)];
    let delete = proto::Delete {
        partition: PARTITION,
        version: 4,
        deliveries,
    };
    check_command(
        "Delete",
        Operation::Delete(delete),
        "080962170a0508ac02100210041a05080110ad021a05080210ae02",
    );
    let change = proto::ChangeVisibility {
        partition: PARTITION,
        version: 4,
        changes: vec![proto::VisibilityChange {
            delivery: Some(delivery(1)),
            visibility_timeout_ms: 5_000,
        }],
    };
    check_command(
        "ChangeVisibility",
        Operation::ChangeVisibility(change),
        "08096a150a0508ac02100210041a0a0a05080110ad02108827",
    );
    let release = proto::Release { receive_number: 8 };
    check_command("Release", Operation::Release(release), "080972020808");
}

#[test]
fn envelope() {
    let envelope = proto::MessageEnvelope {
        id: sixteen(1),
        body: b"body"[..].into(),
        body_md5: sixteen(2),
        attributes: b"attributes"[..].into(),
        key_id: "key".to_owned(),
        group_id: "group".to_owned(),
        deduplication_id: "deduplication".to_owned(),
        trace_header: "trace".to_owned(),
        sender_id: "sender".to_owned(),
        dead_letter_source: "source".to_owned(),
    };
    check(
        "MessageEnvelope",
        &envelope,
        "\
        0a10010101010101010101010101010101011204626f64791a100202020202020202020202020202\
         0202220a617474726962757465732a036b6579320567726f75703a0d64656475706c69636174696f\
         6e420574726163654a0673656e6465725206736f75726365",
    );
}

#[test]
fn commands_between_shards() {
    let accept = proto::AcceptTransfers {
        source_shard: 3,
        settled_below: 4,
        transfers: vec![proto::Transfer {
            number: 300,
            target: PARTITION,
            message: Some(transferred_message()),
        }],
    };
    check_command(
        "AcceptTransfers",
        Operation::AcceptTransfers(accept),
        "0809c2024a080310041a4408ac02120508ac0210021a380a08656e76656c6f70651080d095ffbc311a0567726f757020032881d095ffbc31320508ac0210023a0361726e42090806120508ac021002",
    );
    let command = proto::MoveMessages {
        task: 6,
        partition: PARTITION,
        count: 7,
        routes: vec![proto::MoveRoute {
            origin: 300,
            target: dead_letters().target,
        }],
    };
    check_command(
        "MoveMessages",
        Operation::MoveMessages(command),
        "0809d202190806120508ac0210021807220c08ac02120708ad0210041805",
    );
    let truncate = proto::TruncateOutbox {
        target_shard: 3,
        below: 300,
        gone: vec![4, 299],
    };
    check_command(
        "TruncateOutbox",
        Operation::TruncateOutbox(truncate),
        "0809ca020a080310ac021a0304ab02",
    );
}
