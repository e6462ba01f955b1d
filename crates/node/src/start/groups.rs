//! The groups of a node: started, and founded if the node is one of the cluster's founders.

use std::sync::Arc;
use std::time::Duration;

use squorum_consensus::{Group, InitializeError};
use squorum_log::Log;
use squorum_meta::command::{Found, FoundOutcome};
use squorum_meta::{Cluster, ClusterSettings, Command, FeatureLevel, MemberState, Outcome};
use squorum_store::Store;
use squorum_types::{Entropy, NodeId, ReceiptHandleKey, ShardId};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cluster::{ClusterRecord, Introducer, RosterWatch, Stage};
use crate::error::NodeError;
use crate::meta::MetaHandle;
use crate::options::NodeOptions;
use crate::shard::{GroupParts, ShardHandle};

/// Between two tries to found what a quorum has to agree to.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// For the log to sync what groups write when they are founded.
const SYNCED_TIMEOUT: Duration = Duration::from_secs(10);
const SYNCED_PAUSE: Duration = Duration::from_millis(1);
/// Between two looks at what a joining node's log knows.
const KNOWN_PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Groups<S> {
    pub(super) meta: MetaHandle<S>,
    pub(super) shards: Arc<[ShardHandle]>,
}

/// Starts meta and the shards. A founder founds those that are new; every one of them does so with
/// the same members, so it does not matter who comes first. Others are told by the leaders.
pub(super) async fn start_groups<S: Store>(
    parts: &GroupParts<S>,
    options: &NodeOptions,
    record: &ClusterRecord,
    shutdown: &watch::Receiver<bool>,
    tasks: &mut JoinSet<()>,
) -> Result<Groups<S>, NodeError> {
    let meta = MetaHandle::start(parts).await?;
    let founds = is_founder(record, parts.node);
    if founds {
        found_group(&meta.group, record).await?;
    }
    let mut shards = Vec::new();
    for id in (0..record.shard_count).map(ShardId) {
        let limits = options.limits.clone();
        let shard = ShardHandle::start(parts, id, limits, shutdown, tasks).await?;
        if founds {
            found_group(&shard.group, record).await?;
        }
        shards.push(shard);
    }
    Ok(Groups {
        meta,
        shards: shards.into(),
    })
}

/// The node was there when the cluster was founded, and its log does not know every group yet.
pub(super) fn is_founder(record: &ClusterRecord, node: NodeId) -> bool {
    let member = record.member(node);
    let was_there = member.is_some_and(|member| member.state == MemberState::Active);
    was_there && record.stage < Stage::Started
}

/// Notes that the log knows every group, as soon as it does: a founder's at once, another's once it
/// has heard of each.
pub(super) async fn note_started<S: Store>(log: Log, introducer: Introducer, store: S) {
    loop {
        let record = introducer.introduction().record;
        let Some(record) = record.filter(|record| record.stage < Stage::Started) else {
            return;
        };
        let known = log.groups();
        let knows_all = record.groups().all(|group| known.contains(&group));
        // What the groups have written has to be on disk before the record says so.
        if knows_all && is_synced(&log).await {
            if let Err(error) = introducer.amend(&store, |record| record.at(Stage::Started)) {
                // The store's failures end the node by themselves.
                tracing::warn!(%error, "it cannot be noted that the node has started");
            }
            return;
        }
        tokio::time::sleep(KNOWN_PAUSE).await;
    }
}

/// Waits until everything that was appended before the call is synced. False if that takes too long:
/// the log may have failed.
async fn is_synced(log: &Log) -> bool {
    let deadline = Instant::now() + SYNCED_TIMEOUT;
    let flushes = log.health().flushes;
    while Instant::now() < deadline {
        let health = log.health();
        let is_idle = health.queued_bytes == 0 && health.sync_in_progress.is_none();
        // The sync that was under way, and the one after it, which took all that waited.
        if is_idle || health.flushes >= flushes + 2 {
            return true;
        }
        tokio::time::sleep(SYNCED_PAUSE).await;
    }
    false
}

async fn found_group<O: Send + 'static>(
    group: &Group<O>,
    record: &ClusterRecord,
) -> Result<(), NodeError> {
    if group.is_initialized().await {
        return Ok(());
    }
    match group.initialize(record.nodes()).await {
        // A leader was faster.
        Ok(()) | Err(InitializeError::AlreadyInitialized) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The cluster as meta knows it. Every founder proposes to found it; the first proposal does.
pub(super) async fn found_meta<S: Store>(
    meta: &MetaHandle<S>,
    record: &ClusterRecord,
    roster: &RosterWatch,
    entropy: &dyn Entropy,
) -> Result<Cluster, NodeError> {
    let mut key = [0; 32];
    entropy.fill(&mut key);
    let found = Command::Found(Found {
        cluster_id: record.cluster_id,
        shard_count: record.shard_count,
        receipt_handle_key: ReceiptHandleKey(key),
        node: record.founder,
        settings: ClusterSettings::default(),
        feature_level: FeatureLevel::CURRENT,
        members: record.members.clone(),
    });
    loop {
        if let Some(cluster) = meta.cluster()?.filter(|_| roster.get().version > 0) {
            return Ok(cluster);
        }
        if record.roster_version > 0 {
            // Founded long ago: this replica has yet to hear of it.
            tokio::time::sleep(RETRY_PAUSE).await;
            continue;
        }
        match meta.propose(&found).await {
            Ok(Outcome::Found(FoundOutcome::Founded(_))) => {}
            Ok(other) => {
                return Err(NodeError::MetaNotFounded {
                    reason: format!("{other:?}"),
                });
            }
            Err(error) => {
                tracing::debug!(%error, "meta is not founded yet");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}
