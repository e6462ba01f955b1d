use squorum_types::service::{ListQueues, QueueService};

use super::paging::Paging;
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{ListQueuesRequest, ListQueuesResult};
use crate::protocol::Answer;
use crate::shape::Text;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: ListQueuesRequest<'_>,
) -> Result<Answer, ApiError> {
    let paging = Paging::new(request.max_results, request.next_token.as_deref())?;
    let prefix = request.queue_name_prefix.map(Text::into_string);
    let list = ListQueues {
        prefix: prefix.unwrap_or_default(),
        page: paging.page.clone(),
    };
    let found = context.service.list_queues(context.caller, list).await?;
    let (queue_urls, next_token) = paging.answer(context, &found);
    Answer::json(&ListQueuesResult {
        queue_urls,
        next_token,
    })
}
