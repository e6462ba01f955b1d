//! Makes a failing list of steps short enough to read.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use squorum_proto::queue as proto;

use crate::generator::Step;

/// Shorter lists to try, at most.
const ATTEMPTS_MAX: u32 = 2_000;

/// Plays steps and counts those it has begun.
pub(crate) type Play<'a> = &'a dyn Fn(&[Step], &mut usize) -> Result<(), String>;

/// A failure, and how many of the steps it took.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) steps: usize,
    pub(crate) what: String,
}

/// Plays steps; a panic is a failure too.
pub(crate) fn attempt(steps: &[Step], play: Play<'_>) -> Result<(), Failure> {
    let mut played = 0;
    let outcome = catch_unwind(AssertUnwindSafe(|| play(steps, &mut played)));
    let what = match outcome {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(what)) => what,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("panic: {}", text.unwrap_or_default())
        }
    };
    Err(Failure {
        steps: played,
        what,
    })
}

/// Fewer steps, with fewer commands, that fail as well.
pub(crate) fn shrink(mut steps: Vec<Step>, play: Play<'_>) -> Vec<Step> {
    let attempts = Cell::new(0);
    let fails = |steps: &[Step]| {
        attempts.set(attempts.get() + 1);
        attempt(steps, play).is_err()
    };
    let patient = || attempts.get() < ATTEMPTS_MAX;
    let mut length = steps.len().div_ceil(2);
    while length > 0 && patient() {
        let mut at = 0;
        while at < steps.len() && patient() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + length).min(steps.len()));
            if fails(&fewer) {
                steps = fewer;
            } else {
                at += length;
            }
        }
        length /= 2;
    }
    for at in 0..steps.len() {
        let mut nth = 0;
        while patient() {
            let Some(smaller) = without_command(&steps[at], nth) else {
                break;
            };
            let mut fewer = steps.clone();
            fewer[at] = smaller;
            if fails(&fewer) {
                steps = fewer;
            } else {
                nth += 1;
            }
        }
    }
    steps
}

/// The step without the command at `nth`, counted over all its batches.
fn without_command(step: &Step, mut nth: usize) -> Option<Step> {
    let Step::Apply { entry, owed } = step else {
        return None;
    };
    let mut entry: proto::Entry = entry.clone();
    for batch in &mut entry.batches {
        if nth < batch.commands.len() {
            batch.commands.remove(nth);
            entry.batches.retain(|batch| !batch.commands.is_empty());
            return Some(Step::Apply { entry, owed: *owed });
        }
        nth -= batch.commands.len();
    }
    None
}
