use squorum_types::service::QueueService;

use super::move_task::{TaskHandle, source_queue};
use super::required;
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{CancelMessageMoveTaskRequest, CancelMessageMoveTaskResult};
use crate::protocol::Answer;
use crate::shape::Integer;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: CancelMessageMoveTaskRequest<'_>,
) -> Result<Answer, ApiError> {
    let handle = TaskHandle::decode(required(&request.task_handle, "TaskHandle")?)?;
    let queue = source_queue(context, &handle.source_arn).await?;
    let id = handle.id().ok_or(ApiError::TaskDoesNotExist)?;
    let cancelled = context.service.cancel_move(context.caller, &queue, id);
    let task = cancelled.await?;
    Answer::json(&CancelMessageMoveTaskResult {
        approximate_number_of_messages_moved: Some(Integer::from(task.moved)),
    })
}
