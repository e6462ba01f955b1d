//! Looks after the disk.
//!
//! A leader whose log cannot be synced can neither apply nor answer, while its lease keeps others
//! from leading: so it hands over. A disk that does not come back ends the node.

use std::sync::Arc;
use std::time::Duration;

use squorum_consensus::Group;
use squorum_log::Log;
use squorum_store::Store;
use tokio::sync::watch;

use crate::cluster::ClusterView;
use crate::hand_over::hand_over_all;
use crate::meta::MetaHandle;
use crate::shard::ShardHandle;
use crate::shutdown::stopped;

/// A sync that takes longer makes the node give up its leaderships and its readiness ...
pub(crate) const SYNC_SLOW: Duration = Duration::from_secs(1);
/// ... and one that takes longer than this ends it.
const SYNC_HUNG: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(250);

pub(crate) struct Watchdog<S> {
    pub(crate) log: Log,
    pub(crate) meta: MetaHandle<S>,
    pub(crate) shards: Arc<[ShardHandle]>,
    pub(crate) view: ClusterView,
    pub(crate) on_fatal: Arc<dyn Fn(String) + Send + Sync>,
}

impl<S: Store> Watchdog<S> {
    pub(crate) async fn run(self, mut shutdown: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = stopped(&mut shutdown) => return,
            }
            match self.log.health().sync_in_progress {
                Some(time) if time > SYNC_HUNG => {
                    (self.on_fatal)(format!(
                        "a sync of the log has taken more than {} s",
                        SYNC_HUNG.as_secs()
                    ));
                    return;
                }
                Some(time) if time > SYNC_SLOW => self.give_way(&mut shutdown).await,
                _ => {}
            }
        }
    }

    async fn give_way(&self, shutdown: &mut watch::Receiver<bool>) {
        let leads_meta = leads(&self.meta.group);
        if !leads_meta && !self.shards.iter().any(|shard| leads(&shard.group)) {
            return;
        }
        tracing::warn!("the disk does not answer: leaderships are handed over");
        tokio::select! {
            () = hand_over_all(&self.meta, &self.shards, &self.view) => {}
            () = stopped(shutdown) => {}
        }
    }
}

fn leads<O: Send + 'static>(group: &Group<O>) -> bool {
    group.leadership().leader == Some(group.node())
}
