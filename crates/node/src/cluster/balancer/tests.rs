#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use futures::FutureExt;
use parking_lot::Mutex;
use squorum_meta::plan::STEADY_MS_MIN;
use squorum_types::{GroupMembership, Timestamp};

use super::*;
use crate::cluster::RosterSender;
use crate::cluster::report::{GroupReport, NodeReport};
use crate::cluster::testing::roster_of;
use crate::cluster::view::ClockOffset;

/// Groups 0 to 3 of the members 1, 2 and 3, all led by node 1 at first.
#[derive(Clone, Default)]
struct Groups {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    given: Vec<(Instant, Transfer)>,
    attempts: Vec<(Instant, Transfer)>,
    /// Entries that node 3 lacks.
    lag_entries: u64,
    /// The group whose transfer fails.
    fails: Option<GroupId>,
}

impl Leaderships for Groups {
    fn led(&self) -> Vec<LedGroup> {
        let inner = self.inner.lock();
        let groups = (0..4).map(GroupId);
        let led = groups.filter(|group| inner.given.iter().all(|(_, t)| t.group != *group));
        let led = led.map(|group| LedGroup {
            group,
            last_log_index: 100_000,
            matched_indexes: [
                (NodeId(2), 100_000),
                (NodeId(3), 100_000 - inner.lag_entries),
            ]
            .into(),
        });
        led.collect()
    }

    fn transfer(&self, transfer: Transfer) -> BoxFuture<'_, Result<(), TransferError>> {
        async move {
            let mut inner = self.inner.lock();
            let attempt = (Instant::now(), transfer);
            inner.attempts.push(attempt);
            if inner.fails == Some(transfer.group) {
                return Err(TransferError::NotCaughtUp(transfer.to));
            }
            inner.given.push(attempt);
            Ok(())
        }
        .boxed()
    }
}

impl Groups {
    fn given(&self) -> Vec<(u32, u64)> {
        let inner = self.inner.lock();
        let given = inner.given.iter();
        given
            .map(|(_, transfer)| (transfer.group.0, transfer.to.0))
            .collect()
    }
}

fn start(groups: &Groups) -> (ClusterView, watch::Sender<bool>) {
    let roster = roster_of(1..=3);
    let view = ClusterView::new(NodeId(1), &roster);
    let balancer = Balancer {
        roster: RosterSender::new(roster).watch(),
        view: view.clone(),
        leaderships: groups.clone(),
    };
    let (stop, shutdown) = watch::channel(false);
    tokio::spawn(balancer.run(shutdown));
    (view, stop)
}

/// Time passes, while these nodes are heard.
async fn pass(view: &ClusterView, nodes: &[u64], milliseconds: u64) {
    let reports: Vec<_> = nodes.iter().map(|node| (*node, LAGS)).collect();
    pass_reported(view, &reports, milliseconds).await;
}

/// They say that they have applied so much of a group that node 1 does not lead.
async fn pass_reported(view: &ClusterView, nodes: &[(u64, u64)], milliseconds: u64) {
    let end = Instant::now() + Duration::from_millis(milliseconds);
    while Instant::now() < end {
        for (node, applied_index) in nodes {
            let group = GroupReport {
                group: GroupId(9),
                leader: None,
                term: 1,
                applied_index: *applied_index,
                last_log_index: LAGS,
                latest_digest: None,
                fixed_digests: Vec::new(),
                membership: GroupMembership::default(),
            };
            let report = NodeReport {
                node: NodeId(*node),
                address: None,
                version: String::new(),
                wall_clock: Timestamp(0),
                groups: vec![group],
                disk: None,
                has_started: true,
            };
            let offset = ClockOffset {
                offset_ms: 0,
                uncertainty_ms: 0,
            };
            view.heard(NodeId(*node), Instant::now(), report, offset);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn steady_members_get_their_groups_one_after_the_other() {
    let groups = Groups::default();
    let (view, _stop) = start(&groups);
    pass(&view, &[2, 3], STEADY_MS_MIN).await;
    assert_eq!(groups.given(), []);
    pass(&view, &[2, 3], 30_000).await;
    assert_eq!(groups.given(), [(1, 2), (2, 3)]);
    let inner = groups.inner.lock();
    assert!(inner.given[1].0 - inner.given[0].0 >= INTERVAL);
}

#[tokio::test(start_paused = true)]
async fn who_was_away_or_lags_must_be_steady_anew() {
    let groups = Groups::default();
    let (view, _stop) = start(&groups);
    pass(&view, &[2, 3], 4_000).await;
    // 2 is silent for a moment, 3 falls behind.
    groups.inner.lock().lag_entries = LAGS;
    pass(&view, &[3], 2_000).await;
    groups.inner.lock().lag_entries = 0;
    pass(&view, &[2, 3], STEADY_MS_MIN - 600).await;
    assert_eq!(groups.given(), []);
    pass(&view, &[2, 3], 3_000).await;
    assert_eq!(groups.given(), [(1, 2), (2, 3)]);
}

#[tokio::test(start_paused = true)]
async fn who_catches_up_in_another_group_is_left_alone() {
    let groups = Groups::default();
    let (view, _stop) = start(&groups);
    pass_reported(&view, &[(2, 0), (3, LAGS)], 30_000).await;
    assert_eq!(groups.given(), [(2, 3)]);
    pass(&view, &[2, 3], STEADY_MS_MIN + 3_000).await;
    assert_eq!(groups.given(), [(2, 3), (1, 2)]);
}

const LAGS: u64 = 5_000;

#[tokio::test(start_paused = true)]
async fn a_failure_pauses_its_group_alone() {
    let groups = Groups::default();
    groups.inner.lock().fails = Some(GroupId(1));
    let (view, _stop) = start(&groups);
    pass(&view, &[2, 3], STEADY_MS_MIN + 5_000).await;
    assert_eq!(groups.given(), [(2, 3)]);
    assert_eq!(groups.inner.lock().attempts.len(), 2);
    groups.inner.lock().fails = None;
    pass(&view, &[2, 3], 10_000).await;
    assert_eq!(groups.given(), [(2, 3), (1, 2)]);
    let inner = groups.inner.lock();
    let tries = inner
        .attempts
        .iter()
        .filter(|(_, transfer)| transfer.group == GroupId(1));
    let tries: Vec<_> = tries.map(|(at, _)| *at).collect();
    assert!(tries[1] - tries[0] >= PAUSE_AFTER_FAILURE);
}

#[tokio::test(start_paused = true)]
async fn a_balancer_that_is_stopped_gives_nothing_away() {
    let groups = Groups::default();
    let (view, stop) = start(&groups);
    pass(&view, &[2, 3], 1_000).await;
    stop.send_replace(true);
    pass(&view, &[2, 3], 30_000).await;
    assert_eq!(groups.given(), []);
}
