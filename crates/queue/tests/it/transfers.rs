//! Three shards with pumps between them that crash, repeat themselves and are late: every message is
//! in exactly one place, whatever is lost on the way.

mod world;

use squorum_store::Random;

use self::world::World;
use crate::{seed, size};

const STEPS: usize = 400;

/// What may happen, and how often.
fn step(world: &mut World, random: &mut Random) {
    match random.below(100) {
        0..20 => world.send(random),
        20..50 => world.receive(random),
        50..70 => world.pump(random),
        70..85 => world.pump_late(random),
        85..95 => world.pass_time(random),
        95..98 => world.restart(random),
        98 if random.once_in(10) => world.drop_target(random),
        _ => world.retarget(random),
    }
}

#[test]
fn every_message_is_in_one_place() {
    let seeds = match seed() {
        Some(seed) => seed..seed + 1,
        None => 1..1 + size(40, 2_000) as u64,
    };
    let mut moved = 0;
    let mut returned = 0;
    for seed in seeds {
        let mut random = Random::new(seed);
        let mut world = World::new(&mut random);
        for _ in 0..STEPS {
            step(&mut world, &mut random);
        }
        world.drain();
        world.check(seed);
        moved += world.moved();
        returned += world.returned();
    }
    assert!(
        moved > 0 && returned > 0,
        "{moved} moved, {returned} returned"
    );
}
