//! Statements of a queue's policy: added and removed without touching the rest of its text, so that
//! what the owner wrote stays as it was and every replica and version makes the same of it.

mod document;
#[cfg(test)]
mod tests;

use squorum_types::limits::{POLICY_BYTES_MAX, POLICY_STATEMENTS_MAX};
use squorum_types::{Permission, PermissionRefusal, QueueArn};

use self::document::Document;

/// The policy with one statement more; the first one makes a policy as AWS does.
pub(crate) fn with_statement(
    policy: Option<&str>,
    queue: &QueueArn,
    permission: &Permission,
) -> Result<String, PermissionRefusal> {
    let statement = statement(queue, permission);
    let text = match policy {
        None => format!(
            r#"{{"Version":"2008-10-17","Id":"{queue}/SQSDefaultPolicy","Statement":[{statement}]}}"#
        ),
        Some(text) => {
            let document = Document::parse(text).ok_or(PermissionRefusal::PolicyUnreadable)?;
            let labels = document.statements.iter().map(|statement| &statement.label);
            if labels.flatten().any(|label| *label == permission.label) {
                return Err(PermissionRefusal::LabelExists);
            }
            let kept = document.statements.iter().map(|statement| statement.text);
            let statements: Vec<&str> = kept.chain([statement.as_str()]).collect();
            let found = statements.len();
            if found > POLICY_STATEMENTS_MAX {
                return Err(PermissionRefusal::TooManyStatements { found });
            }
            document.with_statements(&statements)
        }
    };
    match text.len() <= POLICY_BYTES_MAX {
        true => Ok(text),
        false => Err(PermissionRefusal::PolicyTooLong),
    }
}

/// The policy without the statement of a label; `None` if it was the last one.
pub(crate) fn without_statement(
    policy: Option<&str>,
    label: &str,
) -> Result<Option<String>, PermissionRefusal> {
    let text = policy.ok_or(PermissionRefusal::LabelMissing)?;
    let document = Document::parse(text).ok_or(PermissionRefusal::PolicyUnreadable)?;
    let others = document.statements.iter();
    let others = others.filter(|statement| statement.label.as_deref() != Some(label));
    let others: Vec<&str> = others.map(|statement| statement.text).collect();
    if others.len() == document.statements.len() {
        return Err(PermissionRefusal::LabelMissing);
    }
    Ok((!others.is_empty()).then(|| document.with_statements(&others)))
}

/// No text in a permission needs an escape.
fn statement(queue: &QueueArn, permission: &Permission) -> String {
    let Permission {
        label,
        accounts,
        actions,
    } = permission;
    let partition = queue.region.partition();
    let accounts = accounts.iter();
    let accounts = accounts.map(|account| format!(r#""arn:{partition}:iam::{account}:root""#));
    let accounts = one_or_list(accounts);
    let actions = one_or_list(actions.iter().map(|action| format!(r#""SQS:{action}""#)));
    format!(
        r#"{{"Sid":"{label}","Effect":"Allow","Principal":{{"AWS":{accounts}}},"Action":{actions},"Resource":"{queue}"}}"#
    )
}

/// AWS makes a list of more than one alone.
fn one_or_list(values: impl Iterator<Item = String>) -> String {
    let mut values: Vec<String> = values.collect();
    match values.len() {
        1 => values.remove(0),
        _ => format!("[{}]", values.join(",")),
    }
}
