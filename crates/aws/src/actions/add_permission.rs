use squorum_types::service::QueueService;

use super::required;
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::AddPermissionRequest;
use crate::protocol::Answer;
use crate::validation;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: AddPermissionRequest<'_>,
) -> Result<Answer, ApiError> {
    let label = required(&request.label, "Label")?;
    let accounts = request.aws_account_ids.unwrap_or_default();
    let actions = request.actions.unwrap_or_default();
    let permission = validation::check_permission(label, &accounts, &actions)?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let service = context.service;
    let added = service.add_permission(context.caller, &queue, permission);
    added.await?;
    Ok(Answer::empty())
}
