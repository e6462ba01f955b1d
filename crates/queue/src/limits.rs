use squorum_types::limits::{IN_FLIGHT_MAX, NOISY_IN_FLIGHT_MIN};

/// The default of [`Limits::answer_bytes`].
pub const ANSWER_BYTES: usize = 4 << 20;

/// Bounds of one shard.
///
/// The cache sizes and `answer_bytes` may differ between nodes and versions; every other limit is part
/// of what commands do and must be the same on all replicas.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Keys of one index that are held in memory, at most.
    pub window_entries: usize,
    /// Keys of all indexes together, at most, apart from the partitions in use.
    pub window_entries_total: usize,
    /// Partitions held in memory, at most.
    pub cached_partitions: usize,
    /// Bytes of bodies from which on the receives of a batch are answered without theirs. What one
    /// receive gives comes on top.
    pub answer_bytes: usize,
    /// Outcomes of one session that wait for acknowledgement, at most.
    pub session_window: usize,
    pub sessions_max: usize,
    /// A session that was silent for so long is forgotten.
    pub session_ttl_ms: u64,
    /// While there is no room for another session, the one that was silent for longest makes it, if that
    /// is so long: much longer than a command may be under way.
    pub session_quiet_ms: u64,
    /// Steps of each kind of background work in one command.
    pub step_budget: usize,
    /// Bytes of bodies from which on messages leave no partition any more in the same entry.
    pub moved_bytes_max: usize,
    /// Messages on their way to other shards, at most. While there are so many, no more leave.
    pub outbox_max: u64,
    /// Messages of one partition in flight, at most. Gateways hold it for all partitions of a queue.
    pub in_flight_max: u64,
    /// A tenant with fewer messages in flight is not noisy for their number.
    pub noisy_in_flight_min: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            window_entries: 512,
            window_entries_total: 32 * 1024,
            cached_partitions: 1024,
            answer_bytes: ANSWER_BYTES,
            session_window: 8192,
            sessions_max: 256,
            session_ttl_ms: 60 * 60 * 1000,
            session_quiet_ms: 10 * 60 * 1000,
            step_budget: 1024,
            moved_bytes_max: 4 << 20,
            outbox_max: 64 * 1024,
            in_flight_max: IN_FLIGHT_MAX,
            noisy_in_flight_min: NOISY_IN_FLIGHT_MIN,
        }
    }
}
