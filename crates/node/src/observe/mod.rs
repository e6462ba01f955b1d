//! What a node shows of itself to its operators.
//!
//! Hot paths add to [`Figures`]; whoever wants to see them asks for an [`Observation`], which is
//! made at that moment and costs the node nothing before.

mod collect;
mod figures;
mod observation;

pub(crate) use self::figures::Figures;
pub use self::observation::{
    AdmissionObservation, CommandCounts, GroupObservation, LogObservation, Members, MessageTotals,
    Observation, ReplicaLag,
};
