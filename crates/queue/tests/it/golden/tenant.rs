//! What messages with tenants add to entries and rows. Without tenants these are as they were.

use squorum_proto::queue as proto;

use super::check;

#[test]
fn tenants() {
    let message = proto::NewMessage {
        tenant: 300,
        ..Default::default()
    };
    check("NewMessage", &message, "30ac02");
    let message = proto::TransferredMessage {
        tenant: 300,
        ..Default::default()
    };
    check("TransferredMessage", &message, "48ac02");
    let delivery = proto::DeliveryRow {
        tenant: 300,
        ..Default::default()
    };
    check("DeliveryRow", &delivery, "58ac02");
    let partition = proto::PartitionRow {
        turn_floor: 21,
        flight: Some(proto::Flight {
            message_ms: 300,
            at_ms: 301,
            visible: 302,
        }),
        ..Default::default()
    };
    check("PartitionRow", &partition, "a80115b2010908ac0210ad0218ae02");
    let tenant = proto::TenantRow {
        head_order: 1,
        head_seq: 2,
        visible: 3,
        in_flight: 4,
        held_ms: 5,
        of_ms: 6,
        since_ms: 7,
        at_ms: 8,
        flight_ms: 9,
        messages: 10,
    };
    check(
        "TenantRow",
        &tenant,
        "080110021803200428053006380740084809500a",
    );
}
