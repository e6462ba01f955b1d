use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use squorum_types::QueueName;
use squorum_types::limits::LIST_QUEUES_MAX;
use squorum_types::service::{ListQueues, QueueService};

use crate::context::Context;
use crate::error::ApiError;
use crate::generated::{ListQueuesRequest, ListQueuesResult};
use crate::protocol::Answer;
use crate::shape::Text;
use crate::validation::check_max_results;

pub(super) async fn handle<S: QueueService>(
    context: &Context<'_, S>,
    request: ListQueuesRequest<'_>,
) -> Result<Answer, ApiError> {
    let page = check_max_results(request.max_results)?;
    let after = match request.next_token.as_deref() {
        None | Some("") => None,
        Some(_) if page.is_none() => {
            return Err(ApiError::ParameterRefused(
                "MaxResults is a mandatory parameter when you provide a value for NextToken.",
            ));
        }
        Some(token) => Some(decode_token(token)?),
    };
    let list = ListQueues {
        prefix: request
            .queue_name_prefix
            .map(Text::into_string)
            .unwrap_or_default(),
        after,
        count_max: page.unwrap_or(LIST_QUEUES_MAX),
    };
    let found = context.service.list_queues(context.caller, list).await?;
    // Only who asks for pages gets a token.
    let last = found.queues.last().filter(|_| page.is_some() && found.more);
    let urls = found
        .queues
        .iter()
        .map(|queue| Text::from(context.queue_url(queue)));
    let urls: Vec<_> = urls.collect();
    Answer::json(&ListQueuesResult {
        next_token: last.map(|queue| encode_token(&queue.name).into()),
        queue_urls: urls.into(),
    })
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
