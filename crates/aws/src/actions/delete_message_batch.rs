use squorum_types::service::QueueService;

use super::{counted, failed};
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{
    DeleteMessageBatchRequest, DeleteMessageBatchRequestEntry, DeleteMessageBatchResult,
    DeleteMessageBatchResultEntry,
};
use crate::protocol::Answer;
use crate::shape::Text;
use crate::validation::{Batch, check_batch};

impl Batch for DeleteMessageBatchRequestEntry<'_> {
    const ENTRY: &'static str = "DeleteMessageBatchRequestEntry";

    fn id(&self) -> Option<&Text<'_>> {
        self.id.as_ref()
    }

    fn missing(&self) -> Option<&'static str> {
        let handle = self.receipt_handle.as_deref().unwrap_or("");
        handle.is_empty().then_some("ReceiptHandle")
    }
}

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: DeleteMessageBatchRequest<'_>,
) -> Result<Answer, ApiError> {
    let entries = check_batch(request.entries)?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let handle_of = |entry: &DeleteMessageBatchRequestEntry<'_>| {
        entry.receipt_handle.as_deref().unwrap_or("").to_owned()
    };
    let handles = entries.iter().map(handle_of).collect();
    let deleted = context
        .service
        .delete(context.caller, &queue, handles)
        .await?;
    let deleted = counted(deleted, entries.len())?;
    let mut result = DeleteMessageBatchResult::default();
    for (entry, deleted) in entries.into_iter().zip(deleted) {
        match deleted {
            Ok(()) => {
                let entry = DeleteMessageBatchResultEntry { id: entry.id };
                result.successful.items.push(entry);
            }
            Err(error) => {
                let error = ApiError::of_message(error, &handle_of(&entry), 0);
                result.failed.items.push(failed(entry.id, &error));
            }
        }
    }
    Answer::json_of_size(&result, 512)
}
