use squorum_types::service::QueueService;

use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{ListQueueTagsRequest, ListQueueTagsResult};
use crate::protocol::Answer;
use crate::shape::Text;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: ListQueueTagsRequest<'_>,
) -> Result<Answer, ApiError> {
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let tags = context.service.list_queue_tags(context.caller, &queue);
    let tags = tags.await?.into_iter();
    let tags: Vec<_> = tags
        .map(|(key, value)| (Text::from(key), Text::from(value)))
        .collect();
    Answer::json(&ListQueueTagsResult { tags: tags.into() })
}
