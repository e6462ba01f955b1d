//! Rules that random commands do not reach.

use prost::Message;
use squorum_meta::command::{
    CreateQueueOutcome, DeleteQueue, FoundOutcome, Purge, PurgeOutcome, SetAttributes, WorkDone,
};
use squorum_meta::{
    CLOCK_STEP_MS_MAX, Command, FEATURE_LEVEL, FeatureLevel, FeatureLevelError, Meta, MetaError,
    Outcome, Refusal, WorkKind, key_range, read,
};
use squorum_proto::meta as proto;
use squorum_store::memory::MemoryStore;
use squorum_store::{Store, View, WriteBatch, digest_range};
use squorum_types::{AttributeChanges, QueueId};

use crate::support::{apply, create_command, entry, found, founded, request};

fn digest(view: &impl View) -> u64 {
    let range = key_range();
    digest_range(view, &range.start..&range.end).unwrap()
}

fn one(store: &MemoryStore, meta: &mut Meta, now_ms: u64, command: Command) -> Outcome {
    let mut applied = apply(store, meta, &entry(now_ms, &[command])).unwrap();
    applied.outcomes.pop().unwrap()
}

fn delete(queue: u64) -> Command {
    Command::DeleteQueue(DeleteQueue {
        queue: QueueId(queue),
    })
}

/// An entry of a newer version stops the node before anything of it happens.
#[test]
fn refuses_entries_that_it_does_not_know() {
    let newer = FeatureLevel {
        level: FEATURE_LEVEL + 1,
        minimum: FEATURE_LEVEL + 1,
    };
    let error = MetaError::FeatureLevel(FeatureLevelError {
        minimum: FEATURE_LEVEL + 1,
        known: FEATURE_LEVEL,
    });
    // Command.operation number 39 with an empty message.
    let command = proto::Command::decode([0xba, 0x02, 0x00].as_slice()).unwrap();
    let no_kind = proto::WorkDone {
        queue: 1,
        ..proto::WorkDone::default()
    };
    let no_kind = proto::Command {
        operation: Some(proto::command::Operation::WorkDone(no_kind)),
        ..proto::Command::default()
    };
    let raise = (&Command::RaiseFeatureLevel(newer)).into();
    let unknown = |what| MetaError::UnknownEntry { what };
    let cases = [
        (command, unknown("a command")),
        (no_kind, unknown("a kind of work")),
        (raise, error),
    ];
    for (command, expected) in cases {
        let (store, mut meta) = founded();
        let before = (meta.clone(), digest(&store));
        let mut entry = entry(
            2_000_000,
            &[create_command("a", AttributeChanges::default(), 1)],
        );
        entry.commands.push(command);
        assert_eq!(apply(&store, &mut meta, &entry), Err(expected));
        assert_eq!((meta, digest(&store)), before);
    }
}

#[test]
fn does_not_open_what_a_newer_version_left() {
    let store = MemoryStore::new();
    let mut batch = WriteBatch::new();
    let row = proto::StateRow {
        format: 2,
        ..proto::StateRow::default()
    };
    batch.put(vec![0, 0, 0, 0, 1], row.encode_to_vec());
    store.commit(batch).unwrap();
    let error = MetaError::UnknownFormat {
        format: 2,
        known: 1,
    };
    assert_eq!(Meta::open(&store), Err(error));

    let (store, meta) = founded();
    let mut row = proto::ClusterRow::from(meta.cluster().unwrap());
    row.feature_level = Some(proto::FeatureLevel {
        level: FEATURE_LEVEL + 2,
        minimum: FEATURE_LEVEL + 1,
    });
    let mut batch = WriteBatch::new();
    batch.put(vec![0, 0, 0, 0, 3], row.encode_to_vec());
    store.commit(batch).unwrap();
    let error = Meta::open(&store).unwrap_err();
    let text = "cluster needs feature level 2, this version of squorum has 1";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_damaged_row_is_an_error() {
    let (store, _) = founded();
    let mut batch = WriteBatch::new();
    batch.put(vec![0, 0, 0, 0, 3], vec![0xff]);
    store.commit(batch).unwrap();
    let error = Meta::open(&store).unwrap_err().to_string();
    assert!(error.contains("cluster row of meta"), "{error}");
}

#[test]
fn the_clock_goes_forward_by_steps() {
    let store = MemoryStore::new();
    let mut meta = Meta::open(&store).unwrap();
    let start = 1_700_000_000_000;
    let step = CLOCK_STEP_MS_MAX;
    let mut run = |now_ms, first_stamp, clock| {
        let entry = proto::Entry {
            now_ms,
            first_stamp,
            commands: Vec::new(),
        };
        apply(&store, &mut meta, &entry).unwrap();
        assert_eq!(meta.clock().0, clock);
    };
    run(start, false, start);
    run(start + 10, false, start + 10);
    run(start - 1, true, start + 10);
    run(start + step * 9, false, start + step + 10);
    run(0, false, start + step + 10);
    run(start + step * 9, true, start + step * 9);
    run(u64::MAX, false, start + step * 10);
}

/// AWS's two rules of sixty seconds, to the millisecond, and what retries find.
#[test]
fn the_life_of_a_queue() {
    let (store, mut meta) = founded();
    let create = |number| create_command("a", AttributeChanges::default(), number);
    let purge = |number| {
        Command::Purge(Purge {
            queue: QueueId(1),
            request_id: request(number),
            allows_recent_purge: false,
        })
    };
    let mut run = |now_ms, command| one(&store, &mut meta, now_ms, command);
    let purged = |purge_id| Outcome::Purge(PurgeOutcome::Purging { purge_id });
    let id_of = |outcome: Outcome| match outcome {
        Outcome::CreateQueue(CreateQueueOutcome::Created(record)) => Some(record.info.id.0),
        _ => None,
    };

    assert_eq!(id_of(run(1_000_000, create(1))), Some(1));
    assert_eq!(id_of(run(1_000_001, create(1))), Some(1), "a retry");
    assert!(matches!(
        run(1_000_002, create(2)),
        Outcome::CreateQueue(CreateQueueOutcome::Exists(_))
    ));

    assert_eq!(run(1_010_000, purge(3)), purged(1));
    assert_eq!(run(1_010_001, purge(3)), purged(1), "a retry");
    let in_progress = Outcome::Purge(PurgeOutcome::InProgress);
    assert_eq!(run(1_069_999, purge(4)), in_progress);
    assert_eq!(run(1_070_000, purge(4)), purged(2));

    run(1_080_000, delete(1));
    assert_eq!(id_of(run(1_080_001, create(1))), Some(1), "a late retry");
    let deleted_recently = Outcome::CreateQueue(CreateQueueOutcome::DeletedRecently);
    assert_eq!(run(1_139_999, create(5)), deleted_recently);
    assert_eq!(id_of(run(1_140_000, create(5))), Some(2));

    // The old queue is still being dropped.
    let items = read::work(&store, None, 10).unwrap();
    let items: Vec<_> = items.iter().map(|item| (item.queue.0, item.kind)).collect();
    assert_eq!(items, [(1, WorkKind::Drop), (2, WorkKind::Configure)]);
    let done = WorkDone {
        queue: QueueId(1),
        kind: WorkKind::Drop,
        number: 0,
        shards: None,
    };
    one(&store, &mut meta, 0, Command::WorkDone(done));
    assert_eq!(read::queue(&store, QueueId(1)).unwrap(), None);
    assert!(read::queue(&store, QueueId(2)).unwrap().is_some());
}

/// A simulated clock may begin at 0.
#[test]
fn nothing_was_deleted_or_purged_at_the_beginning_of_time() {
    let store = MemoryStore::new();
    let mut meta = Meta::open(&store).unwrap();
    let commands = [
        Command::Found(found()),
        create_command("a", AttributeChanges::default(), 1),
        Command::Purge(Purge {
            queue: QueueId(1),
            request_id: request(2),
            allows_recent_purge: false,
        }),
        delete(1),
        create_command("a", AttributeChanges::default(), 3),
    ];
    let applied = apply(&store, &mut meta, &entry(5, &commands)).unwrap();
    let purged = Outcome::Purge(PurgeOutcome::Purging { purge_id: 1 });
    assert_eq!(applied.outcomes[2], purged);
    let deleted = Outcome::CreateQueue(CreateQueueOutcome::DeletedRecently);
    assert_eq!(applied.outcomes[4], deleted);
}

#[test]
fn founding_again_changes_nothing() {
    let (store, mut meta) = founded();
    let mut again = found();
    again.shard_count = 3;
    let outcome = one(&store, &mut meta, 2_000_000, Command::Found(again));
    let cluster = meta.cluster().unwrap().clone();
    assert_eq!(cluster.shard_count, found().shard_count);
    assert_eq!(
        outcome,
        Outcome::Found(FoundOutcome::Founded(Box::new(cluster)))
    );
}

/// What would break a queue for ever is refused, not believed.
#[test]
fn refuses_queues_that_make_no_sense() {
    let (store, mut meta) = founded();
    let mut refusal = |name: &str, change: fn(&mut squorum_meta::command::CreateQueue)| {
        let Command::CreateQueue(mut create) = create_command(name, AttributeChanges::default(), 1)
        else {
            unreachable!()
        };
        change(&mut create);
        one(&store, &mut meta, 0, Command::CreateQueue(create))
    };
    let malformed = |what| Outcome::Refused(Refusal::Malformed(what));
    assert_eq!(
        refusal("a", |create| create.partition_count = 0),
        malformed("partition count")
    );
    assert_eq!(
        refusal("a.fifo", |create| create.partition_count = 2),
        malformed("partition count")
    );
    assert_eq!(
        refusal("a.fifo", |create| create.attributes.fifo = None),
        malformed("queue name for the kind of queue")
    );
    assert_eq!(
        refusal("a", |create| create.given.content_based_deduplication =
            Some(false)),
        Outcome::Refused(Refusal::FifoOnly {
            attribute: "ContentBasedDeduplication"
        })
    );
    assert_eq!(read::work(&store, None, 1).unwrap(), []);
}

/// As long as proposals did not bear the id of their call, retries of an earlier call than the last
/// one counted as a new call. Logs have such commands.
#[test]
fn only_the_last_change_of_attributes_is_remembered() {
    let (store, mut meta) = founded();
    one(
        &store,
        &mut meta,
        0,
        create_command("a", AttributeChanges::default(), 1),
    );
    let mut set = |delay, number| {
        let changes = AttributeChanges {
            delay_seconds: Some(delay),
            ..AttributeChanges::default()
        };
        let set = SetAttributes {
            queue: QueueId(1),
            changes,
            request_id: request(number),
            refuses_conflicts: false,
        };
        one(&store, &mut meta, 0, Command::SetAttributes(Box::new(set)));
        let info = read::queue(&store, QueueId(1)).unwrap().unwrap().info;
        (info.version, info.attributes.delay_seconds)
    };
    assert_eq!(set(10, 2), (2, 10));
    assert_eq!(set(10, 2), (2, 10));
    assert_eq!(set(20, 3), (3, 20));
    assert_eq!(set(10, 2), (4, 10));
}

/// However many names are forgotten at one moment, no entry does much.
#[test]
fn deleted_names_are_swept_by_budget() {
    let (store, mut meta) = founded();
    const QUEUES: u64 = 200;
    for number in 1..=QUEUES {
        let create = create_command(&format!("q{number}"), AttributeChanges::default(), number);
        apply(
            &store,
            &mut meta,
            &entry(1_000_000, &[create, delete(number)]),
        )
        .unwrap();
    }
    let remembered = || {
        let mut cursor = store.scan(&[0, 0, 0, 0, 6]..&[0, 0, 0, 0, 8]).unwrap();
        let mut rows = 0;
        while squorum_store::Cursor::next(&mut cursor).unwrap().is_some() {
            rows += 1;
        }
        rows
    };
    let mut tick = |now_ms| {
        let applied = apply(&store, &mut meta, &entry(now_ms, &[Command::Tick])).unwrap();
        (remembered(), applied.background_work)
    };
    assert_eq!(tick(1_059_999), (400, false));
    assert_eq!(tick(1_060_000), (272, true));
    assert_eq!(tick(1_060_000), (144, true));
    assert_eq!(tick(1_060_000), (16, true));
    assert_eq!(tick(1_060_000), (0, false));
    assert_eq!(tick(1_120_000), (0, false));
}
