use squorum_types::service::QueueService;
use squorum_types::{AccountId, QueueName};

use super::required;
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{GetQueueUrlRequest, GetQueueUrlResult};
use crate::protocol::Answer;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: GetQueueUrlRequest<'_>,
) -> Result<Answer, ApiError> {
    let name = required(&request.queue_name, "QueueName")?;
    let name = QueueName::parse(name).map_err(|_| ApiError::QueueDoesNotExist)?;
    let owner = match request.queue_owner_aws_account_id.as_deref() {
        None | Some("") => context.caller.account.clone(),
        Some(owner) => AccountId::parse(owner).ok_or(ApiError::QueueDoesNotExist)?,
    };
    let found = context.service.find_queue(context.caller, &owner, &name);
    let queue = found.await?;
    let queue_url = Some(context.queue_url(&queue).into());
    Answer::json(&GetQueueUrlResult { queue_url })
}
