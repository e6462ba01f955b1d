use squorum_types::service::{ChangeVisibilityEntry, QueueService};

use super::{counted, failed};
use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{
    ChangeMessageVisibilityBatchRequest, ChangeMessageVisibilityBatchRequestEntry,
    ChangeMessageVisibilityBatchResult, ChangeMessageVisibilityBatchResultEntry,
};
use crate::protocol::Answer;
use crate::shape::Text;
use crate::validation::{Batch, check_batch, check_visibility_timeout};

impl Batch for ChangeMessageVisibilityBatchRequestEntry<'_> {
    const ENTRY: &'static str = "ChangeMessageVisibilityBatchRequestEntry";

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
    request: ChangeMessageVisibilityBatchRequest<'_>,
) -> Result<Answer, ApiError> {
    let entries = check_batch(request.entries)?;
    let queue = context.queue(request.queue_url.as_ref()).await?;
    let mut result = ChangeMessageVisibilityBatchResult::default();
    let mut ids = Vec::with_capacity(entries.len());
    let mut changes = Vec::with_capacity(entries.len());
    for entry in entries {
        match check(&entry) {
            Ok(change) => {
                ids.push(entry.id);
                changes.push(change);
            }
            Err(error) => result.failed.items.push(failed(entry.id, &error)),
        }
    }
    if changes.is_empty() {
        return Answer::json(&result);
    }
    let sent = changes.clone();
    let changed = context
        .service
        .change_visibility(context.caller, &queue, sent)
        .await?;
    let changed = counted(changed, ids.len())?;
    for ((id, change), changed) in ids.into_iter().zip(changes).zip(changed) {
        match changed {
            Ok(()) => {
                let entry = ChangeMessageVisibilityBatchResultEntry { id };
                result.successful.items.push(entry);
            }
            Err(error) => {
                let seconds = i64::from(change.visibility_timeout_seconds);
                let error = ApiError::of_message(error, &change.handle, seconds);
                result.failed.items.push(failed(id, &error));
            }
        }
    }
    Answer::json_of_size(&result, 512)
}

fn check(
    entry: &ChangeMessageVisibilityBatchRequestEntry<'_>,
) -> Result<ChangeVisibilityEntry, ApiError> {
    let seconds = check_visibility_timeout(entry.visibility_timeout)?;
    let visibility_timeout_seconds = seconds.ok_or(ApiError::MissingEntryParameter {
        parameter: "VisibilityTimeout",
    })?;
    let handle = entry.receipt_handle.as_deref().unwrap_or("").to_owned();
    Ok(ChangeVisibilityEntry {
        handle,
        visibility_timeout_seconds,
    })
}
