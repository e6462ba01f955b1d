use squorum_types::service::QueueService;

use super::paging::Paging;
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{ListDeadLetterSourceQueuesRequest, ListDeadLetterSourceQueuesResult};
use crate::protocol::Answer;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: ListDeadLetterSourceQueuesRequest<'_>,
) -> Result<Answer, ApiError> {
    let paging = Paging::new(request.max_results, request.next_token.as_deref())?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let page = paging.page.clone();
    let service = context.service;
    let found = service.list_dead_letter_sources(context.caller, &queue, page);
    let (queue_urls, next_token) = paging.answer(context, &found.await?);
    Answer::json(&ListDeadLetterSourceQueuesResult {
        queue_urls,
        next_token,
    })
}
