//! One seed: open, use, lose, several times.

use super::model::{Act, Model};
use super::oracle::Oracle;
use super::tally::Tally;
use super::workload;
use crate::options::PlantedBug;
use crate::sim::{Fault, Random, SimDisk};
use crate::{GroupId, Log, LogError, OpenError, Options, Stepper};

pub(super) const DIRECTORY: &str = "/log";

pub(super) struct Drive {
    pub(super) random: Random,
    pub(super) disk: SimDisk,
    pub(super) options: Options,
    pub(super) oracle: Oracle,
    /// Acts that a crash has lost, which their submitter may repeat word for word.
    to_repeat: Vec<Act>,
    /// Ride along with the next batch.
    committed: std::collections::BTreeMap<GroupId, crate::LogId>,
    /// Something waits in the log's queue.
    has_submitted: bool,
    /// A step leaves something in the queue. Then nothing rides along: the model would have to know
    /// with which batch.
    has_small_batches: bool,
    /// Synced bytes are damaged, too.
    damages: bool,
    pub(super) tally: Tally,
}

fn segment_bytes(random: &mut Random) -> u64 {
    [8 << 10, 16 << 10, 64 << 10][random.below(3) as usize]
}

impl Drive {
    pub(super) fn new(seed: u64, planted: Option<PlantedBug>, damages: bool) -> Drive {
        let mut random = Random::new(seed);
        let has_small_batches = random.percent(30);
        let mut options = Options {
            segment_bytes: segment_bytes(&mut random),
            spare_segments: random.below(4) as usize,
            tail_bytes: random.below(16 << 10) as usize,
            index_interval_bytes: 1 + random.below(4 << 10),
            planted,
            ..Options::default()
        };
        if has_small_batches {
            options.batch_bytes = 1 + random.below(4_000) as usize;
        }
        Drive {
            damages,
            has_small_batches,
            disk: SimDisk::new(random.next_u64()),
            random,
            options,
            oracle: Oracle::new(),
            to_repeat: Vec::new(),
            committed: Default::default(),
            has_submitted: false,
            tally: Tally::default(),
        }
    }

    pub(super) fn run(mut self) -> Result<Tally, String> {
        for _ in 0..3 + self.random.below(5) {
            if self.random.percent(20) {
                self.options.segment_bytes = segment_bytes(&mut self.random);
            }
            if let Some((log, stepper)) = self.open()? {
                self.work(log, stepper)?;
            }
            self.oracle.check_completions()?;
            self.crash();
            for _ in 0..self.random.below(4) {
                if !self.damages {
                    break;
                }
                self.damage()?;
            }
        }
        self.tally.operations = self.disk.operations();
        Ok(self.tally)
    }

    fn fault(&mut self, within: u64) {
        let fault = match self.random.below(4) {
            0 => Fault::Io,
            1 => Fault::NoSpace,
            _ => Fault::PowerCut,
        };
        let after = self.random.below(within);
        self.disk.fault_after(after, fault);
    }

    /// Opens the log, perhaps under a fault, and judges what came back.
    fn open(&mut self) -> Result<Option<(Log, Stepper)>, String> {
        let faulty = self.random.percent(30);
        if faulty {
            self.fault(40);
        }
        match Log::open_stepped(self.disk.boot(), DIRECTORY, self.options.clone()) {
            Ok(opened) => {
                self.disk.clear_faults();
                if !self.disk.is_powered() {
                    return Ok(None);
                }
                self.tally.opens += 1;
                let observed = Model::observe(&opened.0, 1 + self.random.below(8_000) as usize)?;
                let acknowledged = self.oracle.acknowledged();
                let k = self.oracle.survivors(&observed, false)?;
                self.tally.torn_acts += (k - acknowledged) as u64;
                self.to_repeat = self.oracle.recovered(k);
                self.tally.lost_acts += self.to_repeat.len() as u64;
                Ok(Some(opened))
            }
            Err(OpenError::Io { .. }) if faulty => {
                self.tally.opens_failed_by_faults += 1;
                Ok(None)
            }
            Err(error) => Err(format!("an undamaged log was refused: {error}")),
        }
    }

    fn crash(&mut self) {
        self.committed.clear();
        self.has_submitted = false;
        if !self.disk.is_powered() || self.random.percent(60) {
            self.disk.power_cut();
            self.tally.power_cuts += 1;
        } else {
            self.disk.kill();
            self.tally.kills += 1;
        }
    }

    /// Uses the log until a fault or the end of the round.
    fn work(&mut self, log: Log, mut stepper: Stepper) -> Result<(), String> {
        self.repeat(&log)?;
        if self.random.percent(70) {
            self.fault(300);
        }
        let segments = log.health().segments;
        for _ in 0..self.random.below(60) {
            for _ in 0..self.random.below(6) {
                let payload_max = self.options.payload_bytes_max() as u64;
                let acts = workload::operation(&mut self.random, &self.oracle.now, payload_max);
                self.submit(&log, acts)?;
            }
            if self.random.percent(80) {
                self.step(&mut stepper);
            }
            if self.random.percent(10) {
                self.sync_marker(&mut stepper, &log);
            }
            if !self.disk.is_powered() && log.health().failure.is_none() {
                return Ok(());
            }
            if log.health().failure.is_some() {
                self.tally.poisoned += 1;
                return self.check_poisoned(&log, &mut stepper);
            }
            if self.random.percent(5) {
                self.check_reads(&log)?;
            }
        }
        self.tally.freed_segments += u64::from(log.health().segments < segments);
        // An orderly end, or none.
        if self.random.percent(30) {
            self.step(&mut stepper);
            while stepper.step() {}
            self.sync_marker(&mut stepper, &log);
        }
        Ok(())
    }

    fn submit(&mut self, log: &Log, acts: Vec<Act>) -> Result<(), String> {
        let mut entries = Vec::new();
        let mut result = Ok(());
        for act in acts {
            if let Act::Committed(group, id) = act {
                if self.has_small_batches {
                    continue;
                }
                log.save_committed(group, id);
                self.committed.insert(group, id);
                continue;
            }
            self.oracle.submit(act.clone());
            self.has_submitted = true;
            self.tally.acts += 1;
            let done = self.oracle.completion(matches!(act, Act::Vote(..)));
            match act {
                Act::Append(group, entry) => entries.push((group, entry)),
                Act::Vote(group, vote) => result = log.save_vote(group, vote, done),
                Act::TruncateAfter(group, kept) => result = log.truncate_after(group, kept, done),
                Act::Purge(group, upto) => result = log.purge(group, upto, done),
                Act::Committed(..) => {}
            }
        }
        if let Some((group, _)) = entries.first() {
            let group = *group;
            let entries = entries.into_iter().map(|(_, entry)| entry).collect();
            result = log.append(group, entries, self.oracle.completion(false));
        }
        result.map_err(|error| format!("refused: {error}"))
    }

    /// What a crash has lost is submitted once more, word for word, as a leader would send it: the
    /// same bytes at the same place would be the best chance of stale ones.
    fn repeat(&mut self, log: &Log) -> Result<(), String> {
        let lost = std::mem::take(&mut self.to_repeat);
        if lost.is_empty() || self.random.percent(40) {
            return Ok(());
        }
        let count = self.random.below(lost.len() as u64 + 1) as usize;
        for act in lost.into_iter().take(count) {
            if let Act::Append(_, entry) = &act
                && entry.payload.len() > self.options.payload_bytes_max()
            {
                break;
            }
            self.tally.repeated_acts += 1;
            self.submit(log, vec![act])?;
        }
        Ok(())
    }

    fn step(&mut self, stepper: &mut Stepper) {
        // In the model, too, they stand at the end of the batch.
        let ride_along = std::mem::take(&mut self.committed);
        if !std::mem::take(&mut self.has_submitted) && !self.has_small_batches {
            self.committed = ride_along;
            return;
        }
        let acknowledged = self.oracle.acknowledged();
        for (group, id) in ride_along {
            self.oracle.submit(Act::Committed(group, id));
        }
        stepper.step();
        self.tally.acknowledged += (self.oracle.acknowledged() - acknowledged) as u64;
    }

    fn sync_marker(&mut self, stepper: &mut Stepper, log: &Log) {
        stepper.sync_marker();
        if log.health().failure.is_none() && self.disk.is_powered() {
            self.oracle.marked();
        }
    }

    /// The log as submitted: from memory, from disk, or both.
    fn check_reads(&mut self, log: &Log) -> Result<(), String> {
        self.disk.clear_faults();
        let observed = Model::observe(log, 1 + self.random.below(8_000) as usize)?;
        let mut expected = self.oracle.now.clone();
        for (group, id) in &self.committed {
            expected.apply(&Act::Committed(*group, *id));
        }
        if observed != expected.clone().tidy() {
            return Err(format!("reads {observed:#?}\nsubmitted {expected:#?}"));
        }
        if self.random.percent(50) {
            self.fault(300);
        }
        Ok(())
    }

    fn check_poisoned(&mut self, log: &Log, stepper: &mut Stepper) -> Result<(), String> {
        let acknowledged = self.oracle.acknowledged();
        let vote = bytes::Bytes::from_static(b"too late");
        match log.save_vote(GroupId(0), vote, Box::new(|_| {})) {
            Err(LogError::Poisoned { .. }) => {}
            other => return Err(format!("a poisoned log answered {other:?}")),
        }
        stepper.step();
        stepper.sync_marker();
        if self.oracle.acknowledged() != acknowledged {
            return Err("a poisoned log acknowledged something".to_owned());
        }
        Ok(())
    }
}
