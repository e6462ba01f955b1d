//! The campaign: random operations on the simulated disk, random faults, and an oracle.
//!
//! Every seed opens, uses and loses one log several times. After each loss the log must come back
//! as some prefix of what was submitted that holds everything acknowledged; a disk with damaged
//! synced bytes must be refused, or have lost nothing that the marker knew.
//!
//! `SQUORUM_SEEDS` sets the number of seeds, `SQUORUM_LONG=1` makes it 10,000, `SQUORUM_SEED`
//! replays one.

#![allow(clippy::unwrap_used)]

mod damage;
mod drive;
mod model;
mod oracle;
mod tally;
mod workload;

use std::panic::{AssertUnwindSafe, catch_unwind};

use drive::Drive;
use tally::Tally;

use crate::options::PlantedBug;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|value| value.parse().expect("a number"))
}

/// Runs one seed. A violation, or a panic, is an error.
fn run(seed: u64, planted: Option<PlantedBug>, damages: bool) -> Result<Tally, String> {
    let drive = || Drive::new(seed, planted, damages).run();
    catch_unwind(AssertUnwindSafe(drive)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panicked: {}", text.unwrap_or_default()))
    })
}

#[test]
fn nothing_synced_is_lost_unnoticed() {
    let default = if number("SQUORUM_LONG") == Some(1) {
        10_000
    } else {
        500
    };
    let seeds = number("SQUORUM_SEEDS").unwrap_or(default);
    let range = number("SQUORUM_SEED").map_or(0..seeds, |seed| seed..seed + 1);
    let mut total = Tally::default();
    for seed in range {
        match run(seed, None, true) {
            Ok(tally) => total.add(&tally),
            Err(violation) => panic!("SQUORUM_SEED={seed}: {violation}"),
        }
    }
    println!("{total:#?}");
    if seeds >= 100 && number("SQUORUM_SEED").is_none() {
        total.assert_everything_happened();
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..5 {
        assert_eq!(
            run(seed, None, true).unwrap(),
            run(seed, None, true).unwrap()
        );
    }
}

#[test]
fn planted_bugs_are_caught() {
    // Whether the bug needs damaged bytes to show; the others must be caught without.
    let bugs = [
        (PlantedBug::CompleteBeforeSync, false),
        (PlantedBug::RetryFailedSync, false),
        (PlantedBug::SkipDirectorySync, false),
        (PlantedBug::SkipSyncOnRotation, false),
        (PlantedBug::SkipMarkerOnVote, true),
        (PlantedBug::IgnoreMarker, true),
        (PlantedBug::AcceptStaleRecords, false),
        (PlantedBug::ContinueInTornSegment, false),
        (PlantedBug::TrustPageCache, false),
        (PlantedBug::FreeTooEarly, false),
        (PlantedBug::SkipCoverageCheck, true),
        (PlantedBug::ReuseSegmentNumber, false),
        (PlantedBug::EvictUnsynced, false),
        (PlantedBug::GoOnAfterFailure, false),
    ];
    let bound = number("SQUORUM_MUTANT_SEEDS").unwrap_or(1_000);
    let mut missed = Vec::new();
    for (bug, damages) in bugs {
        let caught = (0..bound).find_map(|seed| Some((seed, run(seed, Some(bug), damages).err()?)));
        match caught {
            Some((seed, violation)) => {
                let violation = violation.lines().next().unwrap_or_default();
                println!("{bug:?}: caught at seed {seed}: {violation}");
            }
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "not caught in {bound} seeds: {missed:?}");
}
