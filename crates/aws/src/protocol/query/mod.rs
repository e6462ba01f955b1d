//! The Query protocol: parameters in, as a form or behind a question mark; out XML, or JSON for who
//! accepts that alone.
//!
//! ```text
//! parameters   names and values, split at the dots of the names
//!     │
//! reader       parameters → the JSON that AWS JSON 1.0 has for the same request
//!     ┊        (the action's handler)
//! xml, json    that protocol's answer → this one's
//! ```
//!
//! The same port answers one action of another service, because tools ask it before all others:
//! [`sts`].

mod json;
mod layout;
mod parameters;
mod reader;
mod request;
mod sts;
mod xml;

pub(crate) use layout::{Layout, Member};
pub(crate) use parameters::names_action;
pub(crate) use request::read;
pub(crate) use sts::caller_identity;

use bytes::Bytes;
use http::HeaderValue;
use serde_json::Value;

use super::Answer;
use crate::error::ApiError;
use crate::generated::Action;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    Xml,
    Json,
}

impl Notation {
    const fn content_type(self) -> HeaderValue {
        match self {
            Notation::Xml => HeaderValue::from_static("text/xml"),
            Notation::Json => HeaderValue::from_static("application/json"),
        }
    }

    /// An action's answer, from the one that its handler gave.
    pub(crate) fn answer(self, action: Action, answer: Answer, request_id: &str) -> Answer {
        let result = match action.result_layout() {
            Some(layout) => match serde_json::from_slice::<Value>(&answer.body) {
                Ok(result) => Some((layout, result)),
                Err(error) => {
                    tracing::error!(%error, "cannot translate an answer");
                    return self.error(&ApiError::Internal, request_id);
                }
            },
            None => None,
        };
        let result = result.as_ref().map(|(layout, result)| (*layout, result));
        let body = match self {
            Notation::Xml => xml::response(&xml::SQS, action.as_str(), result, request_id),
            Notation::Json => json::response(action.as_str(), result, request_id),
        };
        Answer {
            content_type: self.content_type(),
            body: Bytes::from(body),
            ..answer
        }
    }

    pub(crate) fn error(self, error: &ApiError, request_id: &str) -> Answer {
        let body = match self {
            Notation::Xml => xml::error(&xml::SQS, error, request_id),
            Notation::Json => json::error(error, request_id),
        };
        Answer::failure(error, self.content_type(), Bytes::from(body))
    }
}

/// An error's text. One of them names the older protocol.
fn message_of(error: &ApiError) -> String {
    match error {
        ApiError::QueueDoesNotExist => {
            "The specified queue does not exist for this wsdl version.".to_owned()
        }
        _ => error.to_string(),
    }
}
