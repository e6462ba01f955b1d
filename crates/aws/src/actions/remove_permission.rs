use squorum_types::service::QueueService;

use super::required;
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::RemovePermissionRequest;
use crate::protocol::Answer;
use crate::validation;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: RemovePermissionRequest<'_>,
) -> Result<Answer, ApiError> {
    let label = validation::check_label(required(&request.label, "Label")?)?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let service = context.service;
    let removed = service.remove_permission(context.caller, &queue, label);
    removed.await?;
    Ok(Answer::empty())
}
