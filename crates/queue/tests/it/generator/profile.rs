//! What a run is like: how much of what, and the limits of the shard.

use squorum_store::Random;

use crate::model::Rules;

#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) rules: Rules,
    pub(super) queues: u64,
    pub(super) acknowledge_percent: u64,
    pub(super) steps_between_restarts: u64,
    pub(super) step_ms: u64,
    pub(super) jump_ms_max: u64,
    pub(super) groups: u64,
    /// Of standard queues.
    pub(super) tenants: u64,
    pub(super) deduplication_ids: u64,
    /// Whether messages leave for other shards and come from them.
    pub(crate) transfers: bool,
    /// Of each kind of command, relative to the others.
    pub(super) weights: Weights,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    pub(super) send: u64,
    pub(super) receive: u64,
    pub(super) delete: u64,
    pub(super) change: u64,
    pub(super) release: u64,
    pub(super) tick: u64,
    pub(super) rare: u64,
    pub(super) transfer: u64,
}

impl Profile {
    pub(crate) fn random(seed: u64) -> Profile {
        let random = &mut Random::new(seed ^ 0x70726f66);
        fn pick<T: Copy>(random: &mut Random, choices: &[T]) -> T {
            choices[random.below(choices.len() as u64) as usize]
        }
        let mut profile = Profile {
            rules: Rules {
                session_window: pick(random, &[4, 12, 40]),
                sessions_max: pick(random, &[3, 4, 8]),
                session_ttl_ms: pick(random, &[60_000, 600_000, 3_600_000]),
                session_quiet_ms: pick(random, &[20_000, 600_000, 3_600_000]),
                in_flight_max: pick(random, &[3, 15, 1000]),
                noisy_in_flight_min: pick(random, &[1, 3, 10]),
                outbox_max: 1000,
            },
            queues: 1 + random.below(5),
            acknowledge_percent: pick(random, &[5, 30, 80]),
            steps_between_restarts: pick(random, &[7, 30, 200]),
            step_ms: pick(random, &[5, 2_000, 20_000]),
            jump_ms_max: pick(random, &[10_000, 120_000, 3_600_000]),
            groups: pick(random, &[1, 3, 8, 30]),
            tenants: pick(random, &[0, 1, 2, 5, 30]),
            deduplication_ids: pick(random, &[4, 40, 100_000]),
            transfers: false,
            weights: Weights {
                send: pick(random, &[15, 30, 60]),
                receive: pick(random, &[15, 30, 60]),
                delete: pick(random, &[5, 20, 40]),
                change: pick(random, &[2, 8, 20]),
                release: pick(random, &[1, 5, 15]),
                tick: pick(random, &[1, 4, 10]),
                rare: pick(random, &[1, 3, 8]),
                transfer: 0,
            },
        };
        if random.once_in(2) {
            profile.transfers = true;
            profile.rules.outbox_max = pick(random, &[2, 10, 1000]);
            profile.weights.transfer = pick(random, &[2, 10, 30]);
        }
        profile
    }
}
