//! A policy that an owner sets. Its statements are counted as far as they have the form of statements;
//! what they say is nobody's business before policies are enforced.

use serde_json::Value;
use squorum_types::limits::{
    PERMISSION_ACCOUNTS_MAX, PERMISSION_ACTIONS_MAX, POLICY_BYTES_MAX, POLICY_CONDITIONS_MAX,
    POLICY_STATEMENTS_MAX,
};

use crate::error::ApiError;

/// `None` if the text is empty: then the queue has no policy.
pub(super) fn parse_policy(text: &str) -> Result<Option<String>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > POLICY_BYTES_MAX {
        return Err(ApiError::PolicyTooLong);
    }
    let Ok(Value::Object(policy)) = serde_json::from_str(text) else {
        return Err(ApiError::AttributeValueInvalid { name: "Policy" });
    };
    let statements = one_or_more(policy.get("Statement"));
    let found = statements.len();
    if found > POLICY_STATEMENTS_MAX {
        return Err(ApiError::PolicyStatements { found });
    }
    statements.iter().try_for_each(check_statement)?;
    Ok(Some(text.to_owned()))
}

fn check_statement(statement: &Value) -> Result<(), ApiError> {
    let named = |name| one_or_more(statement.get(name)).len();
    let within = |what| one_or_more_within(statement.get(what));
    let counts = [
        (named("Action"), "actions", PERMISSION_ACTIONS_MAX),
        (within("Principal"), "principals", PERMISSION_ACCOUNTS_MAX),
        (within("Condition"), "conditions", POLICY_CONDITIONS_MAX),
    ];
    for (found, what, allowed) in counts {
        if found > allowed {
            return Err(ApiError::PolicyStatementTooLarge {
                found,
                what,
                allowed,
            });
        }
    }
    Ok(())
}

/// What stands alone is a list of one.
fn one_or_more(value: Option<&Value>) -> &[Value] {
    match value {
        None => &[],
        Some(Value::Array(values)) => values,
        Some(value) => std::slice::from_ref(value),
    }
}

/// The same for all members of an object: accounts and services of `Principal`, keys of `Condition`'s
/// operators.
fn one_or_more_within(value: Option<&Value>) -> usize {
    let count = |value: &Value| match value {
        Value::Object(keys) => keys.len(),
        value => one_or_more(Some(value)).len(),
    };
    match value {
        Some(Value::Object(members)) => members.values().map(count).sum(),
        value => one_or_more(value).len(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(policy: &Value) -> Option<String> {
        let parsed = parse_policy(&policy.to_string());
        parsed.err().map(|error| error.to_string())
    }

    fn numbered(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{number}")).collect()
    }

    #[test]
    fn statements_have_limits() {
        let keys = |count| numbered(count).into_iter().map(|key| (key, json!("v")));
        let operator = |count| Value::Object(keys(count).collect());
        let statement = |actions, accounts: usize, conditions: usize| {
            json!({"Statement": {
                "Action": numbered(actions),
                "Principal": {"AWS": numbered(accounts - 1), "Service": "sns.amazonaws.com"},
                "Condition": {"ArnLike": operator(conditions - 1), "Bool": operator(1)},
            }})
        };
        let too_many = |found, what, allowed| {
            Some(format!(
                "{found} {what} were found in a statement from the submitted policy, max allowed is {allowed}"
            ))
        };
        assert_eq!(refusal(&statement(7, 50, 10)), None);
        let actions = refusal(&statement(8, 50, 10));
        assert_eq!(actions, too_many(8, "actions", 7));
        let principals = refusal(&statement(7, 51, 10));
        assert_eq!(principals, too_many(51, "principals", 50));
        let conditions = refusal(&statement(7, 50, 11));
        assert_eq!(conditions, too_many(11, "conditions", 10));
    }

    #[test]
    fn one_of_a_kind_needs_no_list() {
        for policy in [
            json!({}),
            json!({"Statement": vec![json!({}); 20]}),
            json!({"Statement": {"Action": "sqs:*", "Principal": "*", "Condition": {}}}),
            json!({"Statement": "odd"}),
        ] {
            assert_eq!(refusal(&policy), None, "{policy}");
        }
        let statements = "21 statements were found in the submitted policy, max allowed is 20";
        let refused = refusal(&json!({"Statement": vec![json!({}); 21]}));
        assert_eq!(refused.as_deref(), Some(statements));
    }
}
