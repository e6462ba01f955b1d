//! Damage to bytes that were synced, on a copy of the disk.

use std::path::{Path, PathBuf};

use super::drive::{DIRECTORY, Drive};
use super::model::Model;
use crate::sim::SimDisk;
use crate::{Log, OpenError, Options};

impl Drive {
    /// Damages a copy of the disk: it must be refused, or have lost nothing that was marked.
    pub(super) fn damage(&mut self) -> Result<(), String> {
        let disk = self.disk.fork();
        let Some(what) = self.strike(&disk) else {
            return Ok(());
        };
        self.tally.damaged += 1;
        let open = |options: &Options| Log::open_stepped(disk.boot(), DIRECTORY, options.clone());
        match open(&self.options) {
            Ok((log, stepper)) => {
                self.tally.damage_harmless += 1;
                let context = |error| format!("after {what}: {error}");
                let observed = Model::observe(&log, 10_000).map_err(context)?;
                let k = self.oracle.survivors(&observed, true).map_err(context)?;
                drop((log, stepper));
                self.comes_back_the_same(&disk, &observed)
                    .map_err(context)?;
                if k < self.oracle.acknowledged() {
                    // Within the marker's interval: taken for a torn tail, by design.
                    self.tally.lost_acts += 1;
                }
                Ok(())
            }
            Err(error) if error.is_amnesia() => {
                self.tally.damage_refused += 1;
                let marker_is_whole = !matches!(error, OpenError::Marker { .. });
                self.accept_loss(&disk, marker_is_whole)
                    .map_err(|error| format!("after {what}: {error}"))
            }
            Err(OpenError::Unsupported { .. }) => Ok(()),
            Err(error) => Err(format!("after {what}: {error}")),
        }
    }

    /// What was recovered once is recovered again: nothing that was cut comes back.
    fn comes_back_the_same(&mut self, disk: &SimDisk, expected: &Model) -> Result<(), String> {
        for _ in 0..2 {
            disk.power_cut();
            let opened = Log::open_stepped(disk.boot(), DIRECTORY, self.options.clone());
            let (log, _stepper) = opened.map_err(|error| format!("the second time: {error}"))?;
            let observed = Model::observe(&log, 10_000)?;
            if observed != *expected {
                return Err(format!("first {expected:#?}\nthen {observed:#?}"));
            }
        }
        Ok(())
    }

    fn accept_loss(&mut self, disk: &SimDisk, marker_is_whole: bool) -> Result<(), String> {
        let options = Options {
            accept_loss: true,
            ..self.options.clone()
        };
        let opened = Log::open_stepped(disk.boot(), DIRECTORY, options);
        let (log, stepper) = opened.map_err(|error| format!("accepting loss: {error}"))?;
        self.tally.losses_accepted += 1;
        let observed = Model::observe(&log, 10_000)?;
        if marker_is_whole && !self.oracle.votes_are_kept(&observed) {
            return Err(format!("a vote went back: {observed:#?}"));
        }
        drop((log, stepper));
        self.comes_back_the_same(disk, &observed)
    }

    /// Damages what was synced; tells what it did.
    fn strike(&mut self, disk: &SimDisk) -> Option<String> {
        let files: Vec<(PathBuf, u64)> = disk.files();
        let kind = self.random.below(10);
        let wanted = |path: &Path| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if kind >= 8 {
                name == "marker"
            } else {
                name.ends_with(".log")
            }
        };
        let files: Vec<PathBuf> = files
            .into_iter()
            .map(|(path, _)| path)
            .filter(|path| wanted(path))
            .collect();
        if files.is_empty() {
            return None;
        }
        let path = &files[self.random.below(files.len() as u64) as usize];
        let content = disk.content(path);
        let used = content.iter().rposition(|byte| *byte != 0)? as u64 + 1;
        let at = self.random.below(used);
        match kind {
            0 | 8 => disk.lose_file(path),
            1 | 2 => disk.zero_from(path, at),
            _ => disk.flip_bit(path, at * 8 + self.random.below(8)),
        }
        let what = match kind {
            0 | 8 => "loss",
            1 | 2 => "zeros",
            _ => "a flipped bit",
        };
        Some(format!(
            "{what} at byte {at} of {used} in {}",
            path.display()
        ))
    }
}
