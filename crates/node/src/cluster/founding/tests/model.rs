//! Machines that start, crash, are wiped and lose messages in any order, each running the real
//! decisions:
//!
//! 1. No two disks ever hold the records of two founded clusters.
//! 2. A node that ran and lost its disk never runs again under its old id in its old cluster.
//! 3. Once all are up and hear each other, and no disk was lost, all are in one cluster.

use std::collections::{BTreeMap, BTreeSet};

use squorum_meta::ClusterId;
use squorum_store::Random;
use squorum_types::NodeId;

use super::super::Introduction;
use super::super::decide::{Answer, Decision, decide, places};
use super::{ADDRESSES, empty};
use crate::cluster::{FoundingError, Stage};

struct Machine {
    /// What is on its disk.
    disk: Introduction,
    process: Option<Process>,
}

/// What a process has heard in this round.
#[derive(Default)]
struct Process {
    heard: BTreeMap<String, Result<Introduction, String>>,
}

struct World {
    random: Random,
    machines: Vec<Machine>,
    /// Who ran groups of which cluster, with the disk that it has now.
    ran: BTreeSet<(NodeId, ClusterId)>,
    /// Who did so with a disk that is lost.
    forgot: BTreeSet<(NodeId, ClusterId)>,
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = Random::new(seed);
        let count = 1 + random.below(5) as usize;
        let machines = (0..count).map(|_| Machine {
            disk: empty(random.next_u64(), count),
            process: None,
        });
        World {
            machines: machines.collect(),
            random,
            ran: BTreeSet::new(),
            forgot: BTreeSet::new(),
        }
    }

    fn any(&mut self) -> usize {
        self.random.below(self.machines.len() as u64) as usize
    }

    /// One process asks one address. Answers of one round may be far apart.
    fn ask(&mut self, machine: usize, fails: bool) {
        if self.machines[machine].process.is_none() {
            return;
        }
        let places = places(&self.machines[machine].disk);
        let place = places[self.random.below(places.len() as u64) as usize].clone();
        self.ask_at(machine, place, fails);
    }

    fn ask_at(&mut self, machine: usize, place: String, fails: bool) {
        let asked = ADDRESSES
            .iter()
            .position(|address| *address == place)
            .unwrap();
        let answer = match &self.machines[asked] {
            Machine {
                disk,
                process: Some(_),
            } if !fails => Ok(disk.clone()),
            _ => Err("connection refused".to_owned()),
        };
        let process = self.machines[machine].process.as_mut().unwrap();
        process.heard.insert(place, answer);
    }

    /// A process decides by what it has heard. `dies`: before what it wrote is on disk.
    fn decide(&mut self, machine: usize, dies: bool) -> Option<FoundingError> {
        let new_id = ClusterId(u128::from(self.random.next_u64()).to_be_bytes());
        let Machine { disk, process } = &mut self.machines[machine];
        let heard = std::mem::take(&mut process.as_mut()?.heard);
        let answers = places(disk).into_iter().map(|address| Answer {
            introduction: heard
                .get(&address)
                .cloned()
                .unwrap_or_else(|| Err("no answer".to_owned())),
            address,
        });
        let answers: Vec<_> = answers.collect();
        match decide(disk, &answers, new_id) {
            Ok(Decision::Wait(reason)) => assert!(!reason.is_empty()),
            // Nobody admits it here.
            Ok(Decision::Apply { .. }) => {}
            Ok(Decision::Done(record)) => {
                self.ran.insert((disk.node, record.cluster_id));
            }
            Ok(Decision::Write(record)) => {
                if let Some(former) = &disk.record {
                    assert_eq!(former.cluster_id, record.cluster_id);
                    assert!(former.stage < record.stage);
                }
                if !dies {
                    disk.record = Some(record);
                }
            }
            Err(error) => {
                *process = None;
                return Some(error);
            }
        }
        if dies {
            *process = None;
        }
        self.check();
        None
    }

    fn wipe(&mut self, machine: usize, keeps_id: bool) {
        let fresh = self.random.next_u64();
        let Machine { disk, process } = &mut self.machines[machine];
        let lost: Vec<_> = self
            .ran
            .iter()
            .filter(|(node, _)| *node == disk.node)
            .copied()
            .collect();
        for pair in lost {
            self.ran.remove(&pair);
            self.forgot.insert(pair);
        }
        disk.record = None;
        if !keeps_id {
            disk.node = NodeId(fresh);
        }
        *process = None;
    }

    fn check(&self) {
        let records = self
            .machines
            .iter()
            .filter_map(|machine| machine.disk.record.as_ref());
        let founded: BTreeSet<_> = records
            .filter(|record| record.stage >= Stage::Founded)
            .map(|record| record.cluster_id)
            .collect();
        assert!(founded.len() <= 1, "several clusters: {founded:?}");
        let again = self.ran.intersection(&self.forgot).next();
        assert_eq!(again, None, "ran again without its memory");
    }

    fn step(&mut self, wipes: bool) {
        let machine = self.any();
        match self.random.below(if wipes { 22 } else { 21 }) {
            0..=2 => {
                self.machines[machine].process.get_or_insert_default();
            }
            3 => self.machines[machine].process = None,
            4..=15 => {
                let fails = self.random.once_in(10);
                self.ask(machine, fails);
            }
            16..=20 => {
                let dies = self.random.once_in(6);
                self.decide(machine, dies);
            }
            _ => {
                let keeps_id = self.random.once_in(2);
                self.wipe(machine, keeps_id);
            }
        }
    }

    /// All are up and hear each other: rounds until nobody has anything to do.
    fn settle(&mut self) {
        for _ in 0..6 {
            for machine in 0..self.machines.len() {
                self.machines[machine].process.get_or_insert_default();
                for place in places(&self.machines[machine].disk) {
                    self.ask_at(machine, place, false);
                }
                let error = self.decide(machine, false);
                assert_eq!(error, None);
            }
        }
    }
}

fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    let default = match number("SQUORUM_LONG") {
        Some(1) => 200_000,
        _ => 1_500,
    };
    let count = number("SQUORUM_SEEDS").unwrap_or(default);
    number("SQUORUM_SEED").map_or(0..count, |seed| seed..seed + 1)
}

#[test]
fn crashes_and_lost_messages_lead_to_one_cluster() {
    for seed in seeds() {
        println!("SQUORUM_SEED={seed}");
        let mut world = World::new(seed);
        for _ in 0..world.random.below(400) {
            world.step(false);
        }
        world.settle();
        let all: BTreeSet<_> = world
            .machines
            .iter()
            .map(|machine| machine.disk.node)
            .collect();
        let ran: BTreeSet<_> = world.ran.iter().map(|(node, _)| *node).collect();
        assert_eq!(ran, all);
        for machine in &world.machines {
            let record = machine.disk.record.as_ref().unwrap();
            assert!(record.nodes().eq(all.iter().copied()));
        }
    }
}

#[test]
fn lost_disks_never_lead_to_two_clusters() {
    let mut refused = 0;
    for seed in seeds() {
        println!("SQUORUM_SEED={seed}");
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step(true);
        }
        for machine in 0..world.machines.len() {
            world.machines[machine].process.get_or_insert_default();
        }
        for machine in 0..world.machines.len() {
            for place in places(&world.machines[machine].disk) {
                world.ask_at(machine, place, false);
            }
            refused += u64::from(world.decide(machine, false).is_some());
        }
    }
    assert!(
        refused > 0,
        "no run was one in which a wiped node had to be refused"
    );
}
