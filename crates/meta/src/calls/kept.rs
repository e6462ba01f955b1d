//! Outcomes as they are kept.

use squorum_proto::meta::call_row::Outcome as Kept;
use squorum_proto::{MalformedError, meta as proto};
use squorum_types::service::MoveTask;

use crate::command::{
    CancelMoveOutcome, CreateQueueOutcome, DeleteQueueOutcome, PermissionOutcome, PurgeOutcome,
    RaiseFeatureLevelOutcome, SetAttributesOutcome, StartMoveOutcome, TagsOutcome,
};
use crate::{FeatureLevel, Outcome};

/// `None` for what did nothing.
pub(super) fn encode(outcome: &Outcome) -> Option<Kept> {
    let unit = proto::Unit {};
    Some(match outcome {
        Outcome::Done => Kept::Done(unit),
        Outcome::RaiseFeatureLevel(RaiseFeatureLevelOutcome::Raised(level)) => {
            Kept::Raised((*level).into())
        }
        Outcome::CreateQueue(CreateQueueOutcome::Created(record)) => {
            Kept::Created(record.info.id.0)
        }
        Outcome::SetAttributes(SetAttributesOutcome::Set) => Kept::AttributesSet(unit),
        Outcome::DeleteQueue(DeleteQueueOutcome::Dropping) => Kept::Dropping(unit),
        Outcome::Purge(PurgeOutcome::Purging { purge_id }) => Kept::Purging(*purge_id),
        Outcome::StartMove(StartMoveOutcome::Started(task)) => {
            Kept::MoveStarted(task.as_ref().into())
        }
        Outcome::CancelMove(CancelMoveOutcome::Cancelling(task)) => {
            Kept::MoveCancelling(task.as_ref().into())
        }
        Outcome::AdmitNode(Ok(())) => Kept::NodeAdmitted(unit),
        Outcome::RemoveNode(Ok(())) => Kept::NodeRemoved(unit),
        Outcome::Permission(PermissionOutcome::Changed) => Kept::PermissionChanged(unit),
        Outcome::Tags(TagsOutcome::Changed) => Kept::TagsChanged(unit),
        // The last two name what they are about, so a repetition changes nothing: the cluster that is
        // founded, the work that is done.
        Outcome::Refused(_)
        | Outcome::RaiseFeatureLevel(_)
        | Outcome::CreateQueue(_)
        | Outcome::SetAttributes(_)
        | Outcome::DeleteQueue(_)
        | Outcome::Purge(_)
        | Outcome::StartMove(_)
        | Outcome::CancelMove(_)
        | Outcome::AdmitNode(_)
        | Outcome::RemoveNode(_)
        | Outcome::Permission(_)
        | Outcome::Tags(_)
        | Outcome::Found(_)
        | Outcome::WorkDone(_) => return None,
    })
}

/// Of everything but a queue that was created: that is read.
pub(super) fn decode(kept: Kept) -> Result<Outcome, MalformedError> {
    let task = |task: proto::MoveTask| MoveTask::try_from(&task).map(Box::new);
    Ok(match kept {
        Kept::Created(_) => return Err(MalformedError("outcome")),
        Kept::Done(_) => Outcome::Done,
        Kept::Raised(level) => {
            let level = FeatureLevel::decode(level).ok_or(MalformedError("feature level"))?;
            Outcome::RaiseFeatureLevel(RaiseFeatureLevelOutcome::Raised(level))
        }
        Kept::AttributesSet(_) => Outcome::SetAttributes(SetAttributesOutcome::Set),
        Kept::Dropping(_) => Outcome::DeleteQueue(DeleteQueueOutcome::Dropping),
        Kept::Purging(purge_id) => Outcome::Purge(PurgeOutcome::Purging { purge_id }),
        Kept::MoveStarted(started) => Outcome::StartMove(StartMoveOutcome::Started(task(started)?)),
        Kept::MoveCancelling(cancelling) => {
            Outcome::CancelMove(CancelMoveOutcome::Cancelling(task(cancelling)?))
        }
        Kept::NodeAdmitted(_) => Outcome::AdmitNode(Ok(())),
        Kept::NodeRemoved(_) => Outcome::RemoveNode(Ok(())),
        Kept::PermissionChanged(_) => Outcome::Permission(PermissionOutcome::Changed),
        Kept::TagsChanged(_) => Outcome::Tags(TagsOutcome::Changed),
    })
}
