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
use squorum_types::NodeId;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::contacts::{Contacts, may_send};
use super::registry::{Registry, RunningGroup};

/// Runs until no group is left.
pub(super) async fn run(registry: Weak<Registry>, period: Duration) {
    let mut beats = interval(period);
    // After a pause, one heartbeat is as good as all that were missed.
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        let Some(registry) = registry.upgrade() else {
            return;
        };
        let Some(groups) = registry.pulse_groups() else {
            return;
        };
        for group in groups {
            beat(&group, &registry.contacts);
        }
    }
}

fn beat(group: &Arc<RunningGroup>, contacts: &Contacts) {
    if leads_and_may_send(group, contacts) {
        let trigger = group.raft.trigger();
        let heartbeat = tokio::task::unconstrained(trigger.heartbeat());
        // A core whose queue is full is busy with entries, which are as good. One that has ended is
        // about to be removed.
        let _ = heartbeat.now_or_never();
    }
}

fn leads_and_may_send(group: &RunningGroup, contacts: &Contacts) -> bool {
    let metrics = group.raft.metrics();
    let metrics = metrics.borrow_watched();
    let leads = metrics.state == ServerState::Leader;
    let now = Instant::now();
    let Some(since) = group.led_since(leads.then_some(metrics.current_term), now) else {
        return false;
    };
    let voters = metrics.membership_config.voter_ids();
    let others = voters.filter(|voter| *voter != metrics.id).map(NodeId);
    contacts
        .silent_since(others, since)
        .is_none_or(|silent_since| may_send(now - silent_since, group.lease))
}
