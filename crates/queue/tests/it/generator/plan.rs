//! A queue as the gateways know it, and the commands they make for it.

use bytes::Bytes;
use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_store::Random;

use super::gateway::Gateway;
use super::{Generator, Handle};

#[derive(Clone, Debug)]
pub(super) struct QueuePlan {
    queue: u64,
    /// 0 before the first `Configure`.
    version: u64,
    settings: proto::QueueSettings,
    partitions: u64,
}

impl QueuePlan {
    pub(super) fn random(queue: u64, transfers: bool, random: &mut Random) -> QueuePlan {
        let settings = proto::QueueSettings {
            fifo: random.once_in(2),
            ..Default::default()
        };
        let partitions = if random.once_in(2) {
            1
        } else {
            1 + random.below(3)
        };
        let mut plan = QueuePlan {
            queue,
            version: 0,
            settings,
            partitions,
        };
        plan.change_settings(transfers, random);
        plan
    }

    fn change_settings(&mut self, transfers: bool, random: &mut Random) {
        let moves = transfers && !random.once_in(3);
        self.settings.dead_letters = moves.then(|| dead_letters(self.queue, random));
        self.settings.delay_ms = match random.below(3) {
            0 if self.settings.fifo => 1 + random.below(20_000),
            _ => 0,
        };
        self.settings.retention_ms = match random.below(4) {
            0 => 60_000 + random.below(60_000),
            1 => 600_000,
            _ => 345_600_000,
        };
    }

    fn partition(&self, random: &mut Random) -> proto::Partition {
        proto::Partition {
            queue: self.queue,
            index: random.below(self.partitions) as u32,
        }
    }

    /// Mostly the right one.
    fn assumed_version(&self, random: &mut Random) -> u64 {
        match random.below(100) {
            0 => self.version.saturating_sub(1),
            1 => self.version + 1,
            _ => self.version,
        }
    }
}

impl Generator {
    pub(super) fn operation(&mut self, gateway: &Gateway) -> Operation {
        let at = self.random.below(self.queues.len() as u64) as usize;
        if self.queues[at].version == 0 && !self.random.once_in(20) {
            return self.configure(at);
        }
        let weights = self.profile.weights;
        let kinds = [
            weights.send,
            weights.receive,
            weights.delete,
            weights.change,
            weights.release,
            weights.tick,
            weights.rare,
            weights.transfer,
        ];
        let mut left = self.random.below(kinds.iter().sum());
        let kind = kinds.iter().position(|weight| {
            let chosen = left < *weight;
            left = left.saturating_sub(*weight);
            chosen
        });
        match kind {
            Some(0) => self.send(at),
            Some(1) => self.receive(at),
            Some(2) => self.delete(at),
            Some(3) => self.change_visibility(at),
            Some(4) => {
                let receive_number = gateway.receive_to_release(&mut self.random);
                Operation::Release(proto::Release { receive_number })
            }
            Some(5) => self.tick(),
            Some(7) => match self.random.below(3) {
                0 => self.truncate_outbox(),
                1 => self.move_messages(),
                _ => self.accept_transfers(),
            },
            _ => self.rare(at),
        }
    }

    fn rare(&mut self, at: usize) -> Operation {
        let queue = self.queues[at].queue;
        match self.random.below(40) {
            0 => {
                if !self.random.once_in(5) {
                    self.add_queue();
                }
                if self.queues.len() > 1 {
                    // Its id is used on for a while by commands that are late.
                    self.queues.rotate_left(at);
                    if self.random.once_in(2) {
                        self.queues.remove(0);
                    }
                }
                Operation::Drop(proto::Drop { queue })
            }
            1..16 => {
                let again = self.purges_made > 0 && self.random.once_in(3);
                if !again {
                    self.purges_made += 1;
                }
                let purge_id = match again {
                    true => 1 + self.random.below(self.purges_made),
                    false => self.purges_made,
                };
                Operation::Purge(proto::Purge { queue, purge_id })
            }
            16..18 => Operation::OpenSession(proto::OpenSession {}),
            _ => self.configure(at),
        }
    }

    fn configure(&mut self, at: usize) -> Operation {
        let random = &mut self.random;
        let plan = &mut self.queues[at];
        let version = match random.below(4) {
            0 if plan.version > 0 => 1 + random.below(plan.version),
            _ => {
                plan.version += 1 + random.below(2);
                plan.version
            }
        };
        plan.change_settings(self.profile.transfers, random);
        let (queue, settings) = (plan.queue, Some(plan.settings.clone()));
        Operation::Configure(proto::Configure {
            queue,
            version,
            settings,
        })
    }

    fn send(&mut self, at: usize) -> Operation {
        let clock_ms = self.model.clock_ms();
        let random = &mut self.random;
        let plan = &self.queues[at];
        let messages = (0..1 + random.below(5))
            .map(|_| {
                self.messages_made += 1;
                let delayed = !plan.settings.fifo && random.once_in(4);
                let (mut group_id, mut hash) = (String::new(), Bytes::new());
                if plan.settings.fifo {
                    group_id = format!("group-{}", random.below(self.profile.groups));
                    hash = sixteen(random.below(self.profile.deduplication_ids));
                }
                proto::NewMessage {
                    envelope: format!("message {}", self.messages_made).into(),
                    id: sixteen(self.messages_made),
                    delay_ms: if delayed { 1 + random.below(30_000) } else { 0 },
                    deliver_at_ms: deliver_at_ms(clock_ms, random),
                    group_id,
                    deduplication_hash: hash,
                    tenant: random.below(self.profile.tenants + 1) as u32,
                }
            })
            .collect();
        let partition = Some(plan.partition(random));
        Operation::Send(proto::Send {
            partition,
            version: plan.assumed_version(random),
            messages,
        })
    }

    fn receive(&mut self, at: usize) -> Operation {
        if self.random.once_in(8)
            && let Some(again) = self.last_attempt.clone()
        {
            // Its answer was lost, so the client asks again, under another number.
            return Operation::Receive(again);
        }
        let random = &mut self.random;
        let plan = &self.queues[at];
        let attempt = plan.settings.fifo && random.once_in(3);
        let receive = proto::Receive {
            partition: Some(plan.partition(random)),
            version: plan.assumed_version(random),
            messages_max: 1 + random.below(10) as u32,
            visibility_timeout_ms: visibility_timeout_ms(random),
            attempt_hash: if attempt {
                sixteen(random.below(4))
            } else {
                Bytes::new()
            },
            replay_only: attempt && random.once_in(4),
        };
        if attempt {
            self.last_attempt = Some(receive.clone());
        }
        Operation::Receive(receive)
    }

    fn delete(&mut self, at: usize) -> Operation {
        let (partition, handles) = self.some_handles(at);
        let version = self.version_of(partition);
        let deliveries = handles.iter().map(|handle| handle.reference).collect();
        Operation::Delete(proto::Delete {
            partition: Some(partition),
            version,
            deliveries,
        })
    }

    fn change_visibility(&mut self, at: usize) -> Operation {
        let (partition, handles) = self.some_handles(at);
        let version = self.version_of(partition);
        let changes = handles
            .iter()
            .map(|handle| proto::VisibilityChange {
                delivery: Some(handle.reference),
                visibility_timeout_ms: visibility_timeout_ms(&mut self.random),
            })
            .collect();
        let partition = Some(partition);
        Operation::ChangeVisibility(proto::ChangeVisibility {
            partition,
            version,
            changes,
        })
    }

    pub(super) fn any_partition(&mut self) -> proto::Partition {
        let at = self.random.below(self.queues.len() as u64) as usize;
        self.queues[at].partition(&mut self.random)
    }

    fn tick(&mut self) -> Operation {
        let partitions = (0..self.random.below(4)).map(|_| self.any_partition());
        let partitions = partitions.collect();
        Operation::Tick(proto::Tick { partitions })
    }

    fn version_of(&mut self, partition: proto::Partition) -> u64 {
        let plan = self
            .queues
            .iter()
            .find(|plan| plan.queue == partition.queue);
        plan.map_or(1, |plan| plan.assumed_version(&mut self.random))
    }

    /// Handles of one partition, fresh ones more often; some of them made up or given twice.
    fn some_handles(&mut self, at: usize) -> (proto::Partition, Vec<Handle>) {
        let random = &mut self.random;
        let latest = match random.once_in(3) {
            true => self.handles.len(),
            false => self.handles.len().min(10),
        } as u64;
        if latest == 0 {
            let partition = self.queues[at].partition(random);
            return (partition, vec![made_up(partition, random)]);
        }
        let chosen = self.handles.len() - 1 - random.below(latest) as usize;
        let partition = self.handles[chosen].partition;
        let mut handles = vec![self.handles[chosen]];
        let near = self
            .handles
            .iter()
            .rev()
            .filter(|handle| handle.partition == partition);
        handles.extend(near.take(8).filter(|_| random.once_in(3)));
        if random.once_in(10) {
            handles.push(made_up(partition, random));
        }
        (partition, handles)
    }
}

/// Towards any queue, this shard's or not.
fn dead_letters(source: u64, random: &mut Random) -> proto::DeadLetters {
    proto::DeadLetters {
        receives_max: 1 + random.below(4),
        target: Some(target(random)),
        source_arn: format!("arn-of-{source}"),
    }
}

pub(super) fn target(random: &mut Random) -> proto::TransferTarget {
    proto::TransferTarget {
        queue: 1 + random.below(5),
        partition_count: 1 + random.below(3) as u32,
        shard_count: 1 + random.below(4) as u32,
    }
}

fn made_up(partition: proto::Partition, random: &mut Random) -> Handle {
    let (seq, delivery_number) = (1 + random.below(50), random.below(100));
    Handle {
        partition,
        reference: proto::DeliveryReference {
            seq,
            delivery_number,
        },
    }
}

fn visibility_timeout_ms(random: &mut Random) -> u64 {
    match random.below(20) {
        0..4 => 0,
        4..8 => 1 + random.below(100),
        8..16 => 1_000 * (1 + random.below(30)),
        16 => 43_200_000,
        _ => 30_000,
    }
}

/// Mostly none; of a FIFO queue it has to be ignored. Past, now, soon, or beyond any delay.
fn deliver_at_ms(clock_ms: u64, random: &mut Random) -> u64 {
    match random.below(24) {
        0 => 1 + random.below(clock_ms + 1),
        1 => clock_ms + random.below(3),
        2 => clock_ms + random.below(30_000),
        3 => clock_ms + random.below(8 * 3_600_000),
        _ => 0,
    }
}

fn sixteen(number: u64) -> Bytes {
    Bytes::copy_from_slice(&(u128::from(number) + 1).to_be_bytes())
}
