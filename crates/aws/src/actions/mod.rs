//! One file per action.

mod add_permission;
mod cancel_message_move_task;
mod change_message_visibility;
mod change_message_visibility_batch;
mod create_queue;
mod delete_message;
mod delete_message_batch;
mod delete_queue;
mod get_queue_attributes;
mod get_queue_url;
mod list_dead_letter_source_queues;
mod list_message_move_tasks;
mod list_queue_tags;
mod list_queues;
mod move_task;
mod paging;
mod purge_queue;
mod receive_message;
mod remove_permission;
mod send_message;
mod send_message_batch;
mod set_queue_attributes;
mod start_message_move_task;
mod tag_queue;
mod untag_queue;

use squorum_types::service::QueueService;

use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{Action, BatchResultErrorEntry};
use crate::protocol::{Answer, parse};
use crate::shape::Text;

/// Runs an action on the request's body.
pub(crate) async fn dispatch<S: QueueService>(
    action: Action,
    context: &Context<'_, S>,
) -> Result<Answer, ApiError> {
    let body = context.source;
    match action {
        Action::ChangeMessageVisibility => {
            change_message_visibility::handle(context, parse(body)?).await
        }
        Action::ChangeMessageVisibilityBatch => {
            change_message_visibility_batch::handle(context, parse(body)?).await
        }
        Action::CreateQueue => create_queue::handle(context, parse(body)?).await,
        Action::DeleteMessage => delete_message::handle(context, parse(body)?).await,
        Action::DeleteMessageBatch => delete_message_batch::handle(context, parse(body)?).await,
        Action::DeleteQueue => delete_queue::handle(context, parse(body)?).await,
        Action::GetQueueAttributes => get_queue_attributes::handle(context, parse(body)?).await,
        Action::GetQueueUrl => get_queue_url::handle(context, parse(body)?).await,
        Action::ListDeadLetterSourceQueues => {
            list_dead_letter_source_queues::handle(context, parse(body)?).await
        }
        Action::CancelMessageMoveTask => {
            cancel_message_move_task::handle(context, parse(body)?).await
        }
        Action::ListMessageMoveTasks => {
            list_message_move_tasks::handle(context, parse(body)?).await
        }
        Action::StartMessageMoveTask => {
            start_message_move_task::handle(context, parse(body)?).await
        }
        Action::ListQueues => list_queues::handle(context, parse(body)?).await,
        Action::PurgeQueue => purge_queue::handle(context, parse(body)?).await,
        Action::ReceiveMessage => receive_message::handle(context, parse(body)?).await,
        Action::SendMessage => send_message::handle(context, parse(body)?).await,
        Action::SendMessageBatch => send_message_batch::handle(context, parse(body)?).await,
        Action::SetQueueAttributes => set_queue_attributes::handle(context, parse(body)?).await,
        Action::AddPermission => add_permission::handle(context, parse(body)?).await,
        Action::ListQueueTags => list_queue_tags::handle(context, parse(body)?).await,
        Action::RemovePermission => remove_permission::handle(context, parse(body)?).await,
        Action::TagQueue => tag_queue::handle(context, parse(body)?).await,
        Action::UntagQueue => untag_queue::handle(context, parse(body)?).await,
    }
}

/// A text that must be there and not be empty.
fn required<'a, 'b>(
    value: &'b Option<Text<'a>>,
    parameter: &'static str,
) -> Result<&'b Text<'a>, ApiError> {
    let value = value.as_ref().filter(|text| !text.is_empty());
    value.ok_or_else(|| ApiError::missing(parameter))
}

/// The answer for one entry of a batch that failed.
fn failed<'a>(id: Option<Text<'a>>, error: &ApiError) -> BatchResultErrorEntry<'a> {
    BatchResultErrorEntry {
        id,
        sender_fault: Some(error.is_sender_fault()),
        code: Some(Text::from(error.shape().query_code())),
        message: Some(Text::from(error.to_string())),
    }
}

/// The only result of a call for one message.
fn single<T>(results: Vec<T>) -> Result<T, ApiError> {
    let mut results = results.into_iter();
    match (results.next(), results.next()) {
        (Some(result), None) => Ok(result),
        _ => Err(wrong_count()),
    }
}

/// The results of a batch, of which there must be as many as entries.
fn counted<T>(results: Vec<T>, count: usize) -> Result<Vec<T>, ApiError> {
    match results.len() == count {
        true => Ok(results),
        false => Err(wrong_count()),
    }
}

fn wrong_count() -> ApiError {
    tracing::error!("service answered with a wrong number of results");
    ApiError::Internal
}
