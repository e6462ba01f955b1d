//! The cluster and its Raft groups.

use std::fmt;

use squorum_node::{GroupObservation, Observation};

use super::sheet::Sheet;

pub(super) fn write(sheet: &mut Sheet<'_>, node: &Observation) -> fmt::Result {
    members(sheet, node)?;
    let groups = &node.groups;
    sheet.gauges(
        "squorum_group_has_leader",
        "1 if this node knows who leads the group",
        each(groups, |group| group.has_leader.into()),
    )?;
    sheet.gauges(
        "squorum_group_leads",
        "1 if this node leads the group",
        each(groups, |group| group.leads.into()),
    )?;
    sheet.counters(
        "squorum_group_leader_changes",
        "How often this node heard of another leader of the group",
        each(groups, |group| group.leader_changes),
    )?;
    sheet.gauges(
        "squorum_group_term",
        "The group's term: rises with every election",
        each(groups, |group| group.term),
    )?;
    sheet.gauges(
        "squorum_group_applied_index",
        "The last entry that this node has applied",
        each(groups, |group| group.applied_index),
    )?;
    sheet.gauges(
        "squorum_group_last_log_index",
        "The last entry in this node's log",
        each(groups, |group| group.last_log_index),
    )?;
    sheet.gauges(
        "squorum_group_unapplied_entries",
        "Entries in this node's log that it has yet to apply",
        each(groups, |group| {
            group.last_log_index.saturating_sub(group.applied_index)
        }),
    )?;
    let lags = groups.iter().flat_map(|group| {
        group.replicas.iter().map(|replica| {
            let node = replica.node.to_string();
            let labels = [("group", group.name.clone()), ("replica", node)];
            (labels, replica.entries)
        })
    });
    sheet.gauges(
        "squorum_group_replica_lag_entries",
        "Entries that another replica of a group led here has yet to acknowledge",
        lags,
    )
}

fn members(sheet: &mut Sheet<'_>, node: &Observation) -> fmt::Result {
    sheet.gauge(
        "squorum_feature_level",
        "The cluster's feature level",
        u64::from(node.feature_level),
    )?;
    sheet.gauge(
        "squorum_members",
        "Nodes of the cluster",
        node.members.all as u64,
    )?;
    sheet.gauge(
        "squorum_members_alive",
        "Nodes of the cluster that this one hears, itself included",
        node.members.alive as u64,
    )?;
    sheet.gauge(
        "squorum_cut_off",
        "1 if this node hears no majority of the cluster",
        u64::from(node.members.cut_off),
    )
}

fn each<'a>(
    groups: &'a [GroupObservation],
    value: impl Fn(&GroupObservation) -> u64 + 'a,
) -> impl Iterator<Item = ([(&'static str, &'a str); 1], u64)> {
    let series = move |group: &'a GroupObservation| {
        let labels = [("group", group.name.as_str())];
        (labels, value(group))
    };
    groups.iter().map(series)
}
