//! Rules of what one call adds to a queue's policy.

use squorum_types::limits::{
    PERMISSION_ACCOUNTS_MAX, PERMISSION_ACTIONS_MAX, PERMISSION_LABEL_BYTES_MAX,
};
use squorum_types::{AccountId, Permission};

use crate::error::ApiError;
use crate::generated::Action;
use crate::shape::{List, Text};

/// What others than the owner can be allowed to do. Each of the three that have a batch form means
/// that too.
const GRANTABLE: [&str; 9] = [
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
];

pub(crate) fn check_label(label: &str) -> Result<String, ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let length = (1..=PERMISSION_LABEL_BYTES_MAX).contains(&label.len());
    if length && label.bytes().all(allowed) {
        return Ok(label.to_owned());
    }
    let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in \
                  length.";
    Err(ApiError::invalid(label, "Label", reason))
}

/// Checks a statement to add. Each account and each action is taken once.
pub(crate) fn check_permission(
    label: &str,
    accounts: &List<Text<'_>>,
    actions: &List<Text<'_>>,
) -> Result<Permission, ApiError> {
    let label = check_label(label)?;
    if actions.is_empty() {
        return Err(ApiError::missing("Actions"));
    }
    let accounts = check_accounts(accounts)?;
    if actions.total > PERMISSION_ACTIONS_MAX {
        return Err(ApiError::PermissionTooLarge {
            found: actions.total,
            what: "Actions",
            allowed: PERMISSION_ACTIONS_MAX,
        });
    }
    let mut granted = Vec::new();
    for action in &actions.items {
        let action = check_action(action)?;
        if !granted.contains(&action) {
            granted.push(action);
        }
    }
    Ok(Permission {
        label,
        accounts,
        actions: granted,
    })
}

fn check_accounts(given: &List<Text<'_>>) -> Result<Vec<AccountId>, ApiError> {
    if given.total > PERMISSION_ACCOUNTS_MAX {
        return Err(ApiError::PermissionTooLarge {
            found: given.total,
            what: "Principals",
            allowed: PERMISSION_ACCOUNTS_MAX,
        });
    }
    let mut accounts = Vec::new();
    for text in &given.items {
        match AccountId::parse(text) {
            Some(account) if accounts.contains(&account) => {}
            Some(account) => accounts.push(account),
            None => return Err(not_verified(given)),
        }
    }
    match accounts.is_empty() {
        false => Ok(accounts),
        true => Err(not_verified(given)),
    }
}

fn not_verified(accounts: &List<Text<'_>>) -> ApiError {
    let accounts: Vec<&str> = accounts.items.iter().map(Text::as_str).collect();
    let value = format!("[{}]", accounts.join(", "));
    ApiError::invalid(value, "PrincipalId", "Unable to verify.")
}

fn check_action(name: &str) -> Result<String, ApiError> {
    if GRANTABLE.contains(&name) {
        return Ok(name.to_owned());
    }
    let reason = match Action::parse(name) {
        Some(
            Action::ChangeMessageVisibilityBatch
            | Action::DeleteMessageBatch
            | Action::SendMessageBatch,
        )
        | None => "Please refer to the appropriate WSDL for a list of valid actions. ",
        Some(_) => "Only the queue owner is allowed to invoke this action.",
    };
    Err(ApiError::invalid(
        format!("SQS:{name}"),
        "ActionName",
        reason,
    ))
}
