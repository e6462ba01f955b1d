use std::time::Duration;

use squorum_log::Stepper;
use squorum_store::Random;
use tokio::time::sleep;

/// How long a sync takes at most: a fast disk, a good one, and one that others use as well. While it
/// lasts, what was acknowledged too early is nowhere.
const SYNC_MS_MAX: [u64; 3] = [1, 5, 25];
/// And now and then much longer.
const SLOW_SYNC_ONCE_IN: u64 = 200;
const SLOW_SYNC_MS_MAX: u64 = 80;
const MARKER_INTERVAL_MS: u64 = 50;

/// The log's writer thread, as a task: writes and syncs one batch a time. Ends with its process.
pub async fn write_log(mut stepper: Stepper, mut random: Random) {
    let sync_ms_max = SYNC_MS_MAX[random.below(SYNC_MS_MAX.len() as u64) as usize];
    let mut since_marker_ms = 0;
    loop {
        let pause_ms = if random.once_in(SLOW_SYNC_ONCE_IN) {
            1 + random.below(SLOW_SYNC_MS_MAX)
        } else {
            1 + random.below(sync_ms_max)
        };
        sleep(Duration::from_millis(pause_ms)).await;
        stepper.step();
        since_marker_ms += pause_ms;
        if since_marker_ms >= MARKER_INTERVAL_MS {
            since_marker_ms = 0;
            stepper.sync_marker();
        }
    }
}
