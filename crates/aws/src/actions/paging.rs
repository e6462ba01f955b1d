//! Lists of queues, page by page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use squorum_types::QueueName;
use squorum_types::limits::LIST_QUEUES_MAX;
use squorum_types::service::{Page, QueueList, QueueService};

use crate::context::Context;
use crate::error::ApiError;
use crate::shape::{Integer, List, Text};
use crate::validation::check_max_results;

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Paging {
    pub(super) page: Page,
    /// Only who asks for pages gets a token.
    wants_token: bool,
}

impl Paging {
    pub(super) fn new(
        max_results: Option<Integer>,
        next_token: Option<&str>,
    ) -> Result<Paging, ApiError> {
        let count_max = check_max_results(max_results)?;
        let after = match next_token {
            None | Some("") => None,
            Some(_) if count_max.is_none() => {
                return Err(ApiError::ParameterRefused(
                    "MaxResults is a mandatory parameter when you provide a value for NextToken.",
                ));
            }
            Some(token) => Some(decode_token(token)?),
        };
        Ok(Paging {
            page: Page {
                after,
                count_max: count_max.unwrap_or(LIST_QUEUES_MAX),
            },
            wants_token: count_max.is_some(),
        })
    }

    /// The URLs of a page, and the token of the next one.
    pub(super) fn answer<S: QueueService>(
        &self,
        context: &Context<'_, S>,
        list: &QueueList,
    ) -> (List<Text<'static>>, Option<Text<'static>>) {
        let last = list.queues.last();
        let last = last.filter(|_| self.wants_token && list.more);
        let urls = list.queues.iter();
        let urls: Vec<_> = urls
            .map(|queue| Text::from(context.queue_url(queue)))
            .collect();
        let token = last.map(|queue| encode_token(&queue.name).into());
        (urls.into(), token)
    }
}

fn encode_token(last: &QueueName) -> String {
    URL_SAFE_NO_PAD.encode(last.as_str())
}

fn decode_token(token: &str) -> Result<QueueName, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let name = name.and_then(|name| QueueName::parse(&name).ok());
    name.ok_or(ApiError::ParameterRefused("Invalid or expired next token."))
}
