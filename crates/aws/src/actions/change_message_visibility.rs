use squorum_types::service::{ChangeVisibilityEntry, QueueService};

use super::{required, single};
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::ChangeMessageVisibilityRequest;
use crate::protocol::Answer;
use crate::validation::check_visibility_timeout;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: ChangeMessageVisibilityRequest<'_>,
) -> Result<Answer, ApiError> {
    let handle = required(&request.receipt_handle, "ReceiptHandle")?;
    let seconds = check_visibility_timeout(request.visibility_timeout)?;
    let seconds = seconds.ok_or_else(|| ApiError::missing("VisibilityTimeout"))?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let entries = vec![ChangeVisibilityEntry {
        handle: handle.as_str().to_owned(),
        visibility_timeout_seconds: seconds,
    }];
    let changed = context
        .service
        .change_visibility(context.caller, &queue, entries);
    let changed = single(changed.await?)?;
    changed.map_err(|error| ApiError::of_message(error, handle, i64::from(seconds)))?;
    Ok(Answer::empty())
}
