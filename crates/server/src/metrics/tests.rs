#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use squorum_aws::AnswerClass;

use squorum_node::{
    AdmissionObservation, CommandCounts, GroupObservation, LogObservation, Members, MessageTotals,
    ReplicaLag, SnapshotCounts,
};
use squorum_types::NodeId;
use squorum_types::measure::DurationHistogram;

use super::*;

fn observation() -> Observation {
    let histogram = DurationHistogram::default();
    histogram.record(Duration::from_micros(250));
    histogram.record(Duration::from_secs(60));
    let group = |name: &str, leads| GroupObservation {
        name: name.to_owned(),
        has_leader: true,
        leads,
        term: 3,
        applied_index: 90,
        last_log_index: 100,
        leader_changes: 2,
        replicas: vec![ReplicaLag {
            node: NodeId(0xb2),
            entries: 7,
        }],
    };
    Observation {
        node: NodeId(0xa1),
        feature_level: 1,
        members: Members {
            all: 3,
            alive: 2,
            cut_off: false,
        },
        groups: vec![group("meta", false), group("shard-0", true)],
        log: LogObservation {
            disk_bytes: 64 << 20,
            sync_in_progress: Duration::from_millis(1500),
            sync_times: histogram.read(),
            ..LogObservation::default()
        },
        snapshots: SnapshotCounts {
            installed: 4,
            ..SnapshotCounts::default()
        },
        checkpoints: histogram.read(),
        commands: CommandCounts::default(),
        admission: AdmissionObservation {
            receives_refused: 5,
            ..AdmissionObservation::default()
        },
        messages: MessageTotals {
            visible: 1_000_000,
            ..MessageTotals::default()
        },
    }
}

fn requests() -> Requests {
    let actions = vec![ActionCounts {
        action: "SendMessage",
        answers: vec![(AnswerClass::Success, 11), (AnswerClass::Throttled, 2)],
        durations: observation().log.sync_times,
    }];
    Requests {
        connections: 6,
        actions,
    }
}

fn everything() -> Figures {
    Figures {
        version: "0.1.0",
        ready: true,
        process: ProcessFigures::read(),
        node: Some(observation()),
        requests: Some(requests()),
    }
}

/// Series and values of a scrape, after the rules of the format: each metric is described once,
/// before its series and in one piece; each series stands once.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let body = text.strip_suffix("# EOF\n").expect("the end is marked");
    let (mut described, mut series) = (BTreeSet::new(), BTreeMap::new());
    let (mut metric, mut kind) = ("", "");
    for line in body.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            metric = help.split_once(' ').unwrap().0;
            assert!(described.insert(metric), "described twice: {line}");
            continue;
        }
        if let Some(described_as) = line.strip_prefix("# TYPE ") {
            let (name, described_kind) = described_as.split_once(' ').unwrap();
            assert_eq!(name, metric);
            kind = described_kind;
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let suffix = name
            .strip_prefix(metric)
            .unwrap_or_else(|| panic!("{line} is not {metric}"));
        let suffix = suffix.split('{').next().unwrap();
        let allowed: &[&str] = match kind {
            "gauge" => &[""],
            "counter" => &["_total"],
            "info" => &["_info"],
            "histogram" => &["_sum", "_count", "_bucket"],
            other => panic!("unknown kind {other}"),
        };
        assert!(allowed.contains(&suffix), "{line} is not of a {kind}");
        let value: f64 = value.parse().unwrap();
        let known = series.insert(name.to_owned(), value);
        assert_eq!(known, None, "stands twice: {line}");
    }
    series
}

#[test]
fn every_figure_is_where_dashboards_look() {
    let series = parse(&text(everything()).unwrap());
    let expected = [
        ("squorum_build_info{version=\"0.1.0\"}", 1.0),
        ("squorum_ready", 1.0),
        ("squorum_members_alive", 2.0),
        ("squorum_group_leads{group=\"meta\"}", 0.0),
        ("squorum_group_leads{group=\"shard-0\"}", 1.0),
        ("squorum_group_unapplied_entries{group=\"shard-0\"}", 10.0),
        ("squorum_group_leader_changes_total{group=\"meta\"}", 2.0),
        (
            "squorum_group_replica_lag_entries{group=\"shard-0\",replica=\"00000000000000b2\"}",
            7.0,
        ),
        ("squorum_log_disk_bytes", 67_108_864.0),
        ("squorum_log_sync_in_progress_seconds", 1.5),
        (
            "squorum_log_sync_duration_seconds_bucket{le=\"0.0001\"}",
            0.0,
        ),
        (
            "squorum_log_sync_duration_seconds_bucket{le=\"0.00025\"}",
            1.0,
        ),
        ("squorum_log_sync_duration_seconds_bucket{le=\"30.0\"}", 1.0),
        ("squorum_log_sync_duration_seconds_bucket{le=\"+Inf\"}", 2.0),
        ("squorum_log_sync_duration_seconds_count", 2.0),
        ("squorum_log_sync_duration_seconds_sum", 60.00025),
        ("squorum_snapshots_installed_total", 4.0),
        (
            "squorum_admission_refusals_total{operation=\"receive\"}",
            5.0,
        ),
        ("squorum_messages{state=\"visible\"}", 1_000_000.0),
        ("squorum_connections", 6.0),
        (
            "squorum_requests_total{action=\"SendMessage\",answer=\"throttled\"}",
            2.0,
        ),
        (
            "squorum_request_duration_seconds_count{action=\"SendMessage\"}",
            2.0,
        ),
    ];
    for (name, value) in expected {
        assert_eq!(series.get(name), Some(&value), "{name} of {series:#?}");
    }
    assert!(series["process_resident_memory_bytes"] > 0.0);
}

#[test]
fn a_node_that_is_starting_shows_what_there_is() {
    let figures = Figures {
        ready: false,
        node: None,
        requests: None,
        ..everything()
    };
    let series = parse(&text(figures).unwrap());
    assert_eq!(series["squorum_ready"], 0.0);
    assert!(series.contains_key("process_cpu_seconds_total"));
    assert!(!series.contains_key("squorum_log_disk_bytes"));
}

/// What is described is counted somewhere: a metric without series would be a name that lies.
#[test]
fn nothing_is_described_without_a_series() {
    let written = text(everything()).unwrap();
    let metrics = written.matches("# TYPE ").count();
    let series = parse(&written);
    let with_series: BTreeSet<_> = written
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split_once(' '))
        .filter(|(metric, _)| series.keys().any(|name| name.starts_with(metric)))
        .collect();
    assert_eq!(with_series.len(), metrics);
}
