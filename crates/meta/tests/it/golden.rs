//! The bytes of every entry and every row. What stands in `golden.txt` is on disks: a difference
//! is a broken format, not an old file.

use std::collections::BTreeSet;
use std::fmt::Write;

use prost::Message;
use squorum_meta::command::{
    AddPermission, AdmitNode, AdvanceMember, CancelMove, CreateQueue, DeleteQueue, Found, Purge,
    RemovePermission, ReportMove, SetAttributes, StartMove, TagQueue, UntagQueue, WorkDone,
};
use squorum_meta::{
    ClusterSettings, Command, FeatureLevel, MemberState, Meta, WorkKind, key_range,
};
use squorum_proto::meta as proto;
use squorum_store::memory::MemoryStore;
use squorum_store::{Cursor, View};
use squorum_types::service::{MoveFailure, MoveStatus};
use squorum_types::{
    AccountId, AttributeChanges, DeduplicationScope, FifoThroughputLimit, NodeId, Permission,
    QueueArn, QueueId, QueueTags, RedriveAllowPolicy, RedrivePermission, RedrivePolicy, ShardId,
};

use crate::support::{apply, create, create_command, default_key, entry, found, request};

fn all_changes() -> AttributeChanges {
    AttributeChanges {
        delay_seconds: Some(1),
        maximum_message_bytes: Some(2_048),
        message_retention_seconds: Some(61),
        receive_message_wait_time_seconds: Some(2),
        visibility_timeout_seconds: Some(3),
        policy: Some(Some("{}".to_owned())),
        redrive_policy: Some(Some(RedrivePolicy {
            text: "text".to_owned(),
            target: QueueArn::from(&default_key("gone.fifo")),
            receives_max: 3,
        })),
        redrive_allow_policy: Some(Some(RedriveAllowPolicy {
            text: "text".to_owned(),
            permission: RedrivePermission::ByQueue(vec![QueueArn::from(&default_key("orders"))]),
        })),
        kms_master_key_id: Some(Some("alias/k".to_owned())),
        kms_data_key_reuse_period_seconds: Some(62),
        sqs_managed_sse_enabled: Some(false),
        content_based_deduplication: Some(true),
        deduplication_scope: Some(DeduplicationScope::MessageGroup),
        fifo_throughput_limit: Some(FifoThroughputLimit::PerMessageGroupId),
    }
}

fn without_redrive(changes: AttributeChanges) -> AttributeChanges {
    AttributeChanges {
        redrive_policy: None,
        redrive_allow_policy: None,
        ..changes
    }
}

/// Every command and every kind of row.
fn commands() -> Vec<Command> {
    let id = QueueId;
    let remove_texts = AttributeChanges {
        policy: Some(None),
        kms_master_key_id: Some(None),
        ..AttributeChanges::default()
    };
    let denies = AttributeChanges {
        redrive_policy: Some(None),
        redrive_allow_policy: Some(Some(RedriveAllowPolicy {
            text: "denies".to_owned(),
            permission: RedrivePermission::DenyAll,
        })),
        ..AttributeChanges::default()
    };
    let done = |queue, kind, number, shards: Option<BTreeSet<ShardId>>| {
        Command::WorkDone(WorkDone {
            queue: id(queue),
            kind,
            number,
            shards,
        })
    };
    let admit = |node, replaces: Option<u64>| {
        Command::AdmitNode(AdmitNode {
            node: NodeId(node),
            address: format!("node{node}:9326"),
            replaces: replaces.map(NodeId),
        })
    };
    let advance = |node, from| {
        let node = NodeId(node);
        Command::AdvanceMember(AdvanceMember { node, from })
    };
    let some_shards = BTreeSet::from([ShardId(0), ShardId(3), ShardId(7)]);
    let purge = |queue, number| {
        Command::Purge(Purge {
            queue: id(queue),
            request_id: request(number),
            allows_recent_purge: false,
        })
    };
    vec![
        Command::Tick,
        Command::Found(Found {
            members: Vec::new(),
            ..found()
        }),
        Command::RaiseFeatureLevel(FeatureLevel {
            level: 2,
            minimum: 1,
        }),
        Command::ChangeClusterSettings(ClusterSettings {
            deleted_names_free_at_once: true,
        }),
        create_command("orders", AttributeChanges::default(), 1),
        create_command("orders.fifo", without_redrive(all_changes()), 2),
        Command::SetAttributes(Box::new(SetAttributes {
            queue: id(1),
            changes: remove_texts,
            request_id: request(3),
            refuses_conflicts: false,
        })),
        purge(1, 4),
        purge(2, 5),
        done(1, WorkKind::Configure, 2, None),
        done(2, WorkKind::Purge, 1, Some(some_shards.clone())),
        create_command("gone", AttributeChanges::default(), 6),
        Command::DeleteQueue(DeleteQueue { queue: id(3) }),
        done(3, WorkKind::Drop, 0, Some(some_shards)),
        create_command("gone.fifo", AttributeChanges::default(), 7),
        create_command("more.fifo", all_changes(), 8),
        create_command("denies", denies, 9),
        Command::StartMove(Box::new(StartMove {
            queue: id(4),
            destination: Some(QueueArn::from(&default_key("more.fifo"))),
            messages_per_second_max: Some(5),
            to_move: 300,
            request_id: request(10),
        })),
        Command::ReportMove(ReportMove {
            queue: id(4),
            number: 1,
            moved: 2,
            end: None,
        }),
        Command::CancelMove(CancelMove {
            queue: id(4),
            task_id: request(10).0,
        }),
        Command::ReportMove(ReportMove {
            queue: id(4),
            number: 1,
            moved: 3,
            end: Some(MoveStatus::Failed(MoveFailure::NoSuchQueue)),
        }),
        Command::Found(found()),
        admit(14, Some(13)),
        admit(15, None),
        advance(14, MemberState::Admitted),
        advance(14, MemberState::Joining),
        Command::RemoveNode(NodeId(12)),
        admit(16, Some(11)),
        advance(16, MemberState::Admitted),
    ]
}

fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "empty".to_owned();
    }
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Of later versions: the rows above are as the first ones left them.
fn later_commands() -> Vec<Command> {
    let text = |text: &str| text.to_owned();
    let tags: QueueTags = [("k", "v"), ("ä", "")]
        .map(|(key, value)| (text(key), text(value)))
        .into();
    let with_tags = CreateQueue {
        tags,
        allows_recent_deletion: true,
        ..create(
            default_key("orders"),
            AttributeChanges::default(),
            request(1),
        )
    };
    let queue = QueueId(1);
    let permission = Permission {
        label: text("label"),
        accounts: ["111122223333", "444455556666"]
            .map(|id| AccountId::parse(id).unwrap())
            .into(),
        actions: vec![text("SendMessage"), text("*")],
    };
    let add = |permission, number| {
        Command::AddPermission(Box::new(AddPermission {
            queue,
            permission,
            request_id: request(number),
        }))
    };
    let other = Permission {
        label: text("other"),
        ..permission.clone()
    };
    vec![
        Command::Found(found()),
        Command::CreateQueue(Box::new(with_tags)),
        Command::SetAttributes(Box::new(SetAttributes {
            queue,
            changes: AttributeChanges::default(),
            request_id: request(2),
            refuses_conflicts: true,
        })),
        Command::Purge(Purge {
            queue,
            request_id: request(3),
            allows_recent_purge: true,
        }),
        add(permission, 4),
        add(other, 5),
        Command::RemovePermission(Box::new(RemovePermission {
            queue,
            label: text("label"),
            request_id: request(6),
        })),
        Command::TagQueue(Box::new(TagQueue {
            queue,
            tags: [(text("a"), text("b"))].into(),
        })),
        Command::UntagQueue(Box::new(UntagQueue {
            queue,
            keys: vec![text("k"), text("none")],
        })),
    ]
}

/// Every kind of outcome that is kept.
fn commands_of_calls() -> Vec<proto::Command> {
    let commands = [commands(), later_commands().split_off(4)].concat();
    let calls = (900..).map(request);
    let commands = commands.iter().zip(calls);
    commands
        .map(|(command, call)| command.of_call(call))
        .collect()
}

fn formats(commands: Vec<proto::Command>) -> String {
    let store = MemoryStore::new();
    let mut meta = Meta::open(&store).unwrap();
    let mut text = String::new();
    for (position, command) in commands.into_iter().enumerate() {
        let now_ms = 1_700_000_000_000 + position as u64;
        let entry = proto::Entry {
            commands: vec![command],
            first_stamp: position == 0,
            ..entry(now_ms, &[])
        };
        let bytes = entry.encode_to_vec();
        assert_eq!(proto::Entry::decode(bytes.as_slice()).unwrap(), entry);
        writeln!(text, "entry {}", hex(&bytes)).unwrap();
        let applied = apply(&store, &mut meta, &entry).unwrap();
        let refused = matches!(applied.outcomes[0], squorum_meta::Outcome::Refused(_));
        assert!(!refused, "{:?}", applied.outcomes);
    }
    let range = key_range();
    let mut cursor = store.scan(&range.start..&range.end).unwrap();
    while let Some((key, value)) = cursor.next().unwrap() {
        writeln!(text, "row {} {}", hex(key), hex(value)).unwrap();
    }
    text
}

#[test]
fn the_formats_are_what_they_were() {
    let without_calls = |commands: Vec<Command>| commands.iter().map(Into::into).collect();
    for (commands, golden) in [
        (without_calls(commands()), include_str!("golden.txt")),
        (
            without_calls(later_commands()),
            include_str!("golden_later.txt"),
        ),
        (commands_of_calls(), include_str!("golden_calls.txt")),
    ] {
        let formats = formats(commands);
        assert!(formats == golden, "formats are now:\n{formats}");
    }
}
