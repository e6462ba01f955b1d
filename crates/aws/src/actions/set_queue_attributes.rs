use squorum_types::service::QueueService;

use crate::context::Context;
use crate::error::ApiError;
use crate::generated::SetQueueAttributesRequest;
use crate::protocol::Answer;
use crate::validation;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: SetQueueAttributesRequest<'_>,
) -> Result<Answer, ApiError> {
    let Some(attributes) = request.attributes else {
        return Err(ApiError::missing("Attributes"));
    };
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let changes = validation::changes_of_queue(&queue, &attributes)?;
    let set = context
        .service
        .set_queue_attributes(context.caller, &queue, changes);
    set.await?;
    Ok(Answer::empty())
}
