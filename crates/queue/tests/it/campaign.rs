//! Many random runs by seed: `SQUORUM_SEED=n` plays one of them, `SQUORUM_LONG=1` many more.

use std::panic::{set_hook, take_hook};

use crate::drain::drain;
use crate::generator::{Profile, Step, generate};
use crate::run::{Checks, Run};
use crate::shrink::{Failure, attempt, shrink};
use crate::{seed, size};

const COMMANDS_PER_RUN: usize = 2_000;

/// A kind of run: what it is held against, and how much work one command may do.
#[derive(Clone, Copy, Debug)]
struct Campaign {
    checks: Checks,
    step_budget: usize,
    /// Ticks in which every record of a run expires and every purged row goes, at most.
    ticks_to_sweep: usize,
}

const UNBOUNDED: Campaign = Campaign {
    checks: Checks::ALL,
    step_budget: 1_000_000,
    ticks_to_sweep: 100,
};

/// So little that work is left over all the time. The reference knows no budgets, so only the
/// properties and the agreement of the replicas are checked, and that all comes right in the end.
const TIGHT: Campaign = Campaign {
    checks: Checks {
        reference: false,
        ..Checks::ALL
    },
    step_budget: 2,
    ticks_to_sweep: 20_000,
};

/// Plays steps and then drains every queue, counting the steps that were played.
fn play(
    profile: &Profile,
    campaign: Campaign,
    steps: &[Step],
    played: &mut usize,
) -> Result<(), String> {
    let mut checks = campaign.checks.chosen();
    // Outcomes do not tell which messages leave: only the reference does.
    checks.history &= !profile.transfers;
    let mut run = Run::new(profile.rules, checks, campaign.step_budget);
    for step in steps {
        *played += 1;
        run.play(step)?;
    }
    run.settle()?;
    if checks.history {
        drain(&mut run, campaign.ticks_to_sweep)?;
    }
    Ok(())
}

/// Plays many runs, and ends at the first that fails.
fn play_all(campaign: Campaign, runs: u64) {
    let seeds = match seed() {
        Some(seed) => seed..seed + 1,
        None => 1..1 + runs,
    };
    for seed in seeds {
        let profile = Profile::random(seed);
        let steps = generate(seed, &profile, COMMANDS_PER_RUN);
        let play = |steps: &[Step], played: &mut usize| play(&profile, campaign, steps, played);
        if let Err(failure) = attempt(&steps, &play) {
            report(seed, campaign, failure);
        }
    }
}

/// Shows the failure of a run in as few steps as possible.
fn report(seed: u64, campaign: Campaign, failure: Failure) -> ! {
    let at = format!(
        "SQUORUM_SEED={seed} failed at step {}: {}",
        failure.steps, failure.what
    );
    if std::env::var_os("SQUORUM_NO_SHRINK").is_some() {
        panic!("{at}");
    }
    let profile = Profile::random(seed);
    let mut steps = generate(seed, &profile, COMMANDS_PER_RUN);
    steps.truncate(failure.steps);
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let play = |steps: &[Step], played: &mut usize| play(&profile, campaign, steps, played);
    let steps = shrink(steps, &play);
    let shrunk = attempt(&steps, &play);
    set_hook(hook);
    let steps: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
    panic!(
        "{at}\n\nshrunk to {} steps with {profile:?}:\n{}\n\n{}",
        steps.len(),
        steps.join("\n"),
        shrunk
            .err()
            .map_or_else(|| "(fails no more)".to_owned(), |failure| failure.what),
    );
}

#[test]
fn shards_do_as_the_reference_does() {
    play_all(UNBOUNDED, size(50, 600) as u64);
}

#[test]
fn nothing_is_lost_when_work_is_left_over() {
    play_all(TIGHT, size(5, 100) as u64);
}
