//! When a node's leaders send their heartbeats: all groups at the same moment.
//!
//! openraft would give each group a clock of its own. Then a node wakes up, and wakes its peers, once
//! for each group and interval; an idle cluster spent more than half of its time on that. Groups that
//! beat together share the message to each peer (see [`heartbeat`](super::heartbeat)).

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt;
use openraft::ServerState;
use openraft::async_runtime::watch::WatchReceiver;
use tokio::time::{MissedTickBehavior, interval};

use super::registry::{Registry, RunningGroup};

/// Runs until no group is left.
pub(super) async fn run(registry: Weak<Registry>, period: Duration) {
    let mut beats = interval(period);
    // After a pause, one heartbeat is as good as all that were missed.
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        let Some(groups) = registry
            .upgrade()
            .and_then(|registry| registry.pulse_groups())
        else {
            return;
        };
        for group in groups {
            beat(&group);
        }
    }
}

fn beat(group: &Arc<RunningGroup>) {
    if group.raft.metrics().borrow_watched().state == ServerState::Leader {
        let trigger = group.raft.trigger();
        let heartbeat = tokio::task::unconstrained(trigger.heartbeat());
        // A core whose queue is full is busy with entries, which are as good. One that has ended is
        // about to be removed.
        let _ = heartbeat.now_or_never();
    }
}
