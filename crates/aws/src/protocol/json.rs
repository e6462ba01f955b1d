//! AWS JSON 1.0: which action a request names, and how its body is read.

use http::request::Parts;
use serde::Deserialize;

use crate::error::ApiError;
use crate::generated::Action;

const TARGET_PREFIX: &str = "AmazonSQS.";

/// The action that the target header names.
pub(crate) fn action_of(head: &Parts) -> Result<Action, ApiError> {
    let target = head.headers.get("x-amz-target");
    let target = target.and_then(|value| value.to_str().ok()).unwrap_or("");
    let name = target.strip_prefix(TARGET_PREFIX);
    name.and_then(Action::parse)
        .ok_or_else(|| ApiError::UnknownAction {
            action: crate::error::echo(name.unwrap_or(target)),
        })
}

/// Reads a request's structure. No body at all is one without members.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    let body = match body.trim_ascii_start() {
        [] => b"{}",
        body => body,
    };
    // Derived structures would also take a list of their members.
    if body[0] != b'{' {
        let message = "Request body is not a JSON object".to_owned();
        return Err(ApiError::Serialization { message });
    }
    serde_json::from_slice(body).map_err(|error| parse_error(&error))
}

fn parse_error(error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    // Half of a surrogate pair is no character at all; serde_json calls it a bad end of the escape.
    if text.contains("hex escape") {
        return ApiError::InvalidMessageContents;
    }
    let (text, _) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
    let message = match error.is_data() {
        true => crate::error::echo(text),
        false => format!("Request body is not valid JSON: {text}"),
    };
    ApiError::Serialization { message }
}
