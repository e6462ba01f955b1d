use squorum_types::service::QueueService;

use crate::context::Context;
use crate::error::ApiError;
use crate::generated::UntagQueueRequest;
use crate::protocol::Answer;
use crate::validation;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: UntagQueueRequest<'_>,
) -> Result<Answer, ApiError> {
    let keys = validation::check_tag_keys(&request.tag_keys.unwrap_or_default())?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let untagged = context.service.untag_queue(context.caller, &queue, keys);
    untagged.await?;
    Ok(Answer::empty())
}
