use crate::fake::{Fake, Faults};
use crate::{arguments, bench};

const MESSAGES: u64 = 300;

#[test]
fn failed_entries_alone_are_sent_and_deleted_again() {
    let fail_entry = 7;
    let fake = Fake::start(Faults {
        fail_entry,
        ..Faults::default()
    });
    let line = format!("pipeline --batch 10 --messages {MESSAGES} --connections 4");
    let report = bench(&fake, &line);
    assert_eq!(
        (report.violations, report.resent_duplicates),
        (0, 0),
        "{report:?}"
    );
    assert_eq!((report.sent, report.deleted), (MESSAGES, MESSAGES));
    assert!(report.errors > 0 && !report.passed());
    assert!(report.last_error.unwrap().contains("InternalError"));
    assert!(bench(&fake, &format!("{line} --tolerate-errors")).passed());
}

#[test]
fn refused_calls_are_repeated_without_doubles() {
    let refuse = 5;
    let fake = Fake::start(Faults {
        refuse,
        ..Faults::default()
    });
    let line = format!("pipeline --messages {MESSAGES} --connections 8 --tolerate-errors");
    let report = bench(&fake, &line);
    assert!(report.errors > 0 && report.passed(), "{report:?}");
    assert_eq!(report.deleted, MESSAGES);
}

/// The server did what it was asked, and nobody heard: a standard queue then holds a message twice,
/// a FIFO queue does not, and what was received into the void comes back after its visibility timeout.
#[test]
fn lost_answers_are_not_blamed_on_the_server() {
    let hang_up = 9;
    let fake = Fake::start(Faults {
        hang_up,
        ..Faults::default()
    });
    let common = "--messages 150 --connections 8 --visibility-timeout 1s --tolerate-errors";
    let report = bench(&fake, &format!("pipeline {common}"));
    assert!(report.errors > 0 && report.passed(), "{report:?}");
    assert_eq!(report.lost, Some(0));
    let report = bench(&fake, &format!("fifo --groups 8 {common}"));
    assert!(report.errors > 0 && report.passed(), "{report:?}");
    assert_eq!((report.resent_duplicates, report.disordered), (0, 0));
}

#[test]
fn sends_that_are_refused_for_good_end_the_run_instead_of_looping() {
    let reject_sends = true;
    let fake = Fake::start(Faults {
        reject_sends,
        ..Faults::default()
    });
    let report = bench(&fake, "pipeline --messages 20 --connections 4");
    assert_eq!((report.sent, report.errors), (0, 20), "{report:?}");
    assert!(!report.passed());
}

#[test]
fn connections_go_to_the_next_endpoint_when_theirs_is_dead() {
    let fake = Fake::start(Faults::default());
    let dead = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let line = format!("pipeline --messages 50 --connections 4 --endpoint http://{dead}");
    let report = bench(&fake, &line);
    assert_eq!((report.violations, report.deleted), (0, 50), "{report:?}");
    assert!(report.last_error.unwrap().contains("cannot connect"));
}

#[test]
fn an_endpoint_that_is_not_there_is_an_error() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let arguments = arguments(&format!("send --json --endpoint http://{dead}"));
    let error = squorum_bench::measure(arguments).unwrap_err().to_string();
    assert!(
        error.contains("CreateQueue") && error.contains("cannot connect"),
        "{error}"
    );
}
