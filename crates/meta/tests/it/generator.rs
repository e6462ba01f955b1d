//! Random commands over few names and few values, so that they meet.

use std::collections::VecDeque;

use squorum_meta::command::{
    AddPermission, AdmitNode, AdvanceMember, CancelMove, DeleteQueue, Purge, RemovePermission,
    ReportMove, SetAttributes, StartMove, TagQueue, UntagQueue, WorkDone,
};
use squorum_meta::{
    ClusterId, ClusterSettings, Command, FeatureLevel, MemberState, RequestId, WorkKind,
};
use squorum_store::Random;
use squorum_types::service::{MoveFailure, MoveStatus};
use squorum_types::{
    AccountId, AttributeChanges, DeduplicationScope, FifoThroughputLimit, NodeId, Permission,
    QueueArn, QueueId, QueueTags, RedriveAllowPolicy, RedrivePermission, RedrivePolicy, ShardId,
};

use crate::model::Model;
use crate::support::{SHARD_COUNT, create, default_key, found, key, request};

/// Of permissions.
const LABELS: [&str; 3] = ["l1", "l2", "l3"];
/// Commands that may be proposed again.
const RETRIES: usize = 24;

pub(crate) struct Generator {
    pub(crate) random: Random,
    /// Of the first entry: a wall clock's, or next to the beginning of time.
    start_ms: u64,
    requests: u64,
    recent: VecDeque<(Command, Option<RequestId>)>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Generator {
        Generator {
            random: Random::new(seed),
            start_ms: [1, 1_700_000_000_000][(seed % 2) as usize],
            requests: 0,
            recent: VecDeque::new(),
        }
    }

    /// A command, and the id of its call if it has one.
    pub(crate) fn command(&mut self, model: &Model) -> (Command, Option<RequestId>) {
        if !self.recent.is_empty() && self.random.once_in(6) {
            let position = self.random.below(self.recent.len() as u64) as usize;
            return self.recent[position].clone();
        }
        let command = self.new_command(model);
        let call = (!self.random.once_in(3)).then(|| self.request());
        let command = (command, call);
        self.recent.push_back(command.clone());
        if self.recent.len() > RETRIES {
            self.recent.pop_front();
        }
        command
    }

    fn new_command(&mut self, model: &Model) -> Command {
        match self.random.below(100) {
            0..3 => Command::Tick,
            3..6 => self.found(),
            6..8 => Command::RaiseFeatureLevel(FeatureLevel {
                level: 1 + self.random.below(3) as u32,
                minimum: 1,
            }),
            8..11 => Command::ChangeClusterSettings(ClusterSettings {
                deleted_names_free_at_once: self.random.once_in(2),
            }),
            11..40 => {
                let key = self.key();
                let given = self.changes(key.name.is_fifo());
                let mut create = create(key, given, self.request());
                create.allows_recent_deletion = self.random.once_in(3);
                if self.random.once_in(3) {
                    create.tags = self.tags();
                }
                Command::CreateQueue(Box::new(create))
            }
            40..48 => self.permission_or_tags(model),
            48..55 => self.set(model),
            55..67 => Command::DeleteQueue(DeleteQueue {
                queue: self.queue(model),
            }),
            67..73 => Command::Purge(Purge {
                queue: self.queue(model),
                request_id: self.request(),
                allows_recent_purge: self.random.once_in(3),
            }),
            73..80 => self.move_task(model),
            80..88 => self.membership(),
            _ => self.work_done(model),
        }
    }

    /// Over few nodes, so that they come again.
    fn membership(&mut self) -> Command {
        let node = NodeId(11 + self.random.below(12));
        match self.random.below(7) {
            0 => Command::RemoveNode(node),
            1..4 => Command::AdmitNode(AdmitNode {
                node,
                address: format!("node{node}:9326"),
                replaces: self
                    .random
                    .once_in(2)
                    .then(|| NodeId(11 + self.random.below(12))),
            }),
            _ => Command::AdvanceMember(AdvanceMember {
                node,
                from: [
                    MemberState::Admitted,
                    MemberState::Joining,
                    MemberState::Leaving,
                    MemberState::Active,
                ][self.random.below(4) as usize],
            }),
        }
    }

    fn move_task(&mut self, model: &Model) -> Command {
        let used = model.queues.iter().filter(|queue| {
            queue.deleted_at.is_none() && !model.dead_letter_sources(&queue.key).is_empty()
        });
        let used: Vec<_> = used.map(|queue| queue.seen.info.id).collect();
        let queue = if used.is_empty() || self.random.once_in(5) {
            self.queue(model)
        } else {
            used[self.random.below(used.len() as u64) as usize]
        };
        let known = model.queues.get((queue.0 as usize).wrapping_sub(1));
        let task = known.and_then(|queue| queue.tasks.first());
        match (self.random.below(4), task) {
            (0, Some(task)) => Command::CancelMove(CancelMove {
                queue,
                task_id: task.id,
            }),
            (0, None) => Command::CancelMove(CancelMove {
                queue,
                task_id: [3; 16],
            }),
            (1, Some(task)) => Command::ReportMove(ReportMove {
                queue,
                number: task.number,
                moved: self.random.below(100),
                end: [
                    None,
                    Some(MoveStatus::Completed),
                    Some(MoveStatus::Cancelled),
                    Some(MoveStatus::Failed(MoveFailure::NoSource)),
                ][self.random.below(4) as usize],
            }),
            _ => Command::StartMove(Box::new(StartMove {
                queue,
                destination: self.random.once_in(3).then(|| QueueArn::from(&self.key())),
                messages_per_second_max: self.random.once_in(2).then_some(7),
                to_move: 11,
                request_id: self.request(),
            })),
        }
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        request(self.requests)
    }

    fn found(&mut self) -> Command {
        let mut found = found();
        if self.random.once_in(3) {
            found.members.clear();
        }
        if self.random.once_in(4) {
            found.cluster_id = ClusterId([8; 16]);
        }
        if self.random.once_in(2) {
            found.shard_count = 1 + self.random.below(u64::from(SHARD_COUNT)) as u16;
        }
        Command::Found(found)
    }

    pub(crate) fn key(&mut self) -> squorum_meta::QueueKey {
        let accounts = ["000000000000", "000000000000", "123456789012"];
        let regions = ["us-east-1", "us-east-1", "us-east-1", "us-east-11"];
        let names = ["a", "ab", "b", "a.fifo", "ab.fifo", "b-.fifo"];
        key(self.pick(&accounts), self.pick(&regions), self.pick(&names))
    }

    fn pick<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.random.below(texts.len() as u64) as usize]
    }

    /// Mostly of the youngest; sometimes of none.
    fn queue(&mut self, model: &Model) -> QueueId {
        let count = model.queues.len() as u64;
        QueueId((count + 1).saturating_sub(self.random.below(12)))
    }

    fn set(&mut self, model: &Model) -> Command {
        let queue = self.queue(model);
        let known = model.queues.get((queue.0 as usize).wrapping_sub(1));
        let fifo = known.is_some_and(|queue| queue.key.name.is_fifo());
        let fifo_values = fifo || self.random.once_in(10);
        let changes = self.changes(fifo_values);
        Command::SetAttributes(Box::new(SetAttributes {
            queue,
            changes,
            request_id: self.request(),
            refuses_conflicts: self.random.once_in(2),
        }))
    }

    fn permission_or_tags(&mut self, model: &Model) -> Command {
        let queue = self.queue(model);
        match self.random.below(8) {
            0..3 => Command::AddPermission(Box::new(AddPermission {
                queue,
                permission: self.permission(),
                request_id: self.request(),
            })),
            3..5 => Command::RemovePermission(Box::new(RemovePermission {
                queue,
                label: self.pick(&LABELS).to_owned(),
                request_id: self.request(),
            })),
            5..7 => {
                let mut tags = self.tags();
                if self.random.once_in(4) {
                    let first = self.random.below(40);
                    let many = first..first + 40;
                    tags.extend(many.map(|number| (format!("{number}"), String::new())));
                }
                Command::TagQueue(Box::new(TagQueue { queue, tags }))
            }
            _ => Command::UntagQueue(Box::new(UntagQueue {
                queue,
                keys: self.tags().into_keys().collect(),
            })),
        }
    }

    fn permission(&mut self) -> Permission {
        let mut texts = |texts: &[&str]| {
            let count = 1 + self.random.below(texts.len() as u64) as usize;
            texts[..count].iter().map(|&text| text.to_owned()).collect()
        };
        let actions: Vec<String> = texts(&["*", "SendMessage"]);
        let accounts: Vec<String> = texts(&["000000000000", "111122223333", "444455556666"]);
        let accounts = accounts.iter().filter_map(|id| AccountId::parse(id));
        Permission {
            accounts: accounts.collect(),
            actions,
            label: self.pick(&LABELS).to_owned(),
        }
    }

    fn tags(&mut self) -> QueueTags {
        let count = self.random.below(4);
        let tags = (0..count).map(|_| {
            let key = self.pick(&["a", "b", "c", "ä", "ab"]).to_owned();
            (key, self.pick(&["", "x", "y"]).to_owned())
        });
        tags.collect()
    }

    fn changes(&mut self, fifo: bool) -> AttributeChanges {
        let random = &mut self.random;
        let mut number = |values: &[u32]| {
            let given = random.once_in(5);
            given.then(|| values[random.below(values.len() as u64) as usize])
        };
        let mut changes = AttributeChanges {
            delay_seconds: number(&[0, 5]),
            maximum_message_bytes: number(&[1_024, 1_048_576]),
            message_retention_seconds: number(&[60, 345_600]),
            receive_message_wait_time_seconds: number(&[0, 20]),
            visibility_timeout_seconds: number(&[0, 30]),
            kms_data_key_reuse_period_seconds: number(&[60, 300]),
            ..AttributeChanges::default()
        };
        changes.kms_master_key_id =
            number(&[0, 1, 2]).map(|value| (value > 0).then(|| format!("key{value}")));
        changes.policy = number(&[0, 1, 2, 3, 4, 5]).map(|value| {
            // All in the one way to write them.
            let text = [
                "",
                "{}",
                "no policy",
                r#"{"Statement":"nothing"}"#,
                r#"{"Statement":{"Sid":"l1"}}"#,
                r#"{"Id":"x","Statement":[{"Effect":"Deny"},{"Effect":"Allow","Sid":"l2"}]}"#,
            ][value as usize];
            (value > 0).then(|| text.to_owned())
        });
        changes.redrive_policy = number(&[0, 1, 2, 3]).map(|value| {
            let target = ["a", "b", "a.fifo", "ab.fifo"][value as usize];
            (target != "b").then(|| RedrivePolicy {
                // Different ways to write one thing.
                text: format!("{target}{}", changes.delay_seconds.is_some()),
                target: QueueArn::from(&default_key(target)),
                receives_max: 3,
            })
        });
        changes.redrive_allow_policy = number(&[0, 1, 2, 3]).map(|value| {
            let permission = match value {
                0 => return None,
                1 => RedrivePermission::AllowAll,
                2 => RedrivePermission::DenyAll,
                _ => RedrivePermission::ByQueue(vec![QueueArn::from(&default_key("ab"))]),
            };
            Some(RedriveAllowPolicy {
                text: value.to_string(),
                permission,
            })
        });
        let mut flag = || number(&[0, 1]).map(|value| value == 1);
        changes.sqs_managed_sse_enabled = flag();
        if fifo {
            changes.content_based_deduplication = flag();
            changes.deduplication_scope = flag().map(|message_group| match message_group {
                true => DeduplicationScope::MessageGroup,
                false => DeduplicationScope::Queue,
            });
            changes.fifo_throughput_limit = flag().map(|per_group| match per_group {
                true => FifoThroughputLimit::PerMessageGroupId,
                false => FifoThroughputLimit::PerQueue,
            });
        }
        changes
    }

    /// A report about work that there is, or nearly.
    fn work_done(&mut self, model: &Model) -> Command {
        let items = model.queues.iter().flat_map(|queue| {
            let work = queue.work.iter();
            work.map(|(kind, (number, _))| (queue.seen.info.id, *kind, *number))
        });
        let items: Vec<_> = items.collect();
        let (queue, kind, mut number) = if items.is_empty() {
            (self.queue(model), WorkKind::Configure, 1)
        } else {
            items[self.random.below(items.len() as u64) as usize]
        };
        // The format has no number for drops.
        if kind != WorkKind::Drop && self.random.once_in(8) {
            number = number.wrapping_add(self.random.below(3)).saturating_sub(1);
        }
        let some = self.random.once_in(2);
        let shards = some.then(|| {
            let shards = (0..SHARD_COUNT).map(ShardId);
            shards.filter(|_| self.random.once_in(2)).collect()
        });
        Command::WorkDone(WorkDone {
            queue,
            kind,
            number,
            shards,
        })
    }

    /// The next stamp: mostly a little later, sometimes far ahead or behind.
    pub(crate) fn now_ms(&mut self, clock: u64) -> u64 {
        match self.random.below(12) {
            0 => self.random.below(clock + 1),
            1 => clock + self.random.below(200_000),
            2 => clock + 60_000,
            3 => clock + 59_999,
            _ => clock.max(self.start_ms) + self.random.below(8_000),
        }
    }
}
