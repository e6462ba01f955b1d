//! A standard queue of one partition, to which things happen in the order of a test.

use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_queue::{CommandOutcome, Limits};

use crate::model::Rules;
use crate::replica::{Caches, Replica, limits};

pub(crate) const PARTITION: Option<proto::Partition> =
    Some(proto::Partition { queue: 1, index: 0 });

pub(crate) const RETENTION_MS: u64 = 345_600_000;

pub(crate) struct Story {
    pub(crate) replica: Replica,
    pub(crate) now_ms: u64,
    number: u64,
    sent: u64,
}

impl Story {
    /// With AWS's figures.
    pub(crate) fn begin() -> Story {
        Story::with(|_| (), proto::QueueSettings::default())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Limits), settings: proto::QueueSettings) -> Story {
        let rules = Rules {
            session_window: 1_000,
            sessions_max: 2,
            session_ttl_ms: 3_600_000,
            session_quiet_ms: 600_000,
            in_flight_max: 120_000,
            noisy_in_flight_min: 30,
            outbox_max: 100,
        };
        let mut limits = limits(rules, Caches::SMALL, 1_024);
        change(&mut limits);
        let mut story = Story {
            replica: Replica::new(limits),
            now_ms: 1_700_000_000_000,
            number: 0,
            sent: 0,
        };
        story.run(Operation::OpenSession(proto::OpenSession {}));
        let settings = Some(proto::QueueSettings {
            retention_ms: RETENTION_MS,
            ..settings
        });
        story.run(Operation::Configure(proto::Configure {
            queue: 1,
            version: 1,
            settings,
        }));
        story
    }

    pub(crate) fn run(&mut self, operation: Operation) -> CommandOutcome {
        self.number += 1;
        let command = proto::Command {
            number: self.number,
            operation: Some(operation),
        };
        self.run_all(vec![command]).pop().unwrap()
    }

    /// Runs several commands in one entry, with numbers of their own, and nothing is acknowledged.
    pub(crate) fn run_together(&mut self, operations: Vec<Operation>) -> Vec<CommandOutcome> {
        let operations = operations.into_iter();
        let commands = operations.map(|operation| {
            self.number += 1;
            proto::Command {
                number: self.number,
                operation: Some(operation),
            }
        });
        let commands = commands.collect();
        self.run_all(commands)
    }

    pub(crate) fn run_all(&mut self, commands: Vec<proto::Command>) -> Vec<CommandOutcome> {
        self.run_in(1, commands)
    }

    /// The same in a session of its own: whether the shard has room for it.
    pub(crate) fn opens(&mut self, session: u64) -> bool {
        let open = proto::Command {
            number: 1,
            operation: Some(Operation::OpenSession(proto::OpenSession {})),
        };
        let opened = self.run_in(session, vec![open]).pop().unwrap();
        matches!(opened.outcome.kind, Some(Kind::Done(_)))
    }

    fn run_in(&mut self, session: u64, commands: Vec<proto::Command>) -> Vec<CommandOutcome> {
        let batch = proto::SessionBatch {
            session,
            acknowledged_below: commands[0].number,
            commands,
            ..Default::default()
        };
        let entry = proto::Entry {
            now_ms: self.now_ms,
            first_stamp: true,
            batches: vec![batch],
        };
        let (applied, _) = self.replica.apply([(&entry, true)]).pop().unwrap();
        applied.outcomes
    }

    pub(crate) fn send(&mut self, tenant: u32, count: u64) {
        self.send_of(tenant, vec![tenant as u8].into(), count);
    }

    pub(crate) fn send_of(&mut self, tenant: u32, envelope: bytes::Bytes, count: u64) {
        self.send_messages(count, |id| proto::NewMessage {
            envelope: envelope.clone(),
            id,
            tenant,
            ..Default::default()
        });
    }

    /// Messages of a tenant, or of a group where the queue is FIFO.
    pub(crate) fn send_in(&mut self, tenant: u32, group: &str, count: u64) {
        self.send_messages(count, |id| proto::NewMessage {
            envelope: vec![0].into(),
            deduplication_hash: id.clone(),
            id,
            tenant,
            group_id: group.to_owned(),
            ..Default::default()
        });
    }

    fn send_messages(&mut self, count: u64, new: impl Fn(bytes::Bytes) -> proto::NewMessage) {
        let messages = (0..count).map(|_| {
            self.sent += 1;
            new(u128::from(self.sent).to_be_bytes().to_vec().into())
        });
        let messages = messages.collect();
        let send = proto::Send {
            partition: PARTITION,
            version: 1,
            messages,
        };
        let sent = self.run(Operation::Send(send)).outcome.kind;
        assert!(matches!(sent, Some(Kind::Sent(_))), "{sent:?}");
    }

    /// The tenants whose messages a receive of up to `count` gives, and their deliveries.
    pub(crate) fn receive(
        &mut self,
        count: u32,
        timeout_ms: u64,
    ) -> (Vec<u32>, Vec<proto::DeliveryReference>) {
        let (envelopes, deliveries) = self.receive_whole(count, timeout_ms);
        let tenants = envelopes.iter().map(|envelope| u32::from(envelope[0]));
        (tenants.collect(), deliveries)
    }

    /// The same with the envelopes.
    pub(crate) fn receive_whole(
        &mut self,
        count: u32,
        timeout_ms: u64,
    ) -> (Vec<bytes::Bytes>, Vec<proto::DeliveryReference>) {
        let outcome = self.run(receive(count, timeout_ms));
        let Some(Kind::Received(received)) = outcome.outcome.kind else {
            panic!("{:?}", outcome.outcome);
        };
        let messages = outcome.messages.into_iter();
        let deliveries = received.messages.iter();
        let deliveries = deliveries.map(|one| proto::DeliveryReference {
            seq: one.seq,
            delivery_number: one.delivery_number,
        });
        (
            messages.map(|message| message.envelope).collect(),
            deliveries.collect(),
        )
    }

    pub(crate) fn delete(&mut self, deliveries: Vec<proto::DeliveryReference>) {
        let delete = proto::Delete {
            partition: PARTITION,
            version: 1,
            deliveries,
        };
        let deleted = self.run(Operation::Delete(delete)).outcome.kind;
        assert!(matches!(deleted, Some(Kind::Results(_))), "{deleted:?}");
    }
}

pub(crate) fn receive(count: u32, timeout_ms: u64) -> Operation {
    Operation::Receive(proto::Receive {
        partition: PARTITION,
        version: 1,
        messages_max: count,
        visibility_timeout_ms: timeout_ms,
        ..Default::default()
    })
}
