//! The status as text: nodes, groups, findings, and the verdict last, where a terminal shows it.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use squorum_node::{
    ClusterStatus, Finding, GroupStatus, MembershipStatus, NodeState, NodeStatus, ReplicaStatus,
    Severity, Verdict,
};

const NOT_KNOWN: &str = "-";

pub(super) fn cluster(status: &ClusterStatus) -> String {
    let mut text = heading(status);
    if !status.nodes.is_empty() {
        text.push('\n');
        text.push_str(&nodes(status));
    }
    if !status.groups.is_empty() {
        text.push('\n');
        text.push_str(&groups(status));
    }
    text.push('\n');
    for finding in &status.findings {
        text.push_str(&finding_text(finding));
    }
    text.push_str(&verdict(status));
    text
}

/// A table without lines, which scripts can cut and terminals of any width show.
pub(crate) fn plain(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    table
}

/// The table without the blanks at its lines' ends.
pub(crate) fn text(table: &Table) -> String {
    let lines = table.lines();
    lines.fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

fn heading(status: &ClusterStatus) -> String {
    let this_node = match &status.this_node {
        Some(id) => format!("node {id}"),
        None => "a node that is starting".to_owned(),
    };
    let cluster = match &status.cluster_id {
        Some(id) => format!("Cluster {id}"),
        None => "No cluster yet".to_owned(),
    };
    format!("{cluster}, as seen by {this_node} ({})\n", status.version)
}

fn nodes(status: &ClusterStatus) -> String {
    let mut table = plain(&[
        "NODE",
        "ADDRESS",
        "STATE",
        "HEARD",
        "VERSION",
        "LEADS",
        "DISK FREE",
        "CLOCK",
    ]);
    for node in &status.nodes {
        let is_this_node = status.this_node.as_ref() == Some(&node.id);
        table.add_row(node_row(node, is_this_node));
    }
    for column in [3, 5, 6, 7] {
        align_right(&mut table, column);
    }
    text(&table)
}

fn node_row(node: &NodeStatus, is_this_node: bool) -> [String; 8] {
    let state = match (node.state, node.membership) {
        (NodeState::Alive, MembershipStatus::Active) => "alive",
        (NodeState::Alive, MembershipStatus::Joining) => "joining",
        (NodeState::Alive, MembershipStatus::Leaving) => "leaving",
        (NodeState::Unreachable, _) => "UNREACHABLE",
    };
    let heard = match node.last_heard_ms {
        _ if is_this_node => "this node".to_owned(),
        Some(ago_ms) => format!("{} ago", duration(ago_ms)),
        None => "never".to_owned(),
    };
    [
        node.id.clone(),
        node.address.clone(),
        state.to_owned(),
        heard,
        known(node.version.clone()),
        node.leads.to_string(),
        known(node.disk_free_bytes.map(bytes)),
        known(
            node.clock_offset_ms
                .map(|offset_ms| format!("{offset_ms:+} ms")),
        ),
    ]
}

fn groups(status: &ClusterStatus) -> String {
    let node_ids = replica_nodes(&status.groups);
    let mut header = vec!["GROUP", "LEADER", "TERM"];
    header.extend(node_ids.iter().copied());
    let mut table = plain(&header);
    for group in &status.groups {
        let leader = group.leader.clone().unwrap_or_else(|| "NONE".to_owned());
        let mut row = vec![group.name.clone(), leader, group.term.to_string()];
        row.extend(node_ids.iter().map(|node| replica_cell(group, node)));
        table.add_row(row);
    }
    for column in 2..header.len() {
        align_right(&mut table, column);
    }
    text(&table)
}

/// Every node with a replica, in the order in which they first appear.
fn replica_nodes(groups: &[GroupStatus]) -> Vec<&str> {
    let mut nodes: Vec<&str> = Vec::new();
    for replica in groups.iter().flat_map(|group| &group.replicas) {
        if !nodes.contains(&replica.node.as_str()) {
            nodes.push(&replica.node);
        }
    }
    nodes
}

/// How far a replica has applied the group's log, and how much of the log it lacks.
fn replica_cell(group: &GroupStatus, node: &str) -> String {
    let replica = group.replicas.iter().find(|replica| replica.node == node);
    match replica {
        None => String::new(),
        Some(ReplicaStatus {
            applied,
            lag_entries,
            ..
        }) => {
            let applied = known(*applied);
            match lag_entries {
                None | Some(0) => applied,
                Some(lag) => format!("{applied} (-{lag})"),
            }
        }
    }
}

fn finding_text(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let Finding {
        what,
        why,
        next_step,
        ..
    } = finding;
    let mut text = format!("{severity}: {what}\n");
    for (label, part) in [("why", why), ("next step", next_step)] {
        if !part.is_empty() {
            text.push_str(&format!("  {label}: {part}\n"));
        }
    }
    text
}

/// One line: the verdict, its first reason and what to do about it.
fn verdict(status: &ClusterStatus) -> String {
    let worst = status
        .findings
        .iter()
        .rev()
        .max_by_key(|finding| finding.severity);
    match (status.verdict, worst) {
        (Verdict::Well, _) => "WELL: all nodes are alive, all groups have leaders.\n".to_owned(),
        (verdict, finding) => {
            let word = match verdict {
                Verdict::NoQuorum => "NO QUORUM",
                _ => "DEGRADED",
            };
            let reason = finding.map_or("the node gives no reason", |finding| &*finding.what);
            let next_step = finding.map_or("", |finding| &*finding.next_step);
            match next_step {
                "" => format!("{word}: {reason}.\n"),
                step => format!("{word}: {reason}. Next step: {step}.\n"),
            }
        }
    }
}

fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

fn known(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NOT_KNOWN.to_owned(), |value| value.to_string())
}

/// As one looks at it: milliseconds, seconds or minutes.
fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min", ms / 60_000),
    }
}

fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}
