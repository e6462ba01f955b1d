use super::fault::Trouble;
use crate::machine::Death;

/// What went wrong in a run, counted when it struck.
#[derive(Debug, Default)]
pub(super) struct Tally {
    kills: u64,
    power_cuts: u64,
    power_cuts_within_operations: u64,
    ends_of_all: u64,
    cuts: u64,
    one_way_cuts: u64,
    holds: u64,
    slow_links: u64,
    clock_steps: u64,
    lost_disks: u64,
}

impl Tally {
    pub(super) fn death(&mut self, death: Death) {
        match death {
            Death::Kill => self.kills += 1,
            Death::PowerCut => self.power_cuts += 1,
        }
    }

    pub(super) fn power_cut_within_operation(&mut self) {
        self.power_cuts_within_operations += 1;
    }

    pub(super) fn end_of_all(&mut self) {
        self.ends_of_all += 1;
    }

    pub(super) fn trouble(&mut self, trouble: Trouble) {
        let count = match trouble {
            Trouble::Cut => &mut self.cuts,
            Trouble::CutTo | Trouble::CutFrom => &mut self.one_way_cuts,
            Trouble::Hold => &mut self.holds,
            Trouble::Slow { .. } => &mut self.slow_links,
        };
        *count += 1;
    }

    pub(super) fn clock_step(&mut self) {
        self.clock_steps += 1;
    }

    pub(super) fn lost_disk(&mut self) {
        self.lost_disks += 1;
    }

    pub(super) fn lost_disks(&self) -> u64 {
        self.lost_disks
    }

    /// What can go wrong in every world.
    pub(super) fn facts(&self) -> [(&'static str, u64); 9] {
        [
            ("kills", self.kills),
            ("power cuts", self.power_cuts),
            (
                "power cuts within operations",
                self.power_cuts_within_operations,
            ),
            ("ends of all", self.ends_of_all),
            ("cut links", self.cuts),
            ("one-way cuts", self.one_way_cuts),
            ("held links", self.holds),
            ("slow links", self.slow_links),
            ("clock steps", self.clock_steps),
        ]
    }
}
