use squorum_types::service::QueueService;

use super::required;
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{CreateQueueRequest, CreateQueueResult};
use crate::protocol::Answer;
use crate::validation;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: CreateQueueRequest<'_>,
) -> Result<Answer, ApiError> {
    let name = required(&request.queue_name, "QueueName")?;
    let attributes = request.attributes.unwrap_or_default();
    let tags = request.tags.unwrap_or_default();
    let create = validation::create_queue(name, &attributes, &tags)?;
    let queue = context.service.create_queue(context.caller, create).await?;
    let queue_url = Some(context.queue_url(&queue).into());
    Answer::json(&CreateQueueResult { queue_url })
}
