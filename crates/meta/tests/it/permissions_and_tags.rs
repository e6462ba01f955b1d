//! Rules of permissions, tags and conflicts that random commands do not reach, or not by themselves.

use squorum_meta::command::{
    AddPermission, CreateQueueOutcome, DeleteQueue, PermissionOutcome, Purge, PurgeOutcome,
    RemovePermission, SetAttributes, SetAttributesOutcome, TagQueue, TagsOutcome, UntagQueue,
};
use squorum_meta::{Command, Meta, Outcome, QueueRecord, Refusal, WorkKind, read};
use squorum_store::memory::MemoryStore;
use squorum_types::{
    AccountId, AttributeChanges, AttributeConflict, DeduplicationScope, FifoThroughputLimit,
    Permission, PermissionRefusal, QueueId, QueueTags,
};

use crate::support::{apply, create, create_command, default_key, entry, founded, request};

const QUEUE: QueueId = QueueId(1);

struct Run {
    store: MemoryStore,
    meta: Meta,
}

impl Run {
    /// With a queue of this name.
    fn new(name: &str) -> Run {
        let (store, meta) = founded();
        let mut run = Run { store, meta };
        run.one(create_command(name, AttributeChanges::default(), 1));
        run
    }

    fn one(&mut self, command: Command) -> Outcome {
        self.at(0, command)
    }

    fn at(&mut self, now_ms: u64, command: Command) -> Outcome {
        let entry = entry(now_ms, &[command]);
        let mut applied = apply(&self.store, &mut self.meta, &entry).unwrap();
        applied.outcomes.pop().unwrap()
    }

    fn record(&self) -> QueueRecord {
        read::queue(&self.store, QUEUE).unwrap().unwrap()
    }

    fn tags(&self) -> QueueTags {
        read::tags(&self.store, QUEUE).unwrap().unwrap()
    }

    fn set(&mut self, number: u64, changes: AttributeChanges) -> SetAttributesOutcome {
        let set = SetAttributes {
            queue: QUEUE,
            changes,
            request_id: request(number),
            refuses_conflicts: true,
        };
        match self.one(Command::SetAttributes(Box::new(set))) {
            Outcome::SetAttributes(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }
}

fn add(label: &str, number: u64) -> Command {
    let permission = Permission {
        label: label.to_owned(),
        accounts: vec![AccountId::default()],
        actions: vec!["SendMessage".to_owned()],
    };
    Command::AddPermission(Box::new(AddPermission {
        queue: QUEUE,
        permission,
        request_id: request(number),
    }))
}

fn remove(label: &str, number: u64) -> Command {
    Command::RemovePermission(Box::new(RemovePermission {
        queue: QUEUE,
        label: label.to_owned(),
        request_id: request(number),
    }))
}

fn tag(count: usize, value: &str) -> Command {
    let tags = (0..count).map(|number| (number.to_string(), value.to_owned()));
    Command::TagQueue(Box::new(TagQueue {
        queue: QUEUE,
        tags: tags.collect(),
    }))
}

/// A gateway that hears no answer proposes again: the label that it finds then is its own.
#[test]
fn a_permission_is_added_and_removed_once() {
    let mut run = Run::new("a");
    let changed =
        |outcome: &Outcome| matches!(outcome, Outcome::Permission(PermissionOutcome::Changed));
    let refused = |refusal| Outcome::Permission(PermissionOutcome::Refused(refusal));
    assert!(changed(&run.one(add("l", 2))));
    assert!(changed(&run.one(add("l", 2))), "a retry");
    assert_eq!(
        run.one(add("l", 3)),
        refused(PermissionRefusal::LabelExists)
    );
    assert_eq!(run.record().info.version, 2);
    let work = read::work_of(&run.store, QUEUE, WorkKind::Configure).unwrap();
    assert_eq!(work.map(|item| item.number), Some(2), "shards hear of it");

    assert!(changed(&run.one(remove("l", 4))));
    assert!(changed(&run.one(remove("l", 4))), "a retry");
    assert_eq!(run.record().info.attributes.policy, None);
    assert_eq!(
        run.one(remove("l", 5)),
        refused(PermissionRefusal::LabelMissing)
    );
    assert_eq!(run.record().info.version, 3);

    run.one(Command::DeleteQueue(DeleteQueue { queue: QUEUE }));
    let gone = Outcome::Permission(PermissionOutcome::NoSuchQueue);
    assert_eq!(run.one(add("l", 6)), gone);
    assert_eq!(run.one(remove("l", 7)), gone);
}

#[test]
fn what_cannot_become_a_statement_is_refused() {
    let mut run = Run::new("a");
    let mut refusal = |change: fn(&mut AddPermission)| {
        let Command::AddPermission(mut add) = add("l", 2) else {
            unreachable!()
        };
        change(&mut add);
        run.one(Command::AddPermission(add))
    };
    let malformed = |what| Outcome::Refused(Refusal::Malformed(what));
    for label in ["", "a b", "\"", &"l".repeat(81)] {
        assert_eq!(run_label(label), malformed("label"), "{label}");
    }
    let no_accounts = refusal(|add| add.permission.accounts.clear());
    assert_eq!(no_accounts, malformed("accounts"));
    let no_actions = refusal(|add| add.permission.actions.clear());
    assert_eq!(no_actions, malformed("actions"));
    let quote = refusal(|add| add.permission.actions.push("\"".to_owned()));
    assert_eq!(quote, malformed("actions"));
    let many = refusal(|add| add.permission.actions = vec!["SendMessage".to_owned(); 8]);
    assert_eq!(many, malformed("actions"));
}

fn run_label(label: &str) -> Outcome {
    Run::new("a").one(add(label, 2))
}

#[test]
fn a_queue_has_fifty_tags_at_most() {
    let mut run = Run::new("a");
    let outcome = |outcome| Outcome::Tags(outcome);
    assert_eq!(run.one(tag(49, "old")), outcome(TagsOutcome::Changed));
    assert_eq!(run.one(tag(50, "new")), outcome(TagsOutcome::Changed));
    let more = Command::TagQueue(Box::new(TagQueue {
        queue: QUEUE,
        tags: [("0", "newer"), ("more", "")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    }));
    assert_eq!(run.one(more.clone()), outcome(TagsOutcome::TooMany));
    assert_eq!(run.tags()["0"], "new", "all or none");
    let untag = Command::UntagQueue(Box::new(UntagQueue {
        queue: QUEUE,
        keys: vec!["49".to_owned(), "49".to_owned(), "none".to_owned()],
    }));
    assert_eq!(run.one(untag), outcome(TagsOutcome::Changed));
    assert_eq!(run.one(more), outcome(TagsOutcome::Changed));
    assert_eq!(run.tags().len(), 50);
    let malformed = Outcome::Refused(Refusal::Malformed("tags"));
    assert_eq!(run.one(tag(51, "")), malformed);
    assert_eq!(run.record().info.version, 1, "shards need not hear of tags");
}

#[test]
fn tags_go_with_their_queue_and_count_when_it_is_created_again() {
    let mut run = Run::new("a");
    run.one(tag(2, "v"));
    let mut again = |number: u64, tags: &[(&str, &str)]| {
        let given = AttributeChanges::default();
        let mut create = create(default_key("a"), given, request(number));
        let tags = tags.iter();
        create.tags = tags
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        create.allows_recent_deletion = true;
        match run.one(Command::CreateQueue(Box::new(create))) {
            Outcome::CreateQueue(CreateQueueOutcome::Exists(_)) => "exists",
            Outcome::CreateQueue(CreateQueueOutcome::TagsDiffer) => "tags differ",
            Outcome::CreateQueue(CreateQueueOutcome::Created(_)) => "created",
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(again(2, &[]), "exists");
    assert_eq!(again(3, &[("1", "v")]), "exists");
    assert_eq!(again(4, &[("0", "v"), ("1", "v")]), "exists");
    assert_eq!(again(5, &[("0", "other")]), "tags differ");
    assert_eq!(again(6, &[("0", "v"), ("2", "v")]), "tags differ");
    assert_eq!(
        again(1, &[("2", "v")]),
        "created",
        "a retry of the first call"
    );

    run.one(Command::DeleteQueue(DeleteQueue { queue: QUEUE }));
    assert_eq!(read::tags(&run.store, QUEUE).unwrap(), None);
    assert_eq!(run.one(tag(1, "")), Outcome::Tags(TagsOutcome::NoSuchQueue));
    run.one(create_command("b", AttributeChanges::default(), 7));
    assert_eq!(
        read::tags(&run.store, QueueId(2)).unwrap(),
        Some(QueueTags::new())
    );
}

/// Each call was well by itself; the second one came from a node that had not heard of the first.
#[test]
fn values_that_cannot_stand_together_are_refused_where_they_meet() {
    let mut run = Run::new("a.fifo");
    let key = AttributeChanges {
        kms_master_key_id: Some(Some("key".to_owned())),
        ..AttributeChanges::default()
    };
    let managed = AttributeChanges {
        sqs_managed_sse_enabled: Some(true),
        ..AttributeChanges::default()
    };
    let no_key = AttributeChanges {
        kms_master_key_id: Some(None),
        ..managed.clone()
    };
    assert!(matches!(run.set(2, key), SetAttributesOutcome::Set));
    let two = SetAttributesOutcome::Conflict(AttributeConflict::TwoEncryptions);
    assert_eq!(run.set(3, managed), two);
    assert!(matches!(run.set(4, no_key), SetAttributesOutcome::Set));
    assert!(run.record().info.attributes.sqs_managed_sse_enabled);

    let limit = AttributeChanges {
        fifo_throughput_limit: Some(FifoThroughputLimit::PerMessageGroupId),
        ..AttributeChanges::default()
    };
    let scope = |scope| AttributeChanges {
        deduplication_scope: Some(scope),
        ..AttributeChanges::default()
    };
    let alone = SetAttributesOutcome::Conflict(AttributeConflict::ThroughputLimitWithoutScope);
    assert_eq!(run.set(5, limit.clone()), alone);
    let group = run.set(6, scope(DeduplicationScope::MessageGroup));
    assert!(matches!(group, SetAttributesOutcome::Set));
    assert!(matches!(run.set(7, limit), SetAttributesOutcome::Set));
    assert_eq!(run.set(8, scope(DeduplicationScope::Queue)), alone);
    assert_eq!(run.record().info.version, 5);
}

/// The rules of sixty seconds do not hold for a call that says so, and hold for the next again.
#[test]
fn recent_deletions_and_purges_may_be_allowed() {
    let mut run = Run::new("a");
    let purge = |number, allows_recent_purge| {
        Command::Purge(Purge {
            queue: QUEUE,
            request_id: request(number),
            allows_recent_purge,
        })
    };
    let purged = |purge_id| Outcome::Purge(PurgeOutcome::Purging { purge_id });
    assert_eq!(run.one(purge(2, true)), purged(1));
    assert_eq!(run.one(purge(3, true)), purged(2));
    assert_eq!(
        run.one(purge(4, false)),
        Outcome::Purge(PurgeOutcome::InProgress)
    );

    run.one(Command::DeleteQueue(DeleteQueue { queue: QUEUE }));
    let again = |number, allows_recent_deletion| {
        let create = create(
            default_key("a"),
            AttributeChanges::default(),
            request(number),
        );
        Command::CreateQueue(Box::new(squorum_meta::command::CreateQueue {
            allows_recent_deletion,
            ..create
        }))
    };
    let recently = Outcome::CreateQueue(CreateQueueOutcome::DeletedRecently);
    assert_eq!(run.one(again(5, false)), recently);
    let created = run.one(again(6, true));
    let id = match created {
        Outcome::CreateQueue(CreateQueueOutcome::Created(record)) => record.info.id,
        other => panic!("{other:?}"),
    };
    assert_eq!(id, QueueId(2));
}
