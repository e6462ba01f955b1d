//! What the fuzz target in `fuzz/` does with an input; the test below does the same with the inputs that
//! were kept.

#![allow(clippy::expect_used, reason = "only tests get here")]

use serde::de::IgnoredAny;
use serde_json::Value;
use squorum_types::{AccountId, Permission, QueueArn};

use crate::policy::{with_statement, without_statement};

const LABEL: &str = "new";
/// As deep as a reader of JSON goes, which begins anew at every statement here.
const READER_DEPTH_MAX: usize = 127;

/// Adds a statement to the text of a policy and removes it again. Panics unless all the rest of it
/// stays as it was; true if there was something to add to.
pub fn policy(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else {
        return false;
    };
    let queue = QueueArn::parse("arn:aws:sqs:us-east-1:000000000000:orders");
    let permission = Permission {
        label: LABEL.to_owned(),
        accounts: vec![AccountId::default()],
        actions: vec!["SendMessage".to_owned()],
    };
    let added = with_statement(Some(text), &queue.expect("an ARN"), &permission);
    let Ok(added) = added else {
        return false;
    };
    let brackets = text.matches(['[', '{']).count();
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    assert!(is_json || brackets > READER_DEPTH_MAX, "{text} is no JSON");
    // A number or a text that means nothing is refused before it gets here.
    let Ok(before) = serde_json::from_str(text) else {
        return false;
    };
    let before = taken_apart(before);
    let mut after = taken_apart(read(&added));
    let new = after.0.pop().expect("a statement");
    assert_eq!(new["Sid"], LABEL, "{text}");
    assert_eq!(after, before, "{text}");

    let removed = without_statement(Some(&added), LABEL).expect("the label is there");
    match removed {
        Some(removed) => assert_eq!(taken_apart(read(&removed)), before, "{text}"),
        None => assert!(before.0.is_empty(), "{text}"),
    }
    true
}

fn read(policy: &str) -> Value {
    serde_json::from_str(policy).expect("JSON")
}

/// A policy's statements, and all the rest of it.
fn taken_apart(mut policy: Value) -> (Vec<Value>, Value) {
    let members = policy.as_object_mut().expect("an object");
    let statements = match members.remove("Statement") {
        None => Vec::new(),
        Some(Value::Array(statements)) => statements,
        Some(statement) => vec![statement],
    };
    (statements, policy)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    #[test]
    fn policies_that_are_kept() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/policy_document");
        let mut extended = 0;
        for file in std::fs::read_dir(&corpus).unwrap() {
            let input = std::fs::read(file.unwrap().path()).unwrap();
            extended += u64::from(super::policy(&input));
        }
        assert!(extended > 10, "{extended} could be extended");
    }
}
