use squorum_meta::command::{CreateQueue, Found};
use squorum_meta::{
    Applied, ClusterId, ClusterSettings, Command, FeatureLevel, Member, Meta, MetaError, QueueKey,
    RequestId, plan,
};
use squorum_proto::meta as proto;
use squorum_store::memory::MemoryStore;
use squorum_store::{Overlay, Store};
use squorum_types::{
    AccountId, AttributeChanges, NodeId, QueueAttributes, QueueName, QueueTags, ReceiptHandleKey,
    Region,
};

pub(crate) const SHARD_COUNT: u16 = 8;

pub(crate) fn found() -> Found {
    Found {
        cluster_id: ClusterId([7; 16]),
        shard_count: SHARD_COUNT,
        receipt_handle_key: ReceiptHandleKey([9; 32]),
        node: NodeId(11),
        settings: ClusterSettings::default(),
        feature_level: FeatureLevel::CURRENT,
        members: [11, 12, 13].map(member).to_vec(),
    }
}

pub(crate) fn member(node: u64) -> Member {
    Member::active(NodeId(node), format!("node{node}:9326"))
}

pub(crate) fn key(account: &str, region: &str, name: &str) -> QueueKey {
    QueueKey {
        account: AccountId::parse(account).unwrap(),
        region: Region::parse(region).unwrap(),
        name: QueueName::parse(name).unwrap(),
    }
}

pub(crate) fn default_key(name: &str) -> QueueKey {
    key(AccountId::DEFAULT, Region::DEFAULT, name)
}

pub(crate) fn request(number: u64) -> RequestId {
    let mut id = [0xaa; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    RequestId(id)
}

/// As the front end and the node make it.
pub(crate) fn create(key: QueueKey, given: AttributeChanges, request_id: RequestId) -> CreateQueue {
    let mut attributes = if key.name.is_fifo() {
        QueueAttributes::fifo()
    } else {
        QueueAttributes::standard()
    };
    given.apply_to(&mut attributes);
    CreateQueue {
        key,
        partition_count: plan::partition_count(&attributes, SHARD_COUNT, 3),
        attributes,
        given,
        request_id,
        tags: QueueTags::default(),
        allows_recent_deletion: false,
    }
}

pub(crate) fn create_command(name: &str, given: AttributeChanges, number: u64) -> Command {
    let create = create(default_key(name), given, request(number));
    Command::CreateQueue(Box::new(create))
}

pub(crate) fn entry(now_ms: u64, commands: &[Command]) -> proto::Entry {
    proto::Entry {
        now_ms,
        first_stamp: false,
        commands: commands.iter().map(Into::into).collect(),
    }
}

pub(crate) fn apply(
    store: &MemoryStore,
    meta: &mut Meta,
    entry: &proto::Entry,
) -> Result<Applied, MetaError> {
    let mut txn = Overlay::new(store);
    let applied = meta.apply(&mut txn, entry)?;
    store.commit(txn.into_batch())?;
    Ok(applied)
}

/// A founded cluster at 1,000,000 ms.
pub(crate) fn founded() -> (MemoryStore, Meta) {
    let store = MemoryStore::new();
    let mut meta = Meta::open(&store).unwrap();
    let entry = entry(1_000_000, &[Command::Found(found())]);
    apply(&store, &mut meta, &entry).unwrap();
    (store, meta)
}
