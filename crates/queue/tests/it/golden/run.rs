//! A fixed log, and the state that it makes for ever. What a command does to the rows, their keys
//! and the digest must never change: a node of a later version applies the logs of earlier ones,
//! and is compared with nodes that still run those.

use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;

use super::sixteen;
use crate::model::Rules;
use crate::replica::{Caches, Replica, limits};

const STANDARD: proto::Partition = proto::Partition { queue: 1, index: 0 };
const FIFO: proto::Partition = proto::Partition { queue: 2, index: 1 };
const VERSION: u64 = 1;

fn new_message(number: u8) -> proto::NewMessage {
    proto::NewMessage {
        envelope: vec![number; 3].into(),
        id: sixteen(number),
        delay_ms: if number == 2 { 700 } else { 0 },
        group_id: format!("group-{}", number % 2),
        deduplication_hash: sixteen(number % 4),
        tenant: 0,
        deliver_at_ms: 0,
    }
}

fn configure(queue: u64, fifo: bool) -> Operation {
    let settings = Some(proto::QueueSettings {
        fifo,
        delay_ms: 0,
        retention_ms: 60_000,
        dead_letters: None,
    });
    Operation::Configure(proto::Configure {
        queue,
        version: VERSION,
        settings,
    })
}

fn send(partition: proto::Partition, numbers: std::ops::Range<u8>) -> Operation {
    let messages = numbers.map(new_message).collect();
    Operation::Send(proto::Send {
        partition: Some(partition),
        version: VERSION,
        messages,
    })
}

fn receive(partition: proto::Partition, visibility_timeout_ms: u64) -> Operation {
    Operation::Receive(proto::Receive {
        partition: Some(partition),
        version: VERSION,
        messages_max: 2,
        visibility_timeout_ms,
        attempt_hash: sixteen(7),
        replay_only: false,
    })
}

fn delete(partition: proto::Partition, seq: u64, delivery_number: u64) -> Operation {
    Operation::Delete(proto::Delete {
        partition: Some(partition),
        version: VERSION,
        deliveries: vec![proto::DeliveryReference {
            seq,
            delivery_number,
        }],
    })
}

fn change(partition: proto::Partition, seq: u64, delivery_number: u64) -> Operation {
    Operation::ChangeVisibility(proto::ChangeVisibility {
        partition: Some(partition),
        version: VERSION,
        changes: vec![proto::VisibilityChange {
            delivery: Some(proto::DeliveryReference {
                seq,
                delivery_number,
            }),
            visibility_timeout_ms: 5_000,
        }],
    })
}

/// Every command, most with more than one effect.
fn operations() -> Vec<Operation> {
    vec![
        Operation::OpenSession(proto::OpenSession {}),
        configure(1, false),
        configure(2, true),
        send(STANDARD, 0..6),
        send(FIFO, 0..7),
        receive(STANDARD, 1_000),
        receive(FIFO, 1_000),
        change(STANDARD, 1, 1),
        delete(FIFO, 1, 3),
        receive(FIFO, 2_000),
        receive(STANDARD, 0),
        Operation::Release(proto::Release { receive_number: 10 }),
        Operation::Release(proto::Release { receive_number: 99 }),
        Operation::Tick(proto::Tick {
            partitions: vec![STANDARD, FIFO],
        }),
        receive(STANDARD, 3_000),
        configure(3, true),
        send(proto::Partition { queue: 3, index: 0 }, 0..3),
        Operation::Purge(proto::Purge {
            queue: 2,
            purge_id: 1,
        }),
        Operation::Drop(proto::Drop { queue: 3 }),
        Operation::Tick(proto::Tick {
            partitions: vec![STANDARD, FIFO],
        }),
    ]
}

/// Messages of three tenants and of none, one delayed, one received too often to stay in place.
fn operations_with_tenants() -> Vec<Operation> {
    let of_tenants = |numbers: std::ops::Range<u8>| {
        let messages = numbers.map(|number| proto::NewMessage {
            tenant: u32::from(number % 4),
            ..new_message(number)
        });
        Operation::Send(proto::Send {
            partition: Some(STANDARD),
            version: VERSION,
            messages: messages.collect(),
        })
    };
    let tick = Operation::Tick(proto::Tick {
        partitions: vec![STANDARD],
    });
    vec![
        Operation::OpenSession(proto::OpenSession {}),
        configure(1, false),
        of_tenants(0..9),
        receive(STANDARD, 1_000),
        receive(STANDARD, 0),
        receive(STANDARD, 0),
        change(STANDARD, 1, 1),
        of_tenants(9..14),
        delete(STANDARD, 2, 2),
        receive(STANDARD, 2_000),
        Operation::Release(proto::Release { receive_number: 10 }),
        tick.clone(),
        receive(STANDARD, 60_000),
        tick,
    ]
}

/// Messages for a time that is past, now, soon and later, one of them with a delay as well.
fn operations_with_times() -> Vec<Operation> {
    let deliver_at_ms = |number: u8| match number {
        0 => 1,
        1 => at_ms(3),
        2 => at_ms(5),
        _ => at_ms(7) + 1,
    };
    let messages = (0..4).map(|number| proto::NewMessage {
        deliver_at_ms: deliver_at_ms(number),
        ..new_message(number)
    });
    let send = Operation::Send(proto::Send {
        partition: Some(STANDARD),
        version: VERSION,
        messages: messages.collect(),
    });
    let receive = || receive(STANDARD, 60_000);
    let partitions = vec![STANDARD];
    vec![
        Operation::OpenSession(proto::OpenSession {}),
        configure(1, false),
        send,
        receive(),
        receive(),
        Operation::Tick(proto::Tick { partitions }),
        receive(),
        receive(),
    ]
}

/// The stamp of the entry with this number.
fn at_ms(number: u64) -> u64 {
    1_700_000_000_000 + 400 * number
}

#[test]
fn the_state_of_a_log_never_changes() {
    let state = state_after(operations());
    assert_eq!(state, (59, 0x0deb3a7231a5dd27, 0x7c9efce3629e56f4));
}

#[test]
fn the_state_of_a_log_with_tenants_never_changes() {
    let state = state_after(operations_with_tenants());
    assert_eq!(state, (41, 5580194517500694863, 9701769152245261724));
}

#[test]
fn the_state_of_a_log_with_times_of_delivery_never_changes() {
    let state = state_after(operations_with_times());
    assert_eq!(state, (21, 0x39a72344e18efa34, 0x1a6bde8015f828a8));
}

/// How many rows there are, and the digests of the writes and of the rows.
fn state_after(operations: Vec<Operation>) -> (usize, u64, u64) {
    let rules = Rules {
        session_window: 100,
        sessions_max: 2,
        session_ttl_ms: 3_600_000,
        session_quiet_ms: 600_000,
        in_flight_max: 100,
        noisy_in_flight_min: 30,
        outbox_max: 100,
    };
    let mut replica = Replica::new(limits(rules, Caches::SMALL, 3));
    for (at, operation) in operations.into_iter().enumerate() {
        let number = at as u64 + 1;
        let command = proto::Command {
            number,
            operation: Some(operation),
        };
        let batch = proto::SessionBatch {
            session: 5,
            acknowledged_below: number.saturating_sub(4),
            commands: vec![command],
            ..Default::default()
        };
        let now_ms = at_ms(number);
        let entry = proto::Entry {
            now_ms,
            first_stamp: at == 0,
            batches: vec![batch],
        };
        replica.apply([(&entry, false)]);
    }
    (
        replica.rows_count(),
        replica.shard.digest(),
        replica.rows_digest(),
    )
}
