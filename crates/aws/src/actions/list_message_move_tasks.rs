use squorum_types::QueueArn;
use squorum_types::service::{MoveFailure, MoveStatus, MoveTask, QueueService};

use super::move_task::{TaskHandle, source_queue};
use super::required;
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{
    ListMessageMoveTasksRequest, ListMessageMoveTasksResult, ListMessageMoveTasksResultEntry,
};
use crate::protocol::Answer;
use crate::shape::Integer;
use crate::validation::check_tasks_listed;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: ListMessageMoveTasksRequest<'_>,
) -> Result<Answer, ApiError> {
    let source = required(&request.source_arn, "SourceArn")?;
    let count = check_tasks_listed(request.max_results)?;
    let queue = source_queue(context, source).await?;
    let tasks = context.service.list_moves(context.caller, &queue).await?;
    let arn = queue.arn();
    let entries = tasks.iter().take(count).map(|task| entry(task, &arn));
    let results = entries.collect::<Result<Vec<_>, _>>()?.into();
    Answer::json(&ListMessageMoveTasksResult { results })
}

fn entry(
    task: &MoveTask,
    source: &QueueArn,
) -> Result<ListMessageMoveTasksResultEntry<'static>, ApiError> {
    let (status, failure) = match task.status {
        MoveStatus::Running => ("RUNNING", None),
        MoveStatus::Cancelling => ("CANCELLING", None),
        MoveStatus::Completed => ("COMPLETED", None),
        MoveStatus::Cancelled => ("CANCELLED", None),
        MoveStatus::Failed(failure) => ("FAILED", Some(failure)),
    };
    let failure = failure.map(|failure| match failure {
        MoveFailure::NoSuchQueue => "AWS.SimpleQueueService.NonExistentQueue",
        MoveFailure::NoSource => "CouldNotDetermineMessageSource",
    });
    // Only a task that can be cancelled has a handle.
    let handle = (task.status == MoveStatus::Running)
        .then(|| TaskHandle::new(task.id, source).encode())
        .transpose()?;
    let destination = task.destination.as_ref().map(QueueArn::to_string);
    Ok(ListMessageMoveTasksResultEntry {
        task_handle: handle.map(Into::into),
        status: Some(status.into()),
        source_arn: Some(source.to_string().into()),
        destination_arn: destination.map(Into::into),
        max_number_of_messages_per_second: task
            .messages_per_second_max
            .map(|rate| Integer::from(u64::from(rate))),
        approximate_number_of_messages_moved: Some(Integer::from(task.moved)),
        approximate_number_of_messages_to_move: Some(Integer::from(task.to_move)),
        failure_reason: failure.map(Into::into),
        started_timestamp: Some(Integer::from(task.started_at.0)),
    })
}
