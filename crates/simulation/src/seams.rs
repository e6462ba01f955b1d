//! Time and randomness of a simulated node.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use squorum_store::Random;
use squorum_types::{Clock, Entropy, Timestamp};

/// Where simulations begin, in wall-clock time.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// Milliseconds since the simulation began. Outside of it, 0.
pub fn elapsed_ms() -> u64 {
    turmoil::sim_elapsed().map_or(0, |elapsed| elapsed.as_millis() as u64)
}

/// A machine's clock: true time, and how far the wall clock is off. Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct SimClock {
    offset_ms: Arc<AtomicI64>,
}

impl SimClock {
    /// Sets the wall clock to true time plus this.
    pub fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let offset_ms = self.offset_ms.load(Ordering::Relaxed);
        Timestamp((EPOCH_MS + elapsed_ms()).saturating_add_signed(offset_ms))
    }

    fn monotonic_ms(&self) -> u64 {
        elapsed_ms()
    }
}

/// Random bytes that a seed decides.
pub struct SimEntropy(Mutex<Random>);

impl SimEntropy {
    pub fn new(seed: u64) -> SimEntropy {
        SimEntropy(Mutex::new(Random::new(seed)))
    }
}

impl Entropy for SimEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut random = self.0.lock();
        for chunk in bytes.chunks_mut(8) {
            let word = random.next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

impl fmt::Debug for SimEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimEntropy")
    }
}
