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
    // Without attributes AWS misses what the Query protocol calls the first one's name.
    let given = request.attributes.filter(|given| !given.is_empty());
    let attributes = given.ok_or_else(|| ApiError::missing("Attribute.Name"))?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let changes = validation::changes_of_queue(&queue, &attributes)?;
    let set = context
        .service
        .set_queue_attributes(context.caller, &queue, changes);
    set.await?;
    Ok(Answer::empty())
}
