use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use squorum_meta::{MemberState, Roster};
use squorum_types::{GroupId, NodeId};

use super::findings::findings;
use super::{
    ClusterStatus, GroupStatus, MembershipStatus, NodeState, NodeStatus, ReplicaStatus, Severity,
    Verdict, WaitingNode,
};
use crate::cluster::view::majority;
use crate::cluster::{Candidate, ClusterRecord, GroupReport, ObservedMember};

/// What a status is made of.
pub(crate) struct StatusInput<'a> {
    pub(crate) record: &'a ClusterRecord,
    pub(crate) roster: &'a Roster,
    pub(crate) waiting: &'a [Candidate],
    pub(crate) this_node: NodeId,
    /// All members in the order of their ids.
    pub(crate) members: &'a [ObservedMember],
    /// Where members are reached now.
    pub(crate) addresses: &'a BTreeMap<NodeId, String>,
}

/// A group as its replicas together show it.
pub(super) struct ObservedGroup<'a> {
    pub(super) group: GroupId,
    /// One that is alive.
    pub(super) leader: Option<NodeId>,
    pub(super) term: u64,
    /// Where the log ends, as far as it is known.
    pub(super) last_log_index: u64,
    /// What each member last said, if anything.
    pub(super) replicas: Vec<(&'a ObservedMember, Option<&'a GroupReport>)>,
}

pub(crate) fn cluster_status(input: &StatusInput<'_>) -> ClusterStatus {
    let groups = input.record.groups();
    let groups: Vec<_> = groups.map(|group| observed_group(input, group)).collect();
    let findings = findings(input, &groups);
    let served = groups.iter().any(|group| group.leader.is_some());
    let verdict = if !has_majority(input) || !served {
        Verdict::NoQuorum
    } else if findings.iter().any(|f| f.severity > Severity::Info) {
        Verdict::Degraded
    } else {
        Verdict::Well
    };
    let members = input.members.iter();
    ClusterStatus {
        cluster_id: Some(input.record.cluster_id.to_string()),
        this_node: Some(input.this_node.to_string()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        verdict,
        nodes: members
            .map(|member| node_status(input, member, &groups))
            .collect(),
        waiting: input.waiting.iter().map(waiting).collect(),
        groups: groups.iter().map(group_status).collect(),
        findings,
    }
}

pub(super) fn has_majority(input: &StatusInput<'_>) -> bool {
    alive_count(input) >= majority(counting(input).count())
}

/// Members that count for a majority.
pub(super) fn counting<'a>(input: &StatusInput<'a>) -> impl Iterator<Item = &'a ObservedMember> {
    input.members.iter().filter(|member| member.counts)
}

/// Of those that count.
pub(super) fn alive_count(input: &StatusInput<'_>) -> usize {
    counting(input).filter(|member| member.is_alive).count()
}

/// Where a member is reached, for people.
pub(super) fn address(input: &StatusInput<'_>, node: NodeId) -> String {
    let recorded = || {
        input
            .record
            .member(node)
            .map(|member| member.address.clone())
    };
    let address = input.addresses.get(&node).cloned().or_else(recorded);
    address.unwrap_or_default()
}

/// Those who are alive say who leads; whoever knows the highest term knows best.
fn observed_group<'a>(input: &StatusInput<'a>, group: GroupId) -> ObservedGroup<'a> {
    let report = |member: &'a ObservedMember| {
        let report = member.report.as_deref()?;
        report.groups.iter().find(|report| report.group == group)
    };
    let replicas: Vec<_> = input
        .members
        .iter()
        .map(|member| (member, report(member)))
        .collect();
    let alive = replicas.iter().filter(|(member, _)| member.is_alive);
    let alive = alive.filter_map(|(_, report)| *report);
    // Of one term there is one leader at most.
    let newest = alive.max_by_key(|report| (report.term, report.leader));
    let is_alive = |node: &NodeId| input.members.iter().any(|m| m.node == *node && m.is_alive);
    let leader = newest.and_then(|report| report.leader).filter(is_alive);
    let known = replicas.iter().filter_map(|(_, report)| *report);
    ObservedGroup {
        group,
        leader,
        term: newest.map_or(0, |report| report.term),
        last_log_index: known.map(|report| report.last_log_index).max().unwrap_or(0),
        replicas,
    }
}

fn node_status(
    input: &StatusInput<'_>,
    member: &ObservedMember,
    groups: &[ObservedGroup<'_>],
) -> NodeStatus {
    let leads = groups
        .iter()
        .filter(|group| group.leader == Some(member.node));
    let report = member.report.as_ref();
    let disk = report.and_then(|report| report.disk);
    let clock_offset = member.clock_offset.filter(|_| member.is_alive);
    let replaces = input
        .roster
        .member(member.node)
        .and_then(|one| one.replaces);
    let own_offset = (member.node == input.this_node).then_some(0);
    NodeStatus {
        id: member.node.to_string(),
        address: address(input, member.node),
        state: if member.is_alive {
            NodeState::Alive
        } else {
            NodeState::Unreachable
        },
        membership: membership(input.roster, member.node),
        replaces: replaces.map(|node| node.to_string()),
        last_heard_ms: member.last_heard.map(as_ms),
        version: report.map(|report| report.version.clone()),
        leads: leads.count() as u32,
        disk_free_bytes: disk.map(|disk| disk.free_bytes),
        disk_total_bytes: disk.map(|disk| disk.total_bytes),
        clock_offset_ms: clock_offset.map(|offset| offset.offset_ms).or(own_offset),
    }
}

fn membership(roster: &Roster, node: NodeId) -> MembershipStatus {
    match roster.member(node).map(|member| member.state) {
        Some(MemberState::Admitted | MemberState::Joining) => MembershipStatus::Joining,
        Some(MemberState::Leaving) => MembershipStatus::Leaving,
        Some(MemberState::Active) | None => MembershipStatus::Active,
    }
}

fn waiting(candidate: &Candidate) -> WaitingNode {
    WaitingNode {
        id: candidate.node.to_string(),
        address: candidate.address.clone(),
    }
}

fn group_status(group: &ObservedGroup<'_>) -> GroupStatus {
    let voters = group.voters();
    let replicas = group.replicas.iter().map(|(member, report)| {
        let digest = report.and_then(|report| report.latest_digest);
        ReplicaStatus {
            node: member.node.to_string(),
            votes: voters.contains(&member.node),
            applied: report.map(|report| report.applied_index),
            lag_entries: report.map(|report| group.lag_entries(report)),
            digest: digest.map(|at| format!("{:016x}", at.digest)),
            digest_index: digest.map(|at| at.index),
        }
    });
    GroupStatus {
        name: group.group.to_string(),
        leader: group.leader.map(|leader| leader.to_string()),
        term: group.term,
        replicas: replicas.collect(),
    }
}

impl ObservedGroup<'_> {
    /// As the leader says, or else whoever has applied most.
    pub(super) fn voters(&self) -> BTreeSet<NodeId> {
        let reports = self.replicas.iter();
        let reports = reports.filter_map(|(member, report)| Some((member.node, (*report)?)));
        let best =
            reports.max_by_key(|(node, report)| (Some(*node) == self.leader, report.applied_index));
        best.map(|(_, report)| report.membership.voters.clone())
            .unwrap_or_default()
    }

    pub(super) fn lag_entries(&self, report: &GroupReport) -> u64 {
        self.last_log_index.saturating_sub(report.applied_index)
    }
}

fn as_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
