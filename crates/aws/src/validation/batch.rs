use squorum_types::limits::{BATCH_ENTRIES_MAX, BATCH_ENTRY_ID_BYTES_MAX};

use crate::error::{ApiError, echo};
use crate::shape::{List, Text};

/// A batch request's entry, as far as the rules common to all batches go.
pub(crate) trait Batch {
    /// The name of the entry's structure, as errors give it.
    const ENTRY: &'static str;

    fn id(&self) -> Option<&Text<'_>>;

    /// Names of required parameters that are not there.
    fn missing(&self) -> Option<&'static str>;
}

/// Checks what makes a whole batch fail, in AWS's order, and gives the entries, at most ten.
pub(crate) fn check_batch<T: Batch>(entries: Option<List<T>>) -> Result<Vec<T>, ApiError> {
    let entries = entries.unwrap_or_default();
    if entries.is_empty() {
        return Err(ApiError::EmptyBatch { entry: T::ENTRY });
    }
    if entries.total > BATCH_ENTRIES_MAX {
        return Err(ApiError::TooManyEntries {
            sent: entries.total,
        });
    }
    for (position, entry) in entries.items.iter().enumerate() {
        let id = entry.id().map(|_| ()).ok_or("Id");
        if let Some(name) = id.err().or_else(|| entry.missing()) {
            let parameter = format!("{}.{}.{name}", T::ENTRY, position + 1);
            return Err(ApiError::MissingParameter { parameter });
        }
    }
    let ids = || entries.items.iter().filter_map(Batch::id);
    if !ids().all(|id| is_valid_id(id)) {
        return Err(ApiError::EntryIdInvalid);
    }
    let repeated = ids()
        .enumerate()
        .find(|(position, id)| ids().take(*position).any(|earlier| earlier == *id));
    if let Some((_, id)) = repeated {
        return Err(ApiError::EntryIdsNotDistinct { id: echo(id) });
    }
    Ok(entries.items)
}

fn is_valid_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=BATCH_ENTRY_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(allowed)
}
