//! Rules of redrive policies. Both arrive as JSON in a text and are echoed as that text.

use serde_json::{Map, Value};
use squorum_types::limits::{POLICY_BYTES_MAX, RECEIVES_BEFORE_DEAD_LETTER, REDRIVE_SOURCES_MAX};
use squorum_types::{QueueArn, RedriveAllowPolicy, RedrivePermission, RedrivePolicy};

use crate::error::ApiError;

const REDRIVE: &str = "RedrivePolicy";
const ALLOW: &str = "RedriveAllowPolicy";

/// A redrive policy; an empty text removes it.
pub(super) fn parse_redrive(text: &str) -> Result<Option<RedrivePolicy>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let refused = |reason: String| ApiError::invalid(text, REDRIVE, reason);
    let object = object(text)
        .ok_or_else(|| refused("Redrive policy is not a valid JSON map.".to_owned()))?;
    let member = |name: &str| {
        let missing = || {
            refused(format!(
                "Redrive policy does not contain mandatory attribute: {name}."
            ))
        };
        object.get(name).ok_or_else(missing)
    };
    // In AWS's order: of an empty map it misses the count.
    let (receives, target) = (member("maxReceiveCount")?, member("deadLetterTargetArn")?);
    if object.len() > 2 {
        return Err(refused(
            "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount]."
                .to_owned(),
        ));
    }
    let receives_max = integer(receives)
        .filter(|count| RECEIVES_BEFORE_DEAD_LETTER.contains(count))
        .ok_or_else(|| {
            refused(format!(
                "Invalid value for maxReceiveCount: {}, valid values are from {} to {} both \
                 inclusive.",
                plain(receives),
                RECEIVES_BEFORE_DEAD_LETTER.start(),
                RECEIVES_BEFORE_DEAD_LETTER.end(),
            ))
        })?;
    let target = target.as_str().and_then(QueueArn::parse);
    Ok(Some(RedrivePolicy {
        text: text.to_owned(),
        target: target
            .ok_or_else(|| refused("Invalid value for deadLetterTargetArn.".to_owned()))?,
        receives_max: receives_max as u32,
    }))
}

/// Which queues may use this one; an empty text removes it.
pub(super) fn parse_redrive_allow(text: &str) -> Result<Option<RedriveAllowPolicy>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let refused = |reason: &'static str| ApiError::invalid(text, ALLOW, reason);
    let object =
        object(text).ok_or_else(|| refused("Redrive allow policy is not a valid JSON map."))?;
    let sources = object.get("sourceQueueArns");
    let permission = match object.get("redrivePermission").and_then(Value::as_str) {
        Some("allowAll") if sources.is_none() => RedrivePermission::AllowAll,
        Some("denyAll") if sources.is_none() => RedrivePermission::DenyAll,
        Some("allowAll" | "denyAll") => {
            return Err(refused(
                "sourceQueueArns can be given only when redrivePermission is byQueue.",
            ));
        }
        Some("byQueue") => {
            let sources = sources
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice);
            let arns = sources
                .iter()
                .map(|arn| arn.as_str().and_then(QueueArn::parse));
            let arns: Option<Vec<_>> = arns.collect();
            let arns = arns.filter(|arns| (1..=REDRIVE_SOURCES_MAX).contains(&arns.len()));
            RedrivePermission::ByQueue(arns.ok_or_else(|| {
                refused("byQueue needs sourceQueueArns with 1 to 10 ARNs of queues.")
            })?)
        }
        _ => {
            return Err(refused(
                "redrivePermission must be allowAll, denyAll or byQueue.",
            ));
        }
    };
    Ok(Some(RedriveAllowPolicy {
        text: text.to_owned(),
        permission,
    }))
}

fn object(text: &str) -> Option<Map<String, Value>> {
    let short = text.len() <= POLICY_BYTES_MAX;
    let value = short.then(|| serde_json::from_str(text).ok()).flatten();
    match value? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// AWS takes numbers as texts, too.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

    fn refusal<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
        result.map_or_else(|error| error.to_string(), |value| format!("{value:?}"))
    }

    #[test]
    fn a_count_may_be_a_number_or_a_text() {
        for count in ["3", "\"3\""] {
            let text = format!(r#"{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":{count}}}"#);
            let policy = parse_redrive(&text).ok().flatten();
            let policy = policy.map(|policy| (policy.receives_max, policy.target.to_string()));
            assert_eq!(policy, Some((3, ARN.to_owned())), "{text}");
        }
        assert_eq!(parse_redrive("").ok(), Some(None));
    }

    #[test]
    fn bad_policies_are_refused_in_words() {
        let cases = [
            ("[]", "not a valid JSON map"),
            ("x", "not a valid JSON map"),
            ("{}", "mandatory attribute: maxReceiveCount"),
            (
                &format!(r#"{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":1,"more":1}}"#),
                "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].",
            ),
            (
                r#"{"maxReceiveCount":3}"#,
                "mandatory attribute: deadLetterTargetArn",
            ),
            (
                &format!(r#"{{"deadLetterTargetArn":"{ARN}"}}"#),
                "mandatory attribute: maxReceiveCount",
            ),
            (
                &format!(r#"{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":1001}}"#),
                "maxReceiveCount: 1001, valid values are from 1 to 1000",
            ),
            (
                &format!(r#"{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":"x"}}"#),
                "maxReceiveCount: x, valid values",
            ),
            (
                r#"{"deadLetterTargetArn":"dead","maxReceiveCount":1}"#,
                "Invalid value for deadLetterTargetArn",
            ),
        ];
        for (text, expected) in cases {
            let refusal = refusal(parse_redrive(text));
            assert!(refusal.contains(expected), "{text}: {refusal}");
        }
    }

    #[test]
    fn sources_are_named_only_by_queue() {
        let by_queue = format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{ARN}"]}}"#);
        let allowed = parse_redrive_allow(&by_queue).ok().flatten();
        let permission = allowed.map(|policy| policy.permission);
        assert!(matches!(permission, Some(RedrivePermission::ByQueue(arns)) if arns.len() == 1));
        for text in [
            r#"{"redrivePermission":"byQueue"}"#.to_owned(),
            r#"{"redrivePermission":"some"}"#.to_owned(),
            "{}".to_owned(),
            by_queue.replace("byQueue", "denyAll"),
            format!(
                r#"{{"redrivePermission":"byQueue","sourceQueueArns":[{}]}}"#,
                vec![format!("\"{ARN}\""); 11].join(",")
            ),
        ] {
            assert!(parse_redrive_allow(&text).is_err(), "{text}");
        }
    }
}
