use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::run::Shared;

/// What was done in each interval of the measured window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timeline {
    pub interval_ms: u64,
    /// Acknowledged sends.
    pub sent: Vec<u64>,
    pub deleted: Vec<u64>,
}

impl Timeline {
    pub(crate) fn new(interval: Duration) -> Timeline {
        Timeline {
            interval_ms: u64::try_from(interval.as_millis()).unwrap_or(u64::MAX),
            sent: Vec::new(),
            deleted: Vec::new(),
        }
    }

    /// Goes on until it is dropped.
    pub(crate) async fn record(&mut self, shared: &Shared) {
        let interval = Duration::from_millis(self.interval_ms);
        let counts = || {
            let ledger = shared.ledger.borrow();
            (ledger.acknowledged_count, ledger.deleted_count)
        };
        let mut last = counts();
        let mut at = Instant::now();
        loop {
            at += interval;
            sleep_until(at).await;
            let now = counts();
            self.sent.push(now.0 - last.0);
            self.deleted.push(now.1 - last.1);
            last = now;
        }
    }
}
