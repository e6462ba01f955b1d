//! Pure decisions about where things go.

mod leaders;
mod membership;
mod partitions;

pub use self::leaders::{
    Candidate, LedGroup, STEADY_MS_MIN, Transfer, leader_transfers, leaders, preferred_leader,
    successor,
};
pub use self::membership::{MembershipChange, ObservedGroup, membership_change, next_step};
pub use self::partitions::partition_count;
