//! A command that is proposed again has the first one's outcome, whatever happened in between.

use std::path::Path;

use squorum_meta::command::{
    AddPermission, CancelMove, CancelMoveOutcome, CreateQueueOutcome, DeleteQueue,
    DeleteQueueOutcome, PermissionOutcome, RemovePermission, ReportMove, SetAttributes,
    SetAttributesOutcome, StartMove, StartMoveOutcome, TagQueue, TagsOutcome, WorkDone,
};
use squorum_meta::{
    CALL_MEMORY_MS, CALLS_MAX, Command, Meta, Outcome, Refusal, WorkKind, key_range, read,
};
use squorum_proto::meta as proto;
use squorum_store::memory::MemoryStore;
use squorum_store::{Cursor, Store, View};
use squorum_types::service::MoveStatus;
use squorum_types::{
    AccountId, AttributeChanges, Permission, PermissionRefusal, QueueArn, QueueId, RedrivePolicy,
};

use crate::support::{apply, create_command, default_key, entry, founded, request};

const QUEUE: QueueId = QueueId(1);

struct Run {
    store: MemoryStore,
    meta: Meta,
}

impl Run {
    /// With a queue that the call 1 has made.
    fn new() -> Run {
        let (store, meta) = founded();
        let mut run = Run { store, meta };
        run.call(1, &create("a"));
        run
    }

    fn call(&mut self, call: u64, command: &Command) -> Outcome {
        self.call_at(0, call, command)
    }

    fn call_at(&mut self, now_ms: u64, call: u64, command: &Command) -> Outcome {
        let entry = proto::Entry {
            commands: vec![command.of_call(request(call))],
            ..entry(now_ms, &[])
        };
        let applied = apply(&self.store, &mut self.meta, &entry);
        applied.unwrap().outcomes.pop().unwrap()
    }

    /// The queue's version, delay and policy.
    fn attributes(&self) -> (u64, u32, Option<String>) {
        let info = read::queue(&self.store, QUEUE).unwrap().unwrap().info;
        let attributes = info.attributes;
        (info.version, attributes.delay_seconds, attributes.policy)
    }

    fn value(&self, tag: &str) -> Option<String> {
        let tags = read::tags(&self.store, QUEUE).unwrap().unwrap();
        tags.get(tag).cloned()
    }

    /// Rows of the two tables of calls.
    fn rows(&self) -> usize {
        let mut cursor = self.store.scan(&[0, 0, 0, 0, 12]..&[0, 0, 0, 0, 14]);
        let cursor = cursor.as_mut().unwrap();
        let mut rows = 0;
        while cursor.advance().unwrap() {
            rows += 1;
        }
        rows
    }

    /// Goes on with a copy of the rows, as a replica does that a snapshot was sent to.
    fn copy(&mut self) {
        let range = key_range();
        let mut rows = Vec::new();
        let mut cursor = self.store.scan(&range.start..&range.end).unwrap();
        while let Some((key, value)) = cursor.next().unwrap() {
            rows.push(Ok((key.to_vec().into(), value.to_vec().into())));
        }
        drop(cursor);
        self.store = MemoryStore::new();
        let mut rows = rows.into_iter();
        let replaced = self.store.replace_range(range, &mut rows, Path::new(""));
        replaced.unwrap();
        self.meta = Meta::open(&self.store).unwrap();
    }
}

fn create(name: &str) -> Command {
    create_command(name, AttributeChanges::default(), 1)
}

fn set_delay(seconds: u32) -> Command {
    Command::SetAttributes(Box::new(SetAttributes {
        queue: QUEUE,
        changes: AttributeChanges {
            delay_seconds: Some(seconds),
            ..AttributeChanges::default()
        },
        request_id: request(u64::from(seconds)),
        refuses_conflicts: true,
    }))
}

fn add(label: &str) -> Command {
    Command::AddPermission(Box::new(AddPermission {
        queue: QUEUE,
        permission: Permission {
            label: label.to_owned(),
            accounts: vec![AccountId::default()],
            actions: vec!["SendMessage".to_owned()],
        },
        request_id: request(70),
    }))
}

fn remove(label: &str) -> Command {
    Command::RemovePermission(Box::new(RemovePermission {
        queue: QUEUE,
        label: label.to_owned(),
        request_id: request(71),
    }))
}

fn tag(value: &str) -> Command {
    Command::TagQueue(Box::new(TagQueue {
        queue: QUEUE,
        tags: [("k".to_owned(), value.to_owned())].into(),
    }))
}

const DELETE: Command = Command::DeleteQueue(DeleteQueue { queue: QUEUE });

fn dropped() -> Command {
    Command::WorkDone(WorkDone {
        queue: QUEUE,
        kind: WorkKind::Drop,
        number: 0,
        shards: None,
    })
}

#[test]
fn a_deletion_is_its_calls_also_when_the_drop_is_done() {
    let mut run = Run::new();
    let dropping = Outcome::DeleteQueue(DeleteQueueOutcome::Dropping);
    assert_eq!(run.call(2, &DELETE), dropping);
    run.call(3, &dropped());
    assert_eq!(run.call(2, &DELETE), dropping);
    let gone = Outcome::DeleteQueue(DeleteQueueOutcome::Dropped);
    assert_eq!(run.call(4, &DELETE), gone, "another call");
    assert!(read::work(&run.store, None, 1).unwrap().is_empty());
}

#[test]
fn a_creation_is_its_calls_also_when_the_queue_is_gone() {
    let mut run = Run::new();
    let created = |outcome| match outcome {
        Outcome::CreateQueue(CreateQueueOutcome::Created(record)) => (record.info, record.dropping),
        other => panic!("{other:?}"),
    };
    run.call(2, &set_delay(5));
    let (info, dropping) = created(run.call(1, &create("a")));
    assert_eq!((info.version, dropping), (2, false), "as it is now");
    run.call(3, &DELETE);
    assert!(created(run.call(1, &create("a"))).1);
    run.call(4, &dropped());
    let (info, _) = created(run.call(1, &create("a")));
    assert_eq!((info.id, info.version), (QUEUE, 1), "as it was made");
    assert_eq!(info.created_at.0, 1_000_000);
    assert_eq!(read::queue(&run.store, QUEUE).unwrap(), None);
}

#[test]
fn attributes_stay_what_a_later_call_has_set() {
    let mut run = Run::new();
    let set = Outcome::SetAttributes(SetAttributesOutcome::Set);
    assert_eq!(run.call(2, &set_delay(10)), set);
    assert_eq!(run.call(3, &set_delay(20)), set);
    assert_eq!(run.call(2, &set_delay(10)), set);
    assert_eq!(run.attributes(), (3, 20, None));
}

#[test]
fn permissions_are_added_and_removed_once() {
    let mut run = Run::new();
    let changed = Outcome::Permission(PermissionOutcome::Changed);
    assert_eq!(run.call(2, &add("l")), changed);
    run.call(3, &set_delay(1));
    run.call(4, &set_delay(2));
    assert_eq!(run.call(2, &add("l")), changed);
    let twice = Outcome::Permission(PermissionOutcome::Refused(PermissionRefusal::LabelExists));
    assert_eq!(run.call(5, &add("l")), twice, "another call");
    assert_eq!(run.call(6, &remove("l")), changed);
    run.call(7, &set_delay(3));
    assert_eq!(run.call(6, &remove("l")), changed);
    // The first call's statement does not come again.
    assert_eq!(run.call(2, &add("l")), changed);
    assert_eq!(run.attributes(), (6, 3, None));
}

#[test]
fn tags_stay_what_a_later_call_has_set() {
    let mut run = Run::new();
    let changed = Outcome::Tags(TagsOutcome::Changed);
    for (call, value) in [(2, "first"), (3, "second"), (2, "first")] {
        assert_eq!(run.call(call, &tag(value)), changed);
    }
    assert_eq!(run.value("k").as_deref(), Some("second"));
}

#[test]
fn a_task_is_cancelled_also_when_it_has_ended() {
    let mut run = Run::new();
    let towards = AttributeChanges {
        redrive_policy: Some(Some(RedrivePolicy {
            text: "text".to_owned(),
            target: QueueArn::from(&default_key("a")),
            receives_max: 1,
        })),
        ..AttributeChanges::default()
    };
    run.call(2, &create_command("source", towards, 2));
    let start = Command::StartMove(Box::new(StartMove {
        queue: QUEUE,
        destination: None,
        messages_per_second_max: None,
        to_move: 1,
        request_id: request(3),
    }));
    let Outcome::StartMove(StartMoveOutcome::Started(started)) = run.call(3, &start) else {
        panic!("not started");
    };
    let cancel = Command::CancelMove(CancelMove {
        queue: QUEUE,
        task_id: started.id,
    });
    let cancelling = run.call(4, &cancel);
    let report = Command::ReportMove(ReportMove {
        queue: QUEUE,
        number: started.number,
        moved: 0,
        end: Some(MoveStatus::Cancelled),
    });
    run.call(5, &report);
    assert_eq!(run.call(4, &cancel), cancelling);
    let over = Outcome::CancelMove(CancelMoveOutcome::NotRunning);
    assert_eq!(run.call(6, &cancel), over, "another call");
    let again = Outcome::StartMove(StartMoveOutcome::Started(started));
    assert_eq!(run.call(3, &start), again);
}

/// What did nothing is a call like any other when it comes again.
#[test]
fn a_refusal_is_not_kept() {
    let mut run = Run::new();
    let rows = run.rows();
    let outcome = run.call(2, &remove("l"));
    assert!(matches!(
        outcome,
        Outcome::Permission(PermissionOutcome::Refused(_))
    ));
    assert_eq!(run.rows(), rows);
    run.call(3, &add("l"));
    let changed = Outcome::Permission(PermissionOutcome::Changed);
    assert_eq!(run.call(2, &remove("l")), changed);
}

#[test]
fn a_snapshot_brings_what_is_remembered() {
    let mut run = Run::new();
    run.call(2, &tag("first"));
    run.call(3, &tag("second"));
    run.call(4, &DELETE);
    run.call(5, &dropped());
    let digest = run.meta.digest();
    run.copy();
    assert_eq!(run.meta.digest(), digest);
    let dropping = Outcome::DeleteQueue(DeleteQueueOutcome::Dropping);
    assert_eq!(run.call(4, &DELETE), dropping);
    let tagged = Outcome::Tags(TagsOutcome::Changed);
    assert_eq!(run.call(2, &tag("first")), tagged);
}

#[test]
fn a_call_is_forgotten_when_its_time_is_over() {
    let mut run = Run::new();
    let start = 1_000_000;
    run.call_at(start, 2, &tag("first"));
    run.call_at(start + 1, 3, &tag("second"));
    // The entry that lets the time be over still knows the call.
    run.call_at(start + CALL_MEMORY_MS, 2, &tag("first"));
    assert_eq!(run.value("k").as_deref(), Some("second"));
    assert_eq!(run.rows(), 2, "the third call");
    run.call_at(start + CALL_MEMORY_MS, 2, &tag("first"));
    assert_eq!(run.value("k").as_deref(), Some("first"));
}

/// However many calls there are in a minute, and however many are over at one moment.
#[test]
fn calls_are_bounded_and_swept_by_budget() {
    let mut run = Run::new();
    let most = CALLS_MAX as usize;
    let calls = (10..10 + CALLS_MAX).map(|call| tag("many").of_call(request(call)));
    let calls: Vec<_> = calls.collect();
    for commands in calls.chunks(1024) {
        let entry = proto::Entry {
            commands: commands.to_vec(),
            ..entry(1_000_000, &[])
        };
        apply(&run.store, &mut run.meta, &entry).unwrap();
    }
    assert_eq!(run.rows(), 2 * most);
    // The queue's creation was forgotten, not yet the first tag.
    run.call(9, &tag("last"));
    run.call(11, &tag("many"));
    assert_eq!(run.value("k").as_deref(), Some("last"));
    assert_eq!(run.rows(), 2 * most);

    let mut left = most;
    loop {
        let tick = entry(1_000_000 + CALL_MEMORY_MS, &[Command::Tick]);
        let applied = apply(&run.store, &mut run.meta, &tick).unwrap();
        left = left.saturating_sub(64);
        assert_eq!(run.rows(), 2 * left);
        assert_eq!(applied.background_work, left > 0);
        if left == 0 {
            break;
        }
    }
}

#[test]
fn an_id_that_is_none_is_refused() {
    let mut run = Run::new();
    let malformed = proto::Command {
        call_id: vec![1; 15].into(),
        ..(&tag("v")).into()
    };
    let entry = proto::Entry {
        commands: vec![malformed],
        ..entry(0, &[])
    };
    let applied = apply(&run.store, &mut run.meta, &entry).unwrap();
    let refused = Outcome::Refused(Refusal::Malformed("request id"));
    assert_eq!(applied.outcomes, [refused]);
    // Nor does one call do two things.
    let twice = Outcome::Refused(Refusal::Malformed("call id"));
    assert_eq!(run.call(1, &tag("v")), twice);
}
