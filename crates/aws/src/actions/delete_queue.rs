use squorum_types::service::QueueService;

use crate::context::Context;
use crate::error::ApiError;
use crate::generated::DeleteQueueRequest;
use crate::protocol::Answer;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: DeleteQueueRequest<'_>,
) -> Result<Answer, ApiError> {
    let queue = context.queue(request.queue_url.as_ref()).await?;
    context.service.delete_queue(context.caller, &queue).await?;
    Ok(Answer::empty())
}
