//! What is wrong with a cluster, why, and what an operator can do.

use std::collections::BTreeMap;

use squorum_meta::{Member, MemberState};

use super::build::{ObservedGroup, StatusInput, address, alive_count, counting, has_majority};
use super::{Finding, Severity};
use crate::cluster::view::majority;
use crate::cluster::{Candidate, DiskSpace, ObservedMember};

/// More is not what a replica that keeps up shows: reports are a moment old.
const LAG_ENTRIES_MAX: u64 = 5_000;
/// Beyond, time in the log is in question.
const CLOCK_OFFSET_MS_MAX: u64 = 1_000;
const GIB: u64 = 1 << 30;

/// The worst first.
pub(super) fn findings(input: &StatusInput<'_>, groups: &[ObservedGroup<'_>]) -> Vec<Finding> {
    let members = input.members.iter();
    let mut findings: Vec<_> = members
        .clone()
        .filter(|member| !member.is_alive)
        .map(|member| unreachable(input, member))
        .collect();
    findings.extend(cut_off(input));
    findings.extend(leaderless(input, groups));
    findings.extend(groups.iter().flat_map(lagging));
    findings.extend(groups.iter().filter_map(differing));
    findings.extend(wrong_clocks(input));
    findings.extend(members.filter_map(full_disk));
    findings.extend(several_versions(input));
    findings.extend(comings_and_goings(input, groups));
    findings.extend(
        input
            .waiting
            .iter()
            .map(|candidate| waiting(input, candidate)),
    );
    // Stable: within a severity they stay as above.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn unreachable(input: &StatusInput<'_>, member: &ObservedMember) -> Finding {
    let spare = alive_count(input).saturating_sub(majority(counting(input).count()));
    let consequence = match spare {
        0 if has_majority(input) => "the cluster serves, but cannot lose another node",
        0 => "the cluster has lost its majority",
        _ => "the cluster serves, and can lose another node",
    };
    let silence = match member.last_heard {
        Some(silence) => format!("it was not heard for {} s", silence.as_secs()),
        None => "it was not heard since this node started".to_owned(),
    };
    let address = address(input, member.node);
    Finding {
        severity: if has_majority(input) {
            Severity::Warning
        } else {
            Severity::Critical
        },
        what: format!("node {} at {address} is unreachable", member.node),
        why: format!("{silence}; {consequence}"),
        next_step: format!(
            "start the node, or repair the network between {address} and this node; it catches up \
             by itself; if its disk is lost, start it with an empty data directory and run \
             `squorum node replace {}`",
            member.node
        ),
    }
}

fn cut_off(input: &StatusInput<'_>) -> Option<Finding> {
    if has_majority(input) {
        return None;
    }
    let all = counting(input).count();
    let (alive, needed) = (alive_count(input), majority(all));
    Some(Finding {
        severity: Severity::Critical,
        what: "this node reaches no majority of the cluster".to_owned(),
        why: format!("it hears {alive} of {all} nodes, itself included, and {needed} are needed"),
        next_step: "bring back the unreachable nodes; if they serve among themselves, it is this \
                    node that is cut off: point clients to the others meanwhile"
            .to_owned(),
    })
}

/// Members on their way in or out.
fn comings_and_goings(input: &StatusInput<'_>, groups: &[ObservedGroup<'_>]) -> Vec<Finding> {
    let finding = |member: &Member| {
        let node = member.node;
        let votes = groups.iter().filter(|group| group.voters().contains(&node));
        let (votes, all) = (votes.count(), groups.len());
        let (what, why) = match (member.state, member.replaces) {
            (MemberState::Active, _) => return None,
            (MemberState::Leaving, _) => (
                format!("node {node} is leaving the cluster"),
                format!("it is still a voter of {votes} of {all} groups"),
            ),
            (_, Some(replaced)) => (
                format!("node {node} is taking the place of node {replaced}"),
                format!("it is a voter of {votes} of {all} groups"),
            ),
            (_, None) => (
                format!("node {node} is joining the cluster"),
                format!("it is a voter of {votes} of {all} groups"),
            ),
        };
        Some(Finding {
            severity: Severity::Info,
            what,
            why,
            next_step: "wait; it goes on by itself as long as a majority is up".to_owned(),
        })
    };
    input.roster.members.iter().filter_map(finding).collect()
}

fn waiting(input: &StatusInput<'_>, candidate: &Candidate) -> Finding {
    let node = candidate.node;
    let mut members = input.members.iter();
    // It came to a member's place, or there is one that is missed.
    let is_there = |member: &&ObservedMember| address(input, member.node) == candidate.address;
    let lost = members
        .clone()
        .find(is_there)
        .or_else(|| members.find(|member| !member.is_alive));
    let next_step = match lost.map(|lost| lost.node) {
        Some(lost) => format!(
            "if node {lost} does not come back, run `squorum node replace {lost}`; otherwise \
             `squorum node add {node}`"
        ),
        None => format!("run `squorum node add {node}` to have it as one more member"),
    };
    Finding {
        severity: Severity::Info,
        what: format!("node {node} at {} waits to be taken in", candidate.address),
        why: match candidate.replaces {
            Some(lost) => format!("it has lost what it had promised to keep as node {lost}"),
            None => "its data directory was empty when it started".to_owned(),
        },
        next_step,
    }
}

/// All in one: a majority that is gone takes every group's leader with it.
fn leaderless(input: &StatusInput<'_>, groups: &[ObservedGroup<'_>]) -> Option<Finding> {
    let names = groups.iter().filter(|group| group.leader.is_none());
    let names: Vec<_> = names.map(|group| group.group.to_string()).collect();
    if names.is_empty() {
        return None;
    }
    let (why, next_step) = if has_majority(input) {
        (
            "the members are electing one, or cannot hear each other well enough to",
            "wait a few seconds; if it stays so, look for slow disks or links between the nodes",
        )
    } else {
        (
            "without a majority none can be elected",
            "bring back the unreachable nodes",
        )
    };
    Some(Finding {
        severity: Severity::Critical,
        what: format!("no leader is known of {}", names.join(", ")),
        why: why.to_owned(),
        next_step: next_step.to_owned(),
    })
}

/// Of members that are there: the others are found already.
fn lagging<'a>(group: &'a ObservedGroup<'_>) -> impl Iterator<Item = Finding> + 'a {
    let replicas = group.replicas.iter();
    let alive = replicas.filter(|(member, _)| member.is_alive);
    let lags = alive.filter_map(|(member, report)| Some((member, group.lag_entries((*report)?))));
    let far = lags.filter(|(_, lag_entries)| *lag_entries > LAG_ENTRIES_MAX);
    far.map(|(member, lag_entries)| Finding {
        severity: Severity::Warning,
        what: format!(
            "the replica of {} on node {} is {lag_entries} entries behind",
            group.group, member.node
        ),
        why: "it was away, or its disk or link is slower than the load".to_owned(),
        next_step: "it catches up by itself; do not stop another node before it has".to_owned(),
    })
}

/// Two replicas whose states differ after the same entry.
fn differing(group: &ObservedGroup<'_>) -> Option<Finding> {
    let mut first = BTreeMap::new();
    for (member, report) in &group.replicas {
        for at in report.iter().flat_map(|report| &report.fixed_digests) {
            let (other, digest) = *first.entry(at.index).or_insert((member.node, at.digest));
            if digest != at.digest {
                return Some(Finding {
                    severity: Severity::Critical,
                    what: format!(
                        "the replicas of {} on nodes {} and {} differ",
                        group.group, other, member.node
                    ),
                    why: format!(
                        "their states after entry {} have the digests {digest:016x} and {:016x}; \
                         this is a fault of the program or of a disk",
                        at.index, at.digest
                    ),
                    next_step: "keep the data directories of all nodes and report it; do not \
                                restart the nodes before"
                        .to_owned(),
                });
            }
        }
    }
    None
}

/// Against the median, so that a node whose own clock is wrong does not blame all others.
fn wrong_clocks(input: &StatusInput<'_>) -> Vec<Finding> {
    let offset = |member: &ObservedMember| {
        if member.node == input.this_node {
            return Some((0, 0));
        }
        let offset = member.clock_offset.filter(|_| member.is_alive)?;
        Some((offset.offset_ms, offset.uncertainty_ms))
    };
    let known = input.members.iter();
    let known: Vec<_> = known
        .filter_map(|member| Some((member, offset(member)?)))
        .collect();
    let mut sorted: Vec<_> = known.iter().map(|(_, (offset_ms, _))| *offset_ms).collect();
    sorted.sort_unstable();
    let Some(median_ms) = sorted.get(sorted.len().saturating_sub(1) / 2) else {
        return Vec::new();
    };
    let wrong = known
        .iter()
        .filter_map(|(member, (offset_ms, uncertainty_ms))| {
            let off_ms = offset_ms.saturating_sub(*median_ms);
            let surely_ms = off_ms.unsigned_abs().saturating_sub(*uncertainty_ms);
            (surely_ms > CLOCK_OFFSET_MS_MAX).then(|| wrong_clock(member, off_ms))
        });
    wrong.collect()
}

fn wrong_clock(member: &ObservedMember, off_ms: i64) -> Finding {
    let direction = if off_ms > 0 { "ahead of" } else { "behind" };
    Finding {
        severity: Severity::Warning,
        what: format!(
            "the clock of node {} is {} ms {direction} the median of the nodes",
            member.node,
            off_ms.unsigned_abs()
        ),
        why: "delays, timeouts and retention follow the clock of the node that leads".to_owned(),
        next_step: "synchronise the clocks of all nodes (NTP)".to_owned(),
    }
}

fn full_disk(member: &ObservedMember) -> Option<Finding> {
    let disk = member.report.as_ref()?.disk?;
    let severity = fullness(disk).filter(|_| member.is_alive)?;
    Some(Finding {
        severity,
        what: format!("the disk of node {} is nearly full", member.node),
        why: format!(
            "{} MiB of {} MiB are free",
            disk.free_bytes >> 20,
            disk.total_bytes >> 20
        ),
        next_step: "free space, enlarge the disk, or receive and delete messages".to_owned(),
    })
}

/// A share of a large disk may still be a lot.
fn fullness(disk: DiskSpace) -> Option<Severity> {
    let below = |percent: u64, bytes: u64| {
        disk.free_bytes < bytes && disk.free_bytes / percent < disk.total_bytes / 100
    };
    if below(3, 4 * GIB) {
        Some(Severity::Critical)
    } else if below(10, 16 * GIB) {
        Some(Severity::Warning)
    } else {
        None
    }
}

fn several_versions(input: &StatusInput<'_>) -> Option<Finding> {
    let mut versions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for member in input.members.iter().filter(|member| member.is_alive) {
        if let Some(report) = &member.report {
            versions
                .entry(&report.version)
                .or_default()
                .push(member.node.to_string());
        }
    }
    if versions.len() < 2 {
        return None;
    }
    let versions = versions.iter();
    let versions = versions.map(|(version, nodes)| format!("{version} on {}", nodes.join(", ")));
    Some(Finding {
        severity: Severity::Info,
        what: "the nodes run different versions".to_owned(),
        why: versions.collect::<Vec<_>>().join("; "),
        next_step: "bring all nodes to the same version when the upgrade is done".to_owned(),
    })
}
