use squorum_types::service::{QueueService, StartMove};

use super::move_task::{TaskHandle, parse_arn, source_queue};
use super::required;
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{StartMessageMoveTaskRequest, StartMessageMoveTaskResult};
use crate::protocol::Answer;
use crate::validation::check_moves_per_second;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: StartMessageMoveTaskRequest<'_>,
) -> Result<Answer, ApiError> {
    let source = required(&request.source_arn, "SourceArn")?;
    let destination = request.destination_arn.as_deref();
    let destination = destination.filter(|text| !text.is_empty());
    let destination = destination.map(|text| parse_arn(text, "DestinationArn"));
    let start = StartMove {
        destination: destination.transpose()?,
        messages_per_second_max: check_moves_per_second(request.max_number_of_messages_per_second)?,
    };
    let queue = source_queue(context, source).await?;
    let started = context.service.start_move(context.caller, &queue, start);
    let task = started.await?;
    let handle = TaskHandle::new(task.id, &queue.arn()).encode()?;
    Answer::json(&StartMessageMoveTaskResult {
        task_handle: Some(handle.into()),
    })
}
