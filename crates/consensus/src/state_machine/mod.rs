//! Between openraft and the state that a group replicates.
//!
//! [`StateMachine`] is what openraft sees; it is not generic. It hands every batch of committed
//! entries to the group's own apply thread ([`applier`]), where the [`ReplicatedState`] lives.

mod applied;
mod applier;
mod job;
mod keys;
mod machine;
mod publication;
mod replicated_state;

#[cfg(all(test, feature = "testing"))]
mod tests;

pub(crate) use self::applied::{Applied, StoredState};
pub(crate) use self::applier::Applier;
pub(crate) use self::job::{Committed, Job, Jobs, Worker};
pub use self::keys::{FIRST_STATE_BYTE, group_key_range};
pub(crate) use self::keys::{applied_key, first_state_key, installed_key};
pub(crate) use self::machine::StateMachine;
pub(crate) use self::publication::Publication;
pub use self::replicated_state::ReplicatedState;
