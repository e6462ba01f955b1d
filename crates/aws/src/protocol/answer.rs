use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;
use squorum_types::service::Delivery;

use crate::error::ApiError;
use crate::request_figures::AnswerClass;

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
        Answer::success(JSON, Bytes::new())
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
            Ok(()) => Ok(Answer::success(JSON, Bytes::from(body))),
            Err(error) => {
                tracing::error!(%error, "cannot write an answer");
                Err(ApiError::Internal)
            }
        }
    }

    pub(super) fn success(content_type: HeaderValue, body: Bytes) -> Answer {
        Answer {
            status: 200,
            class: AnswerClass::Success,
            content_type,
            query_error: None,
            body,
            delivery: None,
        }
    }

    /// An error as AWS JSON 1.0 has it.
    pub(super) fn json_error(error: &ApiError) -> Answer {
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
        let query_error = format!("{};{}", shape.query_code(), error.party());
        Answer {
            query_error: HeaderValue::from_maybe_shared(Bytes::from(query_error)).ok(),
            ..Answer::failure(error, JSON, body.into())
        }
    }

    /// An error whose body has been written.
    pub(super) fn failure(error: &ApiError, content_type: HeaderValue, body: Bytes) -> Answer {
        let shape = error.shape();
        Answer {
            status: shape.http_status(),
            class: shape.class(),
            ..Answer::success(content_type, body)
        }
    }

    /// What a request gets that asks for nothing, a GET of a queue's URL for one.
    pub(crate) fn unknown_operation() -> Answer {
        Answer {
            status: 404,
            class: AnswerClass::ClientError,
            ..Answer::success(XML, Bytes::from_static(b"<UnknownOperationException/>\n"))
        }
    }
}
