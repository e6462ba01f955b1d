//! Many random runs by seed against the reference, on replicas that restart, crash and are copied:
//! `SQUORUM_SEED=n` plays one of them, `SQUORUM_LONG=1` many more.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use squorum_meta::{Applied, Command, Outcome, Refusal, WorkItem, WorkKind, key_range, read};
use squorum_proto::meta as proto;
use squorum_store::{Cursor, Random, Store, View, digest_range};
use squorum_types::{QueueId, QueueName};

use crate::generator::Generator;
use crate::model::{Model, Seen, SeenQueue};
use crate::replica::{Log, Replica};
use crate::support::entry;
use crate::{seed, size};

const ENTRIES: usize = 400;

#[test]
fn does_what_the_reference_does() {
    let runs = size(40, 4_000) as u64;
    let seeds = seed().map_or(1..=runs, |seed| seed..=seed);
    let mut seen = BTreeMap::new();
    for seed in seeds {
        match std::panic::catch_unwind(|| Run::new(seed).play()) {
            Ok(outcomes) => outcomes.into_iter().for_each(|outcome| {
                *seen.entry(kind_of(&outcome)).or_insert(0_u64) += 1;
            }),
            Err(panic) => {
                eprintln!("failed with SQUORUM_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    println!("{seen:?}");
    assert!(
        seen.len() == OUTCOME_KINDS || crate::seed().is_some(),
        "the commands do not reach every outcome: {seen:?}"
    );
}

/// Variants of [`Seen`].
const OUTCOME_KINDS: usize = 37;

fn kind_of(outcome: &Seen) -> String {
    let text = format!("{outcome:?}");
    let end = text.find('(').unwrap_or(text.len());
    text[..end].to_owned()
}

struct Run {
    generator: Generator,
    chance: Random,
    model: Model,
    log: Log,
    leader: Replica,
    follower: Replica,
    outcomes: Vec<Seen>,
}

impl Run {
    fn new(seed: u64) -> Run {
        let replica = || Replica::open(squorum_store::memory::MemoryStore::new());
        Run {
            generator: Generator::new(seed),
            chance: Random::new(!seed),
            model: Model::default(),
            log: Log::default(),
            leader: replica(),
            follower: replica(),
            outcomes: Vec::new(),
        }
    }

    fn play(mut self) -> Vec<Seen> {
        for _ in 0..ENTRIES {
            self.step();
            self.disturb();
        }
        self.follower.apply_to(&mut self.log, ENTRIES);
        self.drain();
        let digest = |replica: &Replica| {
            let range = key_range();
            digest_range(&replica.store, &range.start..&range.end).unwrap()
        };
        let end = self.log.entries.len();
        self.follower.apply_to(&mut self.log, end);
        assert_eq!(digest(&self.leader), digest(&self.follower));
        self.outcomes
    }

    /// One entry on the leader and on the reference.
    fn step(&mut self) {
        let now_ms = self.generator.now_ms(self.model.clock);
        let first_stamp = self.generator.random.once_in(30);
        let before = self.model.clone();
        self.model.begin_entry(now_ms, first_stamp);
        let mut commands = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..self.generator.random.below(6) {
            let (command, call) = self.generator.command(&self.model);
            let (command, seen) = match (self.generator.random.below(40), call) {
                (0, _) => spoil(&command),
                (_, None) => ((&command).into(), self.model.apply(&command)),
                (_, Some(id)) => {
                    let seen = self.model.apply_call(&command, id);
                    (command.of_call(id), seen)
                }
            };
            commands.push(command);
            expected.push(seen);
        }
        self.model.end_entry();
        let entry = proto::Entry {
            now_ms,
            first_stamp,
            commands,
        };
        let applied = self.apply(&entry);
        let outcomes: Vec<Seen> = applied.outcomes.iter().map(Seen::from).collect();
        assert_eq!(outcomes, expected, "outcomes of {entry:?}");
        self.outcomes.extend(outcomes);
        self.check_effects(&before, &applied);
        self.check_reads();
    }

    fn apply(&mut self, entry: &proto::Entry) -> Applied {
        self.log.entries.push(entry.encode_to_vec());
        let end = self.log.entries.len();
        self.leader.apply_to(&mut self.log, end).pop().unwrap()
    }

    fn check_effects(&self, before: &Model, applied: &Applied) {
        let same_members = before.members.roster(0) == self.model.members.roster(0);
        assert_eq!(applied.members_changed, !same_members);
        assert_eq!(applied.ended_work, self.model.ended);
        assert_eq!(applied.new_work, self.model.new_work);
        let cluster = |model: &Model| format!("{:?}", model.cluster);
        assert!(applied.cluster_changed || cluster(before) == cluster(&self.model));
        let changed: BTreeSet<QueueId> = applied
            .changed_queues
            .iter()
            .map(|change| change.id)
            .collect();
        for (position, queue) in self.model.queues.iter().enumerate() {
            let same = before
                .queues
                .get(position)
                .is_some_and(|before| before.seen == queue.seen && before.dropped == queue.dropped);
            assert!(same || changed.contains(&queue.seen.info.id));
        }
        for change in &applied.changed_queues {
            let queue = &self.model.queues[change.id.0 as usize - 1];
            assert_eq!(change.key, queue.key);
        }
    }

    /// Everything that can be read is what the reference has.
    fn check_reads(&mut self) {
        let view = self.leader.store.snapshot();
        assert_eq!(self.leader.meta.clock().0, self.model.clock);
        assert_eq!(
            read::cluster(&view).unwrap().as_ref(),
            self.leader.meta.cluster()
        );
        let key = self.generator.key();
        let found = read::find_queue(&view, &key.account, &key.region, &key.name).unwrap();
        let expected = self.model.live(&key).map(|queue| queue.seen.clone());
        assert_eq!(found.as_ref().map(SeenQueue::from), expected);
        let id = QueueId(self.chance.below(self.model.queues.len() as u64 + 2));
        let known = self.model.queues.get((id.0 as usize).wrapping_sub(1));
        let expected = known
            .filter(|queue| !queue.dropped)
            .map(|queue| queue.seen.clone());
        let found = read::queue(&view, id).unwrap();
        assert_eq!(found.as_ref().map(SeenQueue::from), expected);
        let tags = known.filter(|queue| queue.deleted_at.is_none());
        let tags = tags.map(|queue| queue.tags.clone());
        assert_eq!(read::tags(&view, id).unwrap(), tags);
        let roster = read::roster(&view).unwrap();
        assert_eq!(roster, self.model.members.roster(roster.version));
        self.check_list(&view);
        self.check_dead_letter_sources(&view);
        self.check_move_tasks(&view);
        self.check_work(&view);
    }

    fn check_list(&mut self, view: &impl View) {
        let key = self.generator.key();
        let prefix = ["", "", "a", "ab", "a.", "\u{ff}"][self.chance.below(6) as usize];
        let after = self.chance.once_in(2).then(|| self.generator.key().name);
        let count_max = self.chance.below(5) as usize;
        let list = read::list_queues(
            view,
            &key.account,
            &key.region,
            prefix,
            after.as_ref(),
            count_max,
        )
        .unwrap();
        let live = self.model.queues.iter().filter(|queue| {
            queue.deleted_at.is_none()
                && queue.key.account == key.account
                && queue.key.region == key.region
                && queue.key.name.as_str().starts_with(prefix)
                && after.as_ref().is_none_or(|after| queue.key.name > *after)
        });
        let mut names: Vec<&QueueName> = live.map(|queue| &queue.key.name).collect();
        names.sort();
        assert_eq!(list.more, names.len() > count_max);
        names.truncate(count_max);
        let listed: Vec<_> = list.queues.iter().map(|info| &info.name).collect();
        assert_eq!(listed, names);
    }

    fn check_move_tasks(&mut self, view: &impl View) {
        let live = self.model.queues.iter();
        let live = live.filter(|queue| queue.deleted_at.is_none());
        let mut active = Vec::new();
        for queue in live {
            let id = queue.seen.info.id;
            let last: Vec<_> = queue.tasks.iter().take(10).cloned().collect();
            assert_eq!(read::move_tasks(view, id).unwrap(), last);
            active.extend(
                last.iter()
                    .any(|task| task.status.is_active())
                    .then_some(id),
            );
        }
        assert_eq!(read::active_moves(view, usize::MAX).unwrap(), active);
    }

    fn check_dead_letter_sources(&mut self, view: &impl View) {
        let target = self.generator.key();
        let after = self.chance.once_in(2).then(|| self.generator.key().name);
        let count_max = self.chance.below(5) as usize;
        let list = read::list_dead_letter_sources(view, &target, after.as_ref(), count_max);
        let list = list.unwrap();
        let mut sources = self.model.dead_letter_sources(&target);
        sources.retain(|id| {
            let name = &self.model.queues[id.0 as usize - 1].key.name;
            after.as_ref().is_none_or(|after| name > after)
        });
        assert_eq!(list.more, sources.len() > count_max);
        sources.truncate(count_max);
        let listed: Vec<_> = list.queues.iter().map(|info| info.id).collect();
        assert_eq!(listed, sources);
    }

    /// Reads all work in small pages.
    fn check_work(&mut self, view: &impl View) {
        let page = 1 + self.chance.below(4) as usize;
        let mut items: Vec<WorkItem> = Vec::new();
        loop {
            let after = items.last().map(|item| (item.queue, item.kind));
            let more = read::work(view, after, page).unwrap();
            let last = more.len() < page;
            items.extend(more);
            if last {
                break;
            }
        }
        let mut expected = Vec::new();
        for queue in &self.model.queues {
            for kind in WorkKind::ALL {
                let item = queue.work.get(&kind).map(|(number, shards)| WorkItem {
                    queue: queue.seen.info.id,
                    kind,
                    number: *number,
                    pending_shards: shards.iter().copied().collect(),
                });
                let found = read::work_of(view, queue.seen.info.id, kind);
                assert_eq!(found.unwrap(), item);
                expected.extend(item);
            }
        }
        assert_eq!(items, expected);
    }

    /// What happens to processes.
    fn disturb(&mut self) {
        let end = self.log.entries.len();
        match self.chance.below(20) {
            0 => self.leader.restart(),
            1 => self.leader.store.flush().unwrap(),
            2 => {
                self.leader.crash(self.chance.next_u64());
                self.leader.apply_to(&mut self.log, end);
            }
            3 => self.follower.crash(self.chance.next_u64()),
            4 => self.follower = self.leader.copy(),
            5 => self.follower.store.flush().unwrap(),
            6..12 => {
                let lag = (end - self.follower.applied) as u64;
                let next = self.follower.applied + self.chance.below(lag + 1) as usize;
                self.follower.apply_to(&mut self.log, next);
            }
            _ => {}
        }
    }

    /// After a minute of log time and enough ticks, only rows of what there is are left.
    fn drain(&mut self) {
        self.apply(&entry(self.model.clock + 60_000, &[]));
        while self.apply(&entry(0, &[Command::Tick])).background_work {}
        let mut rows = 2 + usize::from(self.model.cluster.is_some());
        rows += usize::from(!self.model.members.is_empty());
        for queue in &self.model.queues {
            rows += match (queue.deleted_at, queue.dropped) {
                (None, _) => 2,
                (Some(_), false) => 1,
                (Some(_), true) => 0,
            };
            rows += queue.work.len();
            rows += usize::from(queue.deleted_at.is_none() && !queue.tags.is_empty());
            if queue.deleted_at.is_none() && !queue.tasks.is_empty() {
                let active = queue.tasks.iter().any(|task| task.status.is_active());
                rows += 1 + usize::from(active);
            }
            let policy = queue.seen.info.attributes.redrive_policy.as_ref();
            rows += usize::from(queue.deleted_at.is_none() && policy.is_some());
        }
        let range = key_range();
        let tables = [range.start.as_ref(), &[1]].concat();
        let mut cursor = self.leader.store.scan(&tables..&range.end).unwrap();
        let mut found = 0;
        while cursor.next().unwrap().is_some() {
            found += 1;
        }
        assert_eq!(found, rows, "rows are left over or missing");
    }
}

/// A command that nobody makes: it must be refused and do nothing.
fn spoil(command: &Command) -> (proto::Command, Seen) {
    use squorum_proto::meta::command::Operation;
    let mut spoilt = proto::Command::from(command);
    let what = match spoilt.operation.as_mut().unwrap() {
        Operation::CreateQueue(create) => {
            create.account = "1".to_owned();
            "account"
        }
        Operation::SetAttributes(set) => {
            set.request_id = vec![1; 15].into();
            "request id"
        }
        Operation::Purge(purge) => {
            purge.request_id = vec![1; 17].into();
            "request id"
        }
        Operation::Found(found) => {
            found.shard_count = 65_536;
            "shard count"
        }
        Operation::WorkDone(done) => {
            done.shards = vec![65_536];
            "shard"
        }
        operation => {
            *operation = Operation::RaiseFeatureLevel(proto::RaiseFeatureLevel {
                feature_level: Some(proto::FeatureLevel {
                    level: 1,
                    minimum: 2,
                }),
            });
            "feature level"
        }
    };
    let seen = Seen::from(&Outcome::Refused(Refusal::Malformed(what)));
    (spoilt, seen)
}
