use crate::bench;
use crate::fake::{Fake, Faults};

const PIPELINE: &str = "pipeline --batch 10 --messages 400 --connections 4 --idle 1s";
const FIFO: &str = "fifo --groups 2 --batch 10 --messages 400 --connections 4 --idle 1s";

#[test]
fn lost_messages_are_caught() {
    for line in [PIPELINE, FIFO] {
        let lose = 100;
        let fake = Fake::start(Faults {
            lose,
            ..Faults::default()
        });
        let report = bench(&fake, line);
        assert_eq!((report.lost, report.violations), (Some(4), 4), "{report:?}");
        assert!(!report.passed());
    }
}

#[test]
fn messages_that_come_after_their_delete_are_caught() {
    for line in [PIPELINE, FIFO] {
        let revive = 100;
        let fake = Fake::start(Faults {
            revive,
            ..Faults::default()
        });
        // What comes back late can miss the end of a run, but not all of it.
        let report = bench(&fake, line);
        assert!((1..=4).contains(&report.duplicates), "{report:?}");
        assert_eq!((report.lost, report.passed()), (Some(0), false));
    }
}

#[test]
fn messages_that_come_twice_at_once_are_caught() {
    let double = 50;
    let fake = Fake::start(Faults {
        double,
        ..Faults::default()
    });
    let report = bench(&fake, PIPELINE);
    assert!(report.duplicates >= 1, "{report:?}");
    assert_eq!((report.redelivered, report.passed()), (0, false));
}

#[test]
fn messages_out_of_order_are_caught_in_fifo_queues_only() {
    let overtake = 1;
    let fake = Fake::start(Faults {
        overtake,
        ..Faults::default()
    });
    let report = bench(&fake, FIFO);
    assert!(report.disordered >= 1 && !report.passed(), "{report:?}");
    let report = bench(&fake, PIPELINE);
    assert!(report.disordered == 0 && report.passed(), "{report:?}");
}

#[test]
fn changed_bodies_are_caught() {
    let damage = 100;
    let fake = Fake::start(Faults {
        damage,
        ..Faults::default()
    });
    let report = bench(&fake, PIPELINE);
    assert_eq!((report.damaged, report.lost), (4, Some(0)), "{report:?}");
    assert!(!report.passed());
}
