//! What other shards send, and what they answer for.

use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;

use super::Generator;
use super::plan::target;

/// Shards that send to this one.
const SOURCES: u64 = 2;

impl Generator {
    /// Mostly the next ones, some of them sent before.
    pub(super) fn accept_transfers(&mut self) -> Operation {
        let source_shard = 10 + self.random.below(SOURCES) as u32;
        let next = self.model.next_from(source_shard);
        let first = match self.random.below(20) {
            0 => next + 1,
            1..8 => next.saturating_sub(self.random.below(4)).max(1),
            _ => next,
        };
        let count = self.random.below(6);
        let transfers = (first..first + count).map(|number| self.transfer(number));
        Operation::AcceptTransfers(proto::AcceptTransfers {
            source_shard,
            transfers: transfers.collect(),
            settled_below: next.saturating_sub(self.random.below(6)),
        })
    }

    fn transfer(&mut self, number: u64) -> proto::Transfer {
        self.messages_made += 1;
        let clock_ms = self.model.clock_ms();
        let target = self.any_partition();
        let random = &mut self.random;
        let is_fifo = self.model.is_fifo(target.queue);
        let group_id = if is_fifo != random.once_in(50) {
            format!("group-{}", random.below(self.profile.groups))
        } else {
            String::new()
        };
        let age_ms = random.below(2 * self.profile.jump_ms_max);
        let message = proto::TransferredMessage {
            envelope: format!("message {}", self.messages_made).into(),
            sent_at_ms: (clock_ms + 1_000).saturating_sub(age_ms).max(1),
            group_id,
            receive_count: 1 + random.below(5),
            first_received_at_ms: clock_ms.saturating_sub(age_ms),
            source: Some(proto::Partition {
                queue: 77,
                index: 0,
            }),
            dead_letter_source: "arn-of-77".to_owned(),
            r#move: random.once_in(3).then(proto::Move::default),
            tenant: random.below(self.profile.tenants + 1) as u32,
        };
        proto::Transfer {
            number,
            target: Some(target),
            message: Some(message),
        }
    }

    /// Of a task that is new, or runs, or is long over.
    pub(super) fn move_messages(&mut self) -> Operation {
        let partition = self.any_partition();
        let random = &mut self.random;
        if random.once_in(6) {
            self.tasks_made += 1;
        }
        let task = (self.tasks_made + 1).saturating_sub(random.below(3)).max(1);
        let routes = [0, 77, 78].into_iter().filter(|_| random.once_in(2));
        let routes: Vec<u64> = routes.collect();
        let routes = routes.into_iter().map(|origin| proto::MoveRoute {
            origin,
            target: Some(target(random)),
        });
        Operation::MoveMessages(proto::MoveMessages {
            task,
            partition: Some(partition),
            routes: routes.collect(),
            count: self.random.below(6) as u32,
        })
    }

    /// Some of what waits, some of it not taken, or what was truncated before.
    pub(super) fn truncate_outbox(&mut self) -> Operation {
        let waiting = self.model.outbox.waiting.iter();
        let mut targets: Vec<(u16, u64)> = waiting
            .map(|(shard, waiting)| {
                let first = waiting.transfers.first();
                (*shard, first.map_or(waiting.next_number, |one| one.number))
            })
            .collect();
        targets.push((3, 1));
        let (shard, first) = targets[self.random.below(targets.len() as u64) as usize];
        let below = (first + self.random.below(6)).saturating_sub(1);
        let gone = (first..below).filter(|_| self.random.once_in(3));
        Operation::TruncateOutbox(proto::TruncateOutbox {
            target_shard: shard.into(),
            gone: gone.collect(),
            below,
        })
    }
}
