use squorum_bench::Mode;

use crate::fake::{Fake, Faults};
use crate::{bench, try_bench};

#[test]
fn a_good_server_passes_in_every_mode() {
    for mode in ["send", "pipeline", "drain", "fifo"] {
        for batch in [1, 10] {
            let fake = Fake::start(Faults::default());
            let line = format!("{mode} --batch {batch} --messages 500 --connections 8 --groups 20");
            let line = if mode == "fifo" {
                line
            } else {
                line.replace("--groups 20", "")
            };
            let report = bench(&fake, &line);
            assert!(report.passed() && report.errors == 0, "{report:?}");
            assert_eq!((report.sent, report.messages), (500, 500), "{report:?}");
            let consumed = if mode == "send" { 0 } else { 500 };
            assert_eq!((report.received, report.deleted), (consumed, consumed));
            assert_eq!(report.lost, (mode != "send").then_some(0));
            assert_eq!(report.end_to_end_ms.is_some(), mode != "send");
            assert!(fake.queue_names().is_empty(), "the queue goes with the run");
        }
    }
}

#[test]
fn a_run_by_time_waits_for_what_is_outstanding() {
    let fake = Fake::start(Faults::default());
    let line = "pipeline --duration 300ms --warm-up 100ms --connections 6 --backlog-max 50";
    let report = bench(&fake, line);
    assert!(report.passed(), "{report:?}");
    assert!(
        report.sent > 0 && report.deleted == report.sent,
        "{report:?}"
    );
    assert!(report.messages < report.sent, "the warm-up does not count");
}

#[test]
fn a_named_queue_is_kept_and_drained_by_another_run() {
    for (queue, groups) in [("q", ""), ("q.fifo", "--groups 7")] {
        let fake = Fake::start(Faults::default());
        let send = format!("send --queue {queue} {groups} --messages 300 --batch 10");
        assert_eq!(bench(&fake, &send).sent, 300);
        assert_eq!(bench(&fake, &send).sent, 300);
        assert_eq!(fake.queue_names(), [queue]);
        let drain = format!("drain --queue {queue} --messages 600 --batch 10");
        let report = bench(&fake, &drain);
        assert_eq!(
            (report.mode, report.lost),
            (Mode::Drain, Some(0)),
            "{report:?}"
        );
        assert_eq!(
            (report.deleted, report.duplicates),
            (600, 0),
            "two runs are told apart"
        );
        assert!(report.passed(), "{report:?}");
    }
}

#[test]
fn a_drain_misses_what_it_was_told_to_expect() {
    let fake = Fake::start(Faults::default());
    bench(&fake, "send --queue q --messages 50");
    let report = bench(&fake, "drain --queue q --messages 60 --idle 500ms");
    assert_eq!(
        (report.lost, report.violations, report.passed()),
        (Some(10), 10, false)
    );
    let report = bench(&fake, "drain --queue q --idle 500ms");
    assert_eq!(
        (report.lost, report.passed()),
        (None, true),
        "nothing was expected"
    );
}

#[test]
fn messages_of_others_are_not_taken_for_own() {
    let fake = Fake::start(Faults::default());
    bench(&fake, "send --queue q --messages 20");
    let report = bench(&fake, "pipeline --queue q --messages 30");
    assert_eq!(
        (report.foreign, report.received, report.lost),
        (20, 30, Some(0)),
        "{report:?}"
    );
    assert!(report.passed());
}

#[test]
fn several_runs_give_several_reports() {
    let fake = Fake::start(Faults::default());
    let reports = try_bench(&fake, "send pipeline --batch 1,10 --messages 40").unwrap();
    let runs: Vec<_> = reports
        .iter()
        .map(|report| (report.mode, report.batch))
        .collect();
    let expected = [
        (Mode::Send, 1),
        (Mode::Send, 10),
        (Mode::Pipeline, 1),
        (Mode::Pipeline, 10),
    ];
    assert_eq!(runs, expected);
}

#[test]
fn the_cpu_of_server_processes_is_counted_and_a_missing_one_is_told() {
    let fake = Fake::start(Faults::default());
    let own = std::process::id();
    let line = format!("send --duration 300ms --server-pids {own}");
    let report = bench(&fake, &line);
    assert!(
        report.server_cpu_us_per_message.unwrap() > 0.0,
        "{report:?}"
    );
    assert!(report.client_cpu_us_per_message.unwrap() > 0.0);
    let line = format!("send --messages 10 --server-pids {own},4194305");
    let report = bench(&fake, &line);
    assert_eq!(report.server_cpu_us_per_message, None);
    assert_eq!(report.server_cpu_us_per_message_by_process.len(), 2);
}
