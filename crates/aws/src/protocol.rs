//! AWS JSON 1.0 on the wire: which action a request names, how its body is read, and how answers and
//! errors are written. Also what a client of the Query protocol gets to read until it is spoken here.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};
use squorum_types::service::Delivery;

use crate::error::ApiError;
use crate::generated::Action;
use crate::request_figures::AnswerClass;

const TARGET_PREFIX: &str = "AmazonSQS.";
const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const XML: HeaderValue = HeaderValue::from_static("text/xml");

/// What goes back to the client. `delivery` is confirmed when the client has all of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// What it counts as.
    pub(crate) class: AnswerClass,
    pub(crate) content_type: HeaderValue,
    /// `x-amzn-query-error`.
    pub(crate) query_error: Option<HeaderValue>,
    pub(crate) body: Bytes,
    pub(crate) delivery: Option<Delivery>,
}

impl Answer {
    /// A success without members.
    pub(crate) fn empty() -> Answer {
        Answer::success(Bytes::new())
    }

    pub(crate) fn json(result: &impl Serialize) -> Result<Answer, ApiError> {
        Answer::json_of_size(result, 256)
    }

    /// As [`json`](Self::json), with a guess of the size to save copies.
    pub(crate) fn json_of_size(
        result: &impl Serialize,
        size_hint: usize,
    ) -> Result<Answer, ApiError> {
        let mut body = Vec::with_capacity(size_hint);
        match serde_json::to_writer(&mut body, result) {
            Ok(()) => Ok(Answer::success(Bytes::from(body))),
            Err(error) => {
                tracing::error!(%error, "cannot write an answer");
                Err(ApiError::Internal)
            }
        }
    }

    fn success(body: Bytes) -> Answer {
        Answer {
            status: 200,
            class: AnswerClass::Success,
            content_type: JSON,
            query_error: None,
            body,
            delivery: None,
        }
    }

    pub(crate) fn error(error: &ApiError) -> Answer {
        #[derive(Serialize)]
        struct ErrorBody<'a> {
            __type: &'a str,
            message: &'a str,
        }
        let shape = error.shape();
        let body = ErrorBody {
            __type: shape.json_type(),
            message: &error.to_string(),
        };
        // Two texts can always be written.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let party = if error.is_sender_fault() {
            "Sender"
        } else {
            "Receiver"
        };
        let query_error = format!("{};{party}", shape.query_code());
        Answer {
            status: shape.http_status(),
            class: shape.class(),
            content_type: JSON,
            query_error: HeaderValue::from_maybe_shared(Bytes::from(query_error)).ok(),
            body: Bytes::from(body),
            delivery: None,
        }
    }
}

/// What a request's head says about its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    /// Forms in, XML out.
    Query,
    /// Neither: a browser or a probe.
    None,
}

/// The content type decides before the target header: some clients of the Query protocol send both.
pub(crate) fn protocol_of(head: &Parts) -> Protocol {
    let header = |name| {
        head.headers
            .get(name)
            .map_or(&b""[..], HeaderValue::as_bytes)
    };
    let content_type = header("content-type");
    let starts_with = |prefix: &str| {
        let start = content_type.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    let has_action = head
        .uri
        .query()
        .is_some_and(|query| query.contains("Action="));
    if has_action || starts_with("application/x-www-form-urlencoded") {
        Protocol::Query
    } else if head.method == Method::POST
        && (starts_with("application/x-amz-json") || head.headers.contains_key("x-amz-target"))
    {
        Protocol::Json
    } else {
        Protocol::None
    }
}

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

/// What the Query protocol's clients get.
pub(crate) fn query_unsupported(request_id: &str) -> Answer {
    let code = crate::generated::ErrorShape::UnsupportedOperation.query_code();
    let body = format!(
        "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">\
         <Error><Type>Sender</Type><Code>{code}</Code><Message>The Query protocol is not supported \
         yet. Use a client that speaks AWS JSON 1.0, as all current AWS SDKs do.</Message><Detail/>\
         </Error><RequestId>{request_id}</RequestId></ErrorResponse>\n"
    );
    xml(400, body)
}

/// What everything else gets, a GET of a queue's URL for one.
pub(crate) fn unknown_operation() -> Answer {
    xml(404, "<UnknownOperationException/>\n".to_owned())
}

fn xml(status: u16, body: String) -> Answer {
    Answer {
        status,
        class: AnswerClass::ClientError,
        content_type: XML,
        query_error: None,
        body: Bytes::from(body),
        delivery: None,
    }
}
