use std::time::Duration;

use crate::bench;
use crate::fake::{Fake, Faults};

#[test]
fn a_fixed_rate_is_kept() {
    let fake = Fake::start(Faults::default());
    let line = "send --rate 200 --batch 2 --duration 2s --warm-up 0s --connections 4";
    let report = bench(&fake, line);
    // Never faster; on a machine that cannot keep up, slower.
    assert!(report.messages <= 404, "{report:?}");
    assert!(report.messages > 0);
}

/// Every call that was due while the server stalled counts with the time that it waited, not only
/// the few that were under way: 100 of 400 calls were due in a stall of half a second.
#[test]
fn a_stall_is_charged_for_every_call_that_it_kept_waiting() {
    let stall = Some((Duration::from_millis(500), Duration::from_millis(500)));
    let fake = Fake::start(Faults {
        stall,
        ..Faults::default()
    });
    let line = "pipeline --rate 200 --duration 2s --warm-up 0s --connections 8";
    let report = bench(&fake, line);
    let send = report.send_ms.unwrap();
    assert!(send.p90 >= 200.0 && send.max >= 400.0, "{send:?}");
    let end_to_end = report.end_to_end_ms.unwrap();
    assert!(end_to_end.p90 >= 200.0, "{end_to_end:?}");
    assert!(report.passed(), "{report:?}");
}
