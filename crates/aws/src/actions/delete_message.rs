use squorum_types::service::QueueService;

use super::{required, single};
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::DeleteMessageRequest;
use crate::protocol::Answer;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: DeleteMessageRequest<'_>,
) -> Result<Answer, ApiError> {
    let handle = required(&request.receipt_handle, "ReceiptHandle")?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let handles = vec![handle.as_str().to_owned()];
    let deleted = context
        .service
        .delete(context.caller, &queue, handles)
        .await?;
    single(deleted)?.map_err(|error| ApiError::of_message(error, handle, 0))?;
    Ok(Answer::empty())
}
