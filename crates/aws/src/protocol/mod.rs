//! What goes over the wire: AWS JSON 1.0, and the older Query protocol in front of it.
//!
//! Handlers know JSON alone. A request of the Query protocol is translated to JSON before its handler
//! sees it and the answer translated back, by [tables](query::Layout) generated from the service
//! model; so both protocols have the same rules, in one place.

mod answer;
mod json;
pub(crate) mod query;

pub(crate) use answer::Answer;
pub(crate) use json::{action_of, parse};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, header};

use crate::error::ApiError;
use crate::generated::Action;

/// What a request's head says about its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    /// Forms in, and out what the client accepts.
    Query(query::Notation),
    /// Neither: a browser or a probe.
    None,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// With the request's structure in JSON.
    Action(Action, Bytes),
    /// Who the caller is.
    CallerIdentity(query::Notation),
    Nothing,
}

impl Protocol {
    pub(crate) fn read(self, head: &Parts, body: &Bytes) -> Result<Asked, ApiError> {
        match self {
            Protocol::Json => Ok(Asked::Action(action_of(head)?, body.clone())),
            Protocol::Query(notation) => query::read(head, body, notation),
            Protocol::None => Ok(Asked::Nothing),
        }
    }

    /// An answer on the wire, from the JSON that a handler gave.
    pub(crate) fn answer(self, action: Action, answer: Answer, request_id: &str) -> Answer {
        match self {
            Protocol::Json | Protocol::None => answer,
            Protocol::Query(notation) => notation.answer(action, answer, request_id),
        }
    }

    pub(crate) fn refuse(self, error: &ApiError, request_id: &str) -> Answer {
        match self {
            Protocol::Json | Protocol::None => Answer::json_error(error),
            Protocol::Query(notation) => notation.error(error, request_id),
        }
    }
}

/// The content type decides before everything else: some clients of the Query protocol send a target
/// header too.
pub(crate) fn protocol_of(head: &Parts) -> Protocol {
    let is_post = head.method == Method::POST;
    let query = Protocol::Query(notation_of(head));
    if is_post
        && begins_with(
            head,
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded",
        )
    {
        return query;
    }
    let is_json = begins_with(head, header::CONTENT_TYPE, "application/x-amz-json");
    if is_post && (is_json || head.headers.contains_key("x-amz-target")) {
        return Protocol::Json;
    }
    match query::names_action(head.uri.query().unwrap_or("")) {
        true => query,
        false => Protocol::None,
    }
}

fn notation_of(head: &Parts) -> query::Notation {
    match begins_with(head, header::ACCEPT, "application/json") {
        true => query::Notation::Json,
        false => query::Notation::Xml,
    }
}

fn begins_with(head: &Parts, name: HeaderName, prefix: &str) -> bool {
    let value = head
        .headers
        .get(name)
        .map_or(&b""[..], HeaderValue::as_bytes);
    let start = value.get(..prefix.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}
