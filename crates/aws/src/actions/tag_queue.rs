use squorum_types::service::QueueService;

use crate::context::Context;
use crate::error::ApiError;
use crate::generated::TagQueueRequest;
use crate::protocol::Answer;
use crate::validation;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: TagQueueRequest<'_>,
) -> Result<Answer, ApiError> {
    let tags = request.tags.filter(|tags| !tags.is_empty());
    let tags = tags.ok_or_else(|| ApiError::missing("Tags"))?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let tags = validation::check_tags(&queue.name, &tags)?;
    let tagged = context.service.tag_queue(context.caller, &queue, tags);
    tagged.await?;
    Ok(Answer::empty())
}
