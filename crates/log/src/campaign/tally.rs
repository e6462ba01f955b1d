//! What a campaign did.

/// What happened, so that a campaign can prove that it tested something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) acts: u64,
    pub(super) acknowledged: u64,
    pub(super) opens: u64,
    pub(super) opens_failed_by_faults: u64,
    pub(super) power_cuts: u64,
    pub(super) kills: u64,
    pub(super) poisoned: u64,
    pub(super) torn_acts: u64,
    pub(super) lost_acts: u64,
    pub(super) repeated_acts: u64,
    pub(super) damaged: u64,
    pub(super) damage_refused: u64,
    pub(super) damage_harmless: u64,
    pub(super) losses_accepted: u64,
    pub(super) freed_segments: u64,
    pub(super) operations: u64,
}

impl Tally {
    fn fields(&self) -> [u64; 16] {
        [
            self.acts,
            self.acknowledged,
            self.opens,
            self.opens_failed_by_faults,
            self.power_cuts,
            self.kills,
            self.poisoned,
            self.torn_acts,
            self.lost_acts,
            self.repeated_acts,
            self.damaged,
            self.damage_refused,
            self.damage_harmless,
            self.losses_accepted,
            self.freed_segments,
            self.operations,
        ]
    }

    pub(super) fn add(&mut self, other: &Tally) {
        self.acts += other.acts;
        self.acknowledged += other.acknowledged;
        self.opens += other.opens;
        self.opens_failed_by_faults += other.opens_failed_by_faults;
        self.power_cuts += other.power_cuts;
        self.kills += other.kills;
        self.poisoned += other.poisoned;
        self.torn_acts += other.torn_acts;
        self.lost_acts += other.lost_acts;
        self.repeated_acts += other.repeated_acts;
        self.damaged += other.damaged;
        self.damage_refused += other.damage_refused;
        self.damage_harmless += other.damage_harmless;
        self.losses_accepted += other.losses_accepted;
        self.freed_segments += other.freed_segments;
        self.operations += other.operations;
    }

    pub(super) fn assert_everything_happened(&self) {
        assert!(
            self.fields().iter().all(|count| *count > 0),
            "never happened: {self:#?}"
        );
    }
}
