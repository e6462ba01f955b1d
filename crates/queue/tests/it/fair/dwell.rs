//! How long quiet tenants' messages wait beside a flood, with time and consumers that are numbers: a
//! commit takes a millisecond, and each of a fixed set of consumers works some ten on a message. Where
//! nothing else is said, no quiet tenant needs more than 8 % of the consumers.

use std::collections::BTreeMap;

use squorum_proto::queue as proto;
use squorum_store::Random;

use super::{FLOOD, NOBODY, Story};
use crate::{seed, size};

const WORK_MS: u64 = 10;
const SENT_AT: usize = 1;

/// Who there is beside the flood.
#[derive(Clone, Copy)]
struct Setting {
    consumers: usize,
    quiet_tenants: u64,
    /// Of a hundred that consumers could do, so many come from quiet tenants.
    quiet_percent: u64,
}

const MANY: Setting = Setting {
    consumers: 40,
    quiet_tenants: 5,
    quiet_percent: 40,
};
/// One message in flight is a third of all.
const FEW: Setting = Setting {
    consumers: 3,
    quiet_tenants: 3,
    quiet_percent: 24,
};
/// Each of the three needs 15 %.
const BUSY: Setting = Setting {
    consumers: 3,
    quiet_tenants: 3,
    quiet_percent: 45,
};

/// What a load came to.
struct Figures {
    dwell_p99_ms: u64,
    handled: u64,
}

/// Quiet tenants beside a backlog of one tenant, for so many milliseconds; without groups, all of it is
/// nobody's.
fn load(
    setting: Setting,
    seed: u64,
    backlog: u64,
    with_groups: bool,
    milliseconds: u64,
) -> Figures {
    let random = &mut Random::new(seed);
    let mut story = Story::begin();
    let group = |tenant: u32| if with_groups { tenant } else { NOBODY };
    for _ in 0..backlog / 10 {
        story.send_of(group(FLOOD), vec![0; 9].into(), 10);
    }
    let mut free = setting.consumers;
    let mut working: BTreeMap<(u64, u64), proto::DeliveryReference> = BTreeMap::new();
    let mut dwells_ms = Vec::new();
    let mut handled = 0;
    for _ in 0..milliseconds {
        story.now_ms += 1;
        let still_working = working.split_off(&(story.now_ms + 1, 0));
        for (_, done) in std::mem::replace(&mut working, still_working) {
            story.delete(vec![done]);
            handled += 1;
            free += 1;
        }
        while free > 0 {
            let (sent, deliveries) = story.receive_whole(1, 600_000);
            let Some(delivery) = deliveries.first() else {
                break;
            };
            let sent_at = sent[0][SENT_AT..].first_chunk::<8>().copied();
            match sent_at.map_or(0, u64::from_be_bytes) {
                0 => {}
                sent_at => dwells_ms.push(story.now_ms - sent_at),
            }
            // No two consumers keep step.
            let work_ms = WORK_MS / 2 + random.below(WORK_MS + 1);
            working.insert((story.now_ms + work_ms, delivery.seq), *delivery);
            free -= 1;
        }
        // What is sent now, the entries of the next millisecond find.
        for _ in 0..setting.consumers {
            if random.below(100 * WORK_MS) < setting.quiet_percent {
                let tenant = FLOOD + 1 + random.below(setting.quiet_tenants) as u32;
                let envelope = [&[1][..], &story.now_ms.to_be_bytes()].concat();
                story.send_of(group(tenant), envelope.into(), 1);
            }
        }
    }
    dwells_ms.sort_unstable();
    let dwell_p99_ms = dwells_ms.get(dwells_ms.len() * 99 / 100).copied();
    Figures {
        dwell_p99_ms: dwell_p99_ms.unwrap_or(milliseconds),
        handled,
    }
}

#[test]
fn quiet_tenants_dwell_at_most_twice_as_long_beside_a_flood() {
    let seed = seed().unwrap_or(1);
    let backlog = size(20_000, 100_000) as u64;
    let milliseconds = size(5_000, 30_000) as u64;
    let alone = load(MANY, seed, 0, true, milliseconds);
    let fair = load(MANY, seed, backlog, true, milliseconds);
    let unfair = load(MANY, seed, backlog, false, milliseconds);
    let [dwells, handled] = [
        [&alone, &fair, &unfair].map(|figures| figures.dwell_p99_ms),
        [&alone, &fair, &unfair].map(|figures| figures.handled),
    ];
    println!("p99 of dwell times {dwells:?} ms, handled {handled:?}: alone, fair, without groups");
    assert!(dwells[1] <= 2 * dwells[0], "{dwells:?} ms");
    assert!(dwells[2] > 100 * dwells[1], "{dwells:?} ms");
    // No capacity is left unused for the sake of the quiet ones.
    assert!(handled[1] * 10 > handled[2] * 9, "{handled:?}");
}

/// The p99 of the dwell times of quiet tenants beside a flood, in milliseconds.
fn p99_beside_a_flood(setting: Setting) -> u64 {
    let seed = seed().unwrap_or(1);
    let backlog = size(10_000, 100_000) as u64;
    let milliseconds = size(20_000, 200_000) as u64;
    load(setting, seed, backlog, true, milliseconds).dwell_p99_ms
}

/// With so few consumers even a quiet tenant has a third of what is in flight, while it has anything there.
#[test]
fn quiet_tenants_wait_for_the_next_free_consumer_at_most() {
    let p99_ms = p99_beside_a_flood(FEW);
    assert!(p99_ms <= WORK_MS * 3 / 2, "{p99_ms} ms");
}

/// Tenants that take more than a tenth each are noisy, as the flood is; but they have the least.
#[test]
fn who_is_hardly_noisy_does_not_wait_behind_the_flood() {
    let p99_ms = p99_beside_a_flood(BUSY);
    assert!(p99_ms <= WORK_MS * 3, "{p99_ms} ms");
}
