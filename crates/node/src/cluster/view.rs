//! Which members this node hears, and what they said last.
//!
//! 1. A member was heard when it answered this node, so both directions work; what it sent by
//!    itself does not count.
//! 2. It counts from when the question was sent: an answer that lay in a buffer while this process
//!    was stopped proves nothing about now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use squorum_meta::Roster;
use squorum_types::NodeId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::report::NodeReport;

/// A member that was not heard for so long is not alive.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(1);

/// Who is there. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct ClusterView {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    node: NodeId,
    /// Until someone is heard, silence counts from here.
    began: Instant,
    // Held for a few instructions, never across an await.
    members: Mutex<Members>,
    alive: watch::Sender<BTreeSet<NodeId>>,
    /// The other members.
    others: watch::Sender<BTreeSet<NodeId>>,
    /// Another member said that this node is none any more.
    expelled: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Members {
    others: BTreeMap<NodeId, Observation>,
    /// Those that count for a majority.
    active: BTreeSet<NodeId>,
}

/// What is known of another member.
#[derive(Clone, Debug)]
struct Observation {
    /// Until it is heard, its silence counts from here.
    known_since: Instant,
    heard_at: Option<Instant>,
    report: Option<Arc<NodeReport>>,
    clock_offset: Option<ClockOffset>,
}

/// How far a member's wall clock is ahead of this node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockOffset {
    pub(crate) offset_ms: i64,
    /// It may be off by so much.
    pub(crate) uncertainty_ms: u64,
}

/// A member as this node sees it at one moment.
#[derive(Clone, Debug)]
pub(crate) struct ObservedMember {
    pub(crate) node: NodeId,
    /// For a majority: it is active.
    pub(crate) counts: bool,
    pub(crate) is_alive: bool,
    /// How long ago, if ever.
    pub(crate) last_heard: Option<Duration>,
    /// The last one.
    pub(crate) report: Option<Arc<NodeReport>>,
    pub(crate) clock_offset: Option<ClockOffset>,
}

impl ClusterView {
    /// Must be called within the runtime whose time counts.
    pub(crate) fn new(node: NodeId, roster: &Roster) -> ClusterView {
        let view = ClusterView {
            inner: Arc::new(Inner {
                node,
                began: Instant::now(),
                members: Mutex::default(),
                alive: watch::Sender::new(BTreeSet::from([node])),
                others: watch::Sender::default(),
                expelled: watch::Sender::new(false),
            }),
        };
        view.set_roster(roster);
        view
    }

    /// From now on these are the members.
    pub(crate) fn set_roster(&self, roster: &Roster) {
        let others = roster.members.iter().map(|member| member.node);
        let others: BTreeSet<_> = others.filter(|node| *node != self.inner.node).collect();
        {
            let mut members = self.inner.members.lock();
            members.others.retain(|node, _| others.contains(node));
            for node in &others {
                let new = members.others.entry(*node);
                new.or_insert_with(Observation::new);
            }
            members.active = roster.active_set();
        }
        self.inner.others.send_replace(others);
        self.publish_alive();
    }

    pub(crate) fn node(&self) -> NodeId {
        self.inner.node
    }

    /// The other members.
    pub(super) fn others(&self) -> Vec<NodeId> {
        self.inner.members.lock().others.keys().copied().collect()
    }

    /// The other members, as they come and go.
    pub(super) fn watch_others(&self) -> watch::Receiver<BTreeSet<NodeId>> {
        self.inner.others.subscribe()
    }

    pub(super) fn set_expelled(&self) {
        self.inner.expelled.send_replace(true);
    }

    /// Returns when another member says that this node is none any more.
    pub(crate) async fn expelled(&self) {
        let mut expelled = self.inner.expelled.subscribe();
        // The sender lives as long as `self`.
        let _ = expelled.wait_for(|expelled| *expelled).await;
    }

    /// Whether any other member was ever heard.
    pub(crate) fn has_heard_any(&self) -> bool {
        let members = self.inner.members.lock();
        members
            .others
            .values()
            .any(|other| other.heard_at.is_some())
    }

    /// How long ago a member was heard; this node always is.
    pub(crate) fn last_heard(&self, node: NodeId) -> Option<Duration> {
        if node == self.inner.node {
            return Some(Duration::ZERO);
        }
        let members = self.inner.members.lock();
        let heard_at = members.others.get(&node)?.heard_at?;
        Some(Instant::now().saturating_duration_since(heard_at))
    }

    pub(crate) fn is_alive(&self, node: NodeId) -> bool {
        self.last_heard(node)
            .is_some_and(|silence| silence < SILENCE_MAX)
    }

    /// Returns when a member was not heard for [`SILENCE_MAX`]. One that was never heard had as much
    /// time since it became known here. Never for this node; at once for one that is no member.
    pub(crate) async fn silent(&self, node: NodeId) {
        if node == self.inner.node {
            return std::future::pending().await;
        }
        // Each turn ends later than the one before, as in `cut_off`.
        while let Some(at) = self.silent_at(node).filter(|at| *at > Instant::now()) {
            sleep_until(at).await;
        }
    }

    fn silent_at(&self, node: NodeId) -> Option<Instant> {
        let members = self.inner.members.lock();
        let other = members.others.get(&node)?;
        Some(other.heard_at.unwrap_or(other.known_since) + SILENCE_MAX)
    }

    /// How many entries a member has not applied that another has, in the group where it lacks most, as
    /// the other members said last.
    pub(super) fn entries_behind(&self, node: NodeId) -> u64 {
        let members = self.inner.members.lock();
        let others = members.others.values();
        let reports: Vec<_> = others.filter_map(|other| other.report.as_deref()).collect();
        let Some(own) = reports.iter().find(|report| report.node == node) else {
            return 0;
        };
        let behind = own.groups.iter().map(|own| {
            let applied = reports.iter().filter_map(|report| {
                let mut groups = report.groups.iter();
                let group = groups.find(|group| group.group == own.group)?;
                Some(group.applied_index)
            });
            let furthest = applied.max().unwrap_or(0);
            furthest.saturating_sub(own.applied_index)
        });
        behind.max().unwrap_or(0)
    }

    /// What a member said last of itself.
    pub(crate) fn report(&self, node: NodeId) -> Option<Arc<NodeReport>> {
        let members = self.inner.members.lock();
        members.others.get(&node)?.report.clone()
    }

    /// No majority of the active members, this node among them, was heard for [`SILENCE_MAX`]. Never true of
    /// a node that is alone; one that has just started has as much time to hear somebody. Always true
    /// of one that is no member any more.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.cut_off_at().is_some_and(|at| at <= Instant::now())
    }

    /// Returns when this node [is cut off](Self::is_cut_off).
    pub(crate) async fn cut_off(&self) {
        // Each turn ends later than the one before: whoever is heard moves the time.
        loop {
            match self.cut_off_at() {
                Some(at) if at <= Instant::now() => return,
                Some(at) => sleep_until(at).await,
                None => return std::future::pending().await,
            }
        }
    }

    /// When this node will be cut off if it hears nobody any more. `None`: never, it is alone.
    fn cut_off_at(&self) -> Option<Instant> {
        if *self.inner.expelled.borrow() {
            return Some(self.inner.began);
        }
        let members = self.inner.members.lock();
        let counts = members.active.contains(&self.inner.node);
        let needed = majority(members.active.len()) - usize::from(counts);
        let heard = members.others.iter();
        let heard = heard.filter(|(node, _)| members.active.contains(node));
        let mut heard: Vec<_> = heard
            .map(|(_, other)| other.heard_at.unwrap_or(self.inner.began))
            .collect();
        heard.sort_unstable_by(|a, b| b.cmp(a));
        let last_needed = heard.get(needed.checked_sub(1)?)?;
        Some(*last_needed + SILENCE_MAX)
    }

    /// Sees every change of who is alive, this node among them, soon after it happened.
    pub(crate) fn watch_alive(&self) -> watch::Receiver<BTreeSet<NodeId>> {
        self.inner.alive.subscribe()
    }

    /// All members in the order of their ids. `own`: this node's report of now.
    pub(crate) fn observed(&self, own: NodeReport) -> Vec<ObservedMember> {
        let now = Instant::now();
        let members = self.inner.members.lock();
        let counts = |node: &NodeId| members.active.contains(node);
        let own = ObservedMember {
            node: self.inner.node,
            counts: counts(&self.inner.node),
            is_alive: true,
            last_heard: Some(Duration::ZERO),
            report: Some(Arc::new(own)),
            clock_offset: None,
        };
        let others = members.others.iter();
        let observed = others.map(|(node, other)| other.observed(*node, counts(node), now));
        let mut observed: Vec<_> = observed.chain([own]).collect();
        observed.sort_by_key(|member| member.node);
        observed
    }

    /// A member answered what was sent at `sent_at`.
    pub(super) fn heard(
        &self,
        node: NodeId,
        sent_at: Instant,
        report: NodeReport,
        clock_offset: ClockOffset,
    ) {
        {
            let mut members = self.inner.members.lock();
            let Some(other) = members.others.get_mut(&node) else {
                return;
            };
            other.heard_at = other.heard_at.max(Some(sent_at));
            other.report = Some(Arc::new(report));
            other.clock_offset = Some(clock_offset);
        }
        self.publish_alive();
    }

    /// Tells those who watch if somebody has come or gone.
    pub(super) fn publish_alive(&self) {
        let now = Instant::now();
        let alive = {
            let members = self.inner.members.lock();
            let alive = members
                .others
                .iter()
                .filter(|(_, other)| other.is_alive(now));
            let alive = alive.map(|(node, _)| *node).chain([self.inner.node]);
            alive.collect::<BTreeSet<_>>()
        };
        self.inner.alive.send_if_modified(|current| {
            let changed = *current != alive;
            *current = alive;
            changed
        });
    }
}

impl Observation {
    fn new() -> Observation {
        Observation {
            known_since: Instant::now(),
            heard_at: None,
            report: None,
            clock_offset: None,
        }
    }

    fn is_alive(&self, now: Instant) -> bool {
        self.heard_at
            .is_some_and(|at| now.saturating_duration_since(at) < SILENCE_MAX)
    }

    fn observed(&self, node: NodeId, counts: bool, now: Instant) -> ObservedMember {
        let since = |at: Instant| now.saturating_duration_since(at);
        ObservedMember {
            node,
            counts,
            is_alive: self.is_alive(now),
            last_heard: self.heard_at.map(since),
            report: self.report.clone(),
            clock_offset: self.clock_offset,
        }
    }
}

pub(super) fn majority(members: usize) -> usize {
    members / 2 + 1
}

#[cfg(test)]
mod tests {
    use squorum_meta::MemberState;
    use squorum_types::Timestamp;

    use super::*;
    use crate::cluster::testing::roster_of;

    const OFFSET: ClockOffset = ClockOffset {
        offset_ms: 3,
        uncertainty_ms: 1,
    };

    fn report(node: u64) -> NodeReport {
        NodeReport {
            node: NodeId(node),
            address: None,
            version: "1".to_owned(),
            wall_clock: Timestamp(0),
            groups: Vec::new(),
            disk: None,
            has_started: true,
        }
    }

    fn view(node: u64, members: &[u64]) -> ClusterView {
        ClusterView::new(NodeId(node), &roster_of(members.iter().copied()))
    }

    fn hear(view: &ClusterView, node: u64) {
        view.heard(NodeId(node), Instant::now(), report(node), OFFSET);
    }

    async fn pass(milliseconds: u64) {
        tokio::time::advance(Duration::from_millis(milliseconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_alone_is_never_cut_off() {
        let view = view(1, &[1]);
        pass(1_000_000).await;
        assert!(!view.is_cut_off() && view.is_alive(NodeId(1)));
        let never = tokio::time::timeout(Duration::from_secs(3600), view.cut_off());
        assert!(never.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_majority_is_lost_a_second_after_it_was_last_heard() {
        let view = view(2, &[1, 2, 3]);
        assert!(!view.is_alive(NodeId(1)) && !view.is_cut_off());
        pass(900).await;
        hear(&view, 3);
        assert!(view.is_alive(NodeId(3)) && !view.is_alive(NodeId(1)));
        pass(600).await;
        hear(&view, 1);
        pass(900).await;
        // 3 is gone, 1 suffices.
        assert!(!view.is_alive(NodeId(3)) && !view.is_cut_off());
        let before = Instant::now();
        view.cut_off().await;
        assert_eq!(before.elapsed().as_millis(), 100);
        assert!(view.is_cut_off());
        hear(&view, 3);
        assert!(!view.is_cut_off());
    }

    /// As after the process was stopped: the answer was there, but it is old.
    #[tokio::test(start_paused = true)]
    async fn an_old_answer_proves_nothing_about_now() {
        let view = view(1, &[1, 2]);
        let sent_at = Instant::now();
        pass(30_000).await;
        view.heard(NodeId(2), sent_at, report(2), OFFSET);
        assert!(view.is_cut_off() && !view.is_alive(NodeId(2)));
    }

    /// Else an operator who asks a node that has just started takes a living member for a lost one.
    #[tokio::test(start_paused = true)]
    async fn who_was_never_heard_is_silent_only_after_a_second() {
        let view = view(1, &[1, 2, 3]);
        let elapsed_ms = async |node| {
            let before = Instant::now();
            view.silent(NodeId(node)).await;
            before.elapsed().as_millis()
        };
        pass(400).await;
        view.set_roster(&roster_of(1..=4));
        assert_eq!(elapsed_ms(2).await, 600);
        assert_eq!(elapsed_ms(4).await, 400);
        hear(&view, 3);
        let hears = async {
            pass(700).await;
            hear(&view, 3);
        };
        let (silent_after, ()) = tokio::join!(elapsed_ms(3), hears);
        assert_eq!(silent_after, 1_700);
        assert_eq!(elapsed_ms(9).await, 0);
        let never = tokio::time::timeout(Duration::from_secs(3600), view.silent(NodeId(1)));
        assert!(never.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn who_watches_sees_members_come_and_go() {
        let view = view(1, &[1, 2]);
        let mut alive = view.watch_alive();
        hear(&view, 2);
        assert_eq!(alive.borrow_and_update().len(), 2);
        pass(1_000).await;
        view.publish_alive();
        assert_eq!(alive.borrow_and_update().len(), 1);
        let member = &view.observed(report(1))[1];
        assert_eq!(member.last_heard, Some(SILENCE_MAX));
        assert!(!member.is_alive && member.report.is_some());
        hear(&view, 2);
        assert!(alive.has_changed().unwrap_or(false));
    }

    #[tokio::test(start_paused = true)]
    async fn only_active_members_count_for_a_majority() {
        let view = view(4, &[1, 2, 3]);
        let mut roster = roster_of(1..=4);
        roster.members[3].state = MemberState::Joining;
        view.set_roster(&roster);
        pass(900).await;
        hear(&view, 1);
        pass(200).await;
        // Two of the three that count are needed, and this node is none of them.
        assert!(view.is_cut_off());
        hear(&view, 2);
        assert!(!view.is_cut_off());
        roster.members.remove(1);
        view.set_roster(&roster);
        assert!(!view.is_alive(NodeId(2)) && view.is_cut_off());
        hear(&view, 3);
        assert!(!view.is_cut_off());
    }
}
