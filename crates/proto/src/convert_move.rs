//! Conversions of move tasks.

use squorum_types::service::{MoveFailure, MoveStatus, MoveTask};
use squorum_types::{QueueArn, Timestamp};

use crate::{MalformedError, meta};

impl From<&MoveTask> for meta::MoveTask {
    fn from(task: &MoveTask) -> Self {
        meta::MoveTask {
            id: task.id.to_vec().into(),
            number: task.number,
            destination_arn: task.destination.as_ref().map(QueueArn::to_string),
            messages_per_second_max: task.messages_per_second_max,
            to_move: task.to_move,
            moved: task.moved,
            started_at_ms: task.started_at.0,
            status: meta::MoveStatus::from(task.status).into(),
        }
    }
}

impl TryFrom<&meta::MoveTask> for MoveTask {
    type Error = MalformedError;

    fn try_from(task: &meta::MoveTask) -> Result<Self, MalformedError> {
        let destination = task.destination_arn.as_ref().map(|text| {
            let arn = QueueArn::parse(text);
            arn.ok_or(MalformedError("queue ARN"))
        });
        let id = task.id.as_ref().try_into();
        Ok(MoveTask {
            id: id.map_err(|_| MalformedError("task id"))?,
            number: task.number,
            destination: destination.transpose()?,
            messages_per_second_max: task.messages_per_second_max,
            to_move: task.to_move,
            moved: task.moved,
            started_at: Timestamp(task.started_at_ms),
            status: task.status().try_into()?,
        })
    }
}

impl From<MoveStatus> for meta::MoveStatus {
    fn from(status: MoveStatus) -> Self {
        match status {
            MoveStatus::Running => Self::Running,
            MoveStatus::Cancelling => Self::Cancelling,
            MoveStatus::Completed => Self::Completed,
            MoveStatus::Cancelled => Self::Cancelled,
            MoveStatus::Failed(MoveFailure::NoSuchQueue) => Self::NoSuchQueue,
            MoveStatus::Failed(MoveFailure::NoSource) => Self::NoSource,
        }
    }
}

impl TryFrom<meta::MoveStatus> for MoveStatus {
    type Error = MalformedError;

    fn try_from(status: meta::MoveStatus) -> Result<Self, MalformedError> {
        use meta::MoveStatus as Format;
        Ok(match status {
            Format::Running => MoveStatus::Running,
            Format::Cancelling => MoveStatus::Cancelling,
            Format::Completed => MoveStatus::Completed,
            Format::Cancelled => MoveStatus::Cancelled,
            Format::NoSuchQueue => MoveStatus::Failed(MoveFailure::NoSuchQueue),
            Format::NoSource => MoveStatus::Failed(MoveFailure::NoSource),
            Format::Unspecified => return Err(MalformedError("task status")),
        })
    }
}
