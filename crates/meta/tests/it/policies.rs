//! The naive reference of policies: read into a tree, changed there, written anew.

use serde_json::{Value, json};
use squorum_types::{Permission, PermissionRefusal, QueueAttributes};

/// What a policy says, in one way to say it. What is no JSON stays as it is.
pub(crate) fn normal(policy: &str) -> String {
    serde_json::from_str(policy).map_or(policy.to_owned(), |value: Value| value.to_string())
}

pub(crate) fn normalized(mut attributes: QueueAttributes) -> QueueAttributes {
    attributes.policy = attributes.policy.as_deref().map(normal);
    attributes
}

pub(crate) fn add(
    policy: Option<&str>,
    arn: String,
    permission: &Permission,
) -> Result<String, PermissionRefusal> {
    let single_or_list = |values: Vec<String>| match &values[..] {
        [one] => json!(one),
        _ => json!(values),
    };
    let accounts = permission.accounts.iter();
    let accounts = accounts.map(|account| format!("arn:aws:iam::{account}:root"));
    let actions = permission.actions.iter();
    let statement = json!({
        "Sid": permission.label,
        "Effect": "Allow",
        "Principal": {"AWS": single_or_list(accounts.collect())},
        "Action": single_or_list(actions.map(|action| format!("SQS:{action}")).collect()),
        "Resource": arn,
    });
    let fresh = json!({"Version": "2008-10-17", "Id": arn + "/SQSDefaultPolicy"});
    let mut policy = match policy {
        Some(text) => read(text)?,
        None => fresh,
    };
    let mut statements = statements(&policy)?;
    if statements
        .iter()
        .any(|it| it["Sid"] == permission.label.as_str())
    {
        return Err(PermissionRefusal::LabelExists);
    }
    statements.push(statement);
    policy["Statement"] = json!(statements);
    Ok(policy.to_string())
}

pub(crate) fn remove(
    policy: Option<&str>,
    label: &str,
) -> Result<Option<String>, PermissionRefusal> {
    let mut policy = read(policy.ok_or(PermissionRefusal::LabelMissing)?)?;
    let mut left = statements(&policy)?;
    let before = left.len();
    left.retain(|statement| statement["Sid"] != label);
    if left.len() == before {
        return Err(PermissionRefusal::LabelMissing);
    }
    let last = left.is_empty();
    policy["Statement"] = json!(left);
    Ok((!last).then(|| policy.to_string()))
}

fn read(text: &str) -> Result<Value, PermissionRefusal> {
    serde_json::from_str(text).map_err(|_| PermissionRefusal::PolicyUnreadable)
}

fn statements(policy: &Value) -> Result<Vec<Value>, PermissionRefusal> {
    let statements = match policy.get("Statement") {
        None => Vec::new(),
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
    };
    match statements.iter().all(Value::is_object) {
        true => Ok(statements),
        false => Err(PermissionRefusal::PolicyUnreadable),
    }
}
