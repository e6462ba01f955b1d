//! What goes wrong in a run, and when: pure, from the seed.

use squorum_store::Random;
use squorum_store::memory::Operation;

use crate::machine::{Death, Moment};

/// A node of the world, by its place.
pub(super) type NodeNumber = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process ends and starts again after a while.
    Restart {
        node: NodeNumber,
        death: Death,
        down_ms: u64,
    },
    /// All processes end at once.
    RestartAll { death: Death, down_ms: u64 },
    /// The power goes in the middle of something.
    PowerCutSoon {
        node: NodeNumber,
        moment: Moment,
        down_ms: u64,
    },
    Link {
        from: NodeNumber,
        to: NodeNumber,
        trouble: Trouble,
        for_ms: u64,
    },
    /// The same trouble on all links of a node.
    Isolate {
        node: NodeNumber,
        trouble: Trouble,
        for_ms: u64,
    },
    /// The wall clock steps to true time plus this.
    ClockStep { node: NodeNumber, offset_ms: i64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing gets through, in either direction.
    Cut,
    /// Nothing gets through from the first node to the other.
    CutTo,
    /// Nothing gets through to the first node from the other.
    CutFrom,
    /// What is sent arrives when the trouble is over, all at once.
    Hold,
    /// Every message takes so long.
    Slow { latency_ms: u64 },
}

/// A fault and its moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    pub at_ms: u64,
    pub fault: Fault,
}

/// How far clocks step. Two nodes are at most twice as far apart.
pub const CLOCK_OFFSET_MS_MAX: i64 = 400;

/// How long things go wrong in a run: many short runs find more than few long ones, but some bugs
/// need one fault after the other.
pub fn trouble_ms(random: &mut Random) -> u64 {
    4_000 + random.below(12_000)
}

/// What goes wrong between `begin_ms` and `end_ms` in a world of `nodes`.
pub fn plan(random: &mut Random, nodes: usize, begin_ms: u64, end_ms: u64) -> Vec<Planned> {
    let mut plan = Vec::new();
    let mut at_ms = begin_ms + random.below(500);
    while at_ms < end_ms {
        let fault = fault(random, nodes);
        plan.push(Planned { at_ms, fault });
        // Mostly one trouble after the other, now and then the next one in the midst of it.
        at_ms += if random.once_in(3) {
            random.below(600)
        } else {
            200 + random.below(2_200)
        };
    }
    plan
}

fn fault(random: &mut Random, nodes: usize) -> Fault {
    let node = random.below(nodes as u64) as usize;
    let other = (node + 1 + random.below(nodes as u64 - 1) as usize) % nodes;
    let death = if random.once_in(2) {
        Death::Kill
    } else {
        Death::PowerCut
    };
    let down_ms = duration(random);
    match random.below(20) {
        0..5 => Fault::Restart {
            node,
            death,
            down_ms,
        },
        5 | 6 => Fault::RestartAll { death, down_ms },
        7..10 => Fault::PowerCutSoon {
            node,
            moment: moment(random),
            down_ms,
        },
        10..13 => Fault::Link {
            from: node,
            to: other,
            trouble: trouble(random),
            for_ms: duration(random),
        },
        13..18 => Fault::Isolate {
            node,
            trouble: trouble(random),
            for_ms: duration(random),
        },
        _ => Fault::ClockStep {
            node,
            offset_ms: random.below(2 * CLOCK_OFFSET_MS_MAX as u64 + 1) as i64
                - CLOCK_OFFSET_MS_MAX,
        },
    }
}

fn moment(random: &mut Random) -> Moment {
    let operation = match random.below(5) {
        0 | 1 => {
            let operations = random.below(40);
            return Moment::Log { operations };
        }
        2 => Operation::Commit,
        3 => Operation::Flush,
        _ => Operation::ReplaceRange,
    };
    Moment::Store {
        operation,
        after: match operation {
            Operation::Commit => random.below(20) as u32,
            Operation::Flush | Operation::ReplaceRange => 0,
        },
        takes_effect: random.once_in(2),
    }
}

fn trouble(random: &mut Random) -> Trouble {
    match random.below(8) {
        0..3 => Trouble::Cut,
        3 => Trouble::CutTo,
        4 => Trouble::CutFrom,
        5 | 6 => Trouble::Hold,
        _ => Trouble::Slow {
            latency_ms: 5 + random.below(120),
        },
    }
}

/// Short ones, ones about as long as an election, and ones that every timeout ends in.
fn duration(random: &mut Random) -> u64 {
    match random.below(3) {
        0 => 10 + random.below(200),
        1 => 200 + random.below(1_000),
        _ => 1_000 + random.below(5_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_plans_one_thing_and_all_seeds_plan_everything() {
        let plan_of = |seed| plan(&mut Random::new(seed), 3, 1_000, 20_000);
        assert_eq!(plan_of(7), plan_of(7));
        assert_ne!(plan_of(7), plan_of(8));
        let all: Vec<Planned> = (0..200).flat_map(plan_of).collect();
        assert!(
            all.iter()
                .all(|planned| (1_000..20_000).contains(&planned.at_ms))
        );
        let any = |is: fn(&Fault) -> bool| all.iter().any(|planned| is(&planned.fault));
        assert!(any(|fault| matches!(
            fault,
            Fault::RestartAll {
                death: Death::PowerCut,
                ..
            }
        )));
        let within = |wanted| {
            let is_within = |planned: &Planned| {
                let Fault::PowerCutSoon { moment, .. } = planned.fault else {
                    return false;
                };
                matches!(moment, Moment::Store { operation, .. } if operation == wanted)
            };
            all.iter().any(is_within)
        };
        assert!(within(Operation::Commit) && within(Operation::Flush));
        assert!(within(Operation::ReplaceRange));
        assert!(any(|fault| matches!(
            fault,
            Fault::ClockStep { offset_ms: ..0, .. }
        )));
        for trouble in [
            Trouble::Cut,
            Trouble::CutTo,
            Trouble::CutFrom,
            Trouble::Hold,
        ] {
            assert!(all.iter().any(|planned| matches!(
                planned.fault,
                Fault::Isolate { trouble: found, .. } if found == trouble
            )));
        }
        for planned in &all {
            if let Fault::Link { from, to, .. } = planned.fault {
                assert!(from != to && from < 3 && to < 3);
            }
        }
    }
}
