//! `GET /queues/{account}/{name}/messages`: messages that are not received by it, as JSON.
//!
//! | parameter | |
//! |---|---|
//! | `state` | `visible` (default), `in-flight` or `delayed` |
//! | `limit` | messages of one answer, 10 if not given, 1,000 at most |
//! | `token` | of the page before |
//! | `body` | only messages with this text in their bodies |
//! | `attribute.NAME` | only messages whose attribute NAME has this value; any number of these |
//! | `region` | of the queue |

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use squorum_node::Node;
use squorum_store::Store;
use squorum_types::service::{MessageState, PeekPosition, QueueInfo, ServiceError};
use squorum_types::{AccountId, QueueName, Region};
use tokio::time::Instant;

use crate::admin::AdminState;
use crate::admin_answer::{json, refusal};
use crate::peek::{Filter, LIMIT, LIMIT_DEFAULT, PeekAnswer, ShownMessage, Token};

/// An answer is given after this time, or so many messages and bytes, with what was found.
const LOOK_TIME_MAX: Duration = Duration::from_secs(2);
const LOOKED_AT_MAX: usize = 50_000;
const ANSWER_BYTES_MAX: usize = 2 << 20;

pub(crate) async fn messages<S: Store>(
    State(state): State<AdminState<S>>,
    Path((account, name)): Path<(String, String)>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Response {
    let request = match PeekRequest::parse(&account, &name, parameters) {
        Ok(request) => request,
        Err(reason) => return refusal(StatusCode::BAD_REQUEST, &reason),
    };
    let Some(running) = state.running() else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, &state.waits_for());
    };
    match request.answer(&running.node).await {
        Ok(answer) => json(&answer),
        Err(PeekError::Token) => refusal(
            StatusCode::BAD_REQUEST,
            "the token is none of this queue and state",
        ),
        Err(PeekError::Service(ServiceError::QueueDoesNotExist)) => {
            refusal(StatusCode::NOT_FOUND, "the queue does not exist")
        }
        Err(PeekError::Service(error @ ServiceError::Internal { .. })) => {
            tracing::error!(%error, "messages cannot be shown");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
        }
        Err(PeekError::Service(error)) => {
            refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string())
        }
    }
}

enum PeekError {
    Token,
    Service(ServiceError),
}

impl From<ServiceError> for PeekError {
    fn from(error: ServiceError) -> PeekError {
        PeekError::Service(error)
    }
}

#[derive(Debug)]
struct PeekRequest {
    account: AccountId,
    region: Region,
    name: QueueName,
    state: MessageState,
    limit: usize,
    token: Option<Token>,
    filter: Filter,
}

impl PeekRequest {
    /// `Err` says what is wrong.
    fn parse(
        account: &str,
        name: &str,
        parameters: Vec<(String, String)>,
    ) -> Result<PeekRequest, String> {
        let mut request = PeekRequest {
            account: AccountId::parse(account).ok_or("an account has 12 digits")?,
            region: Region::default(),
            name: QueueName::parse(name).map_err(|_| "no queue can have this name")?,
            state: MessageState::Visible,
            limit: LIMIT_DEFAULT,
            token: None,
            filter: Filter::default(),
        };
        for (parameter, value) in parameters {
            request.set(&parameter, value)?;
        }
        Ok(request)
    }

    fn set(&mut self, parameter: &str, value: String) -> Result<(), String> {
        match parameter {
            "state" => {
                self.state = match value.as_str() {
                    "visible" => MessageState::Visible,
                    "in-flight" => MessageState::InFlight,
                    "delayed" => MessageState::Delayed,
                    _ => return Err("state is visible, in-flight or delayed".to_owned()),
                }
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| LIMIT.contains(limit));
                self.limit = limit.ok_or("limit is a number from 1 to 1000")?;
            }
            "token" => self.token = Some(Token::decode(&value).ok_or("this is no token")?),
            "region" => {
                self.region = Region::parse(&value).ok_or("no region can have this name")?;
            }
            "body" => self.filter.body = Some(value),
            _ => match parameter.strip_prefix("attribute.") {
                Some(name) => self.filter.attributes.push((name.to_owned(), value)),
                None => return Err(format!("there is no parameter {parameter}")),
            },
        }
        Ok(())
    }

    async fn answer<S: Store>(self, node: &Node<S>) -> Result<PeekAnswer, PeekError> {
        let (account, region) = (self.account.clone(), self.region.clone());
        let queue = node
            .confirmed_queue(account, region, self.name.clone())
            .await?;
        let mut position = self.begin(&queue)?;
        let mut look = Look::new(&self);
        let deadline = Instant::now() + LOOK_TIME_MAX;
        let next = loop {
            let page = node.peek(&queue, self.state, position, self.limit).await?;
            look.answer.looked_at += page.looked_at;
            if let Some(rest) = look.take(&page.messages)? {
                break Some(rest);
            }
            let Some(next) = page.next else { break None };
            position = next;
            if look.is_full() || Instant::now() >= deadline {
                break Some(next);
            }
        };
        look.answer.next_token = next.map(|position| {
            let (queue, state) = (queue.id, self.state);
            let token = Token {
                queue,
                state,
                position,
            };
            token.encode()
        });
        Ok(look.answer)
    }

    /// Where the page begins.
    fn begin(&self, queue: &Arc<QueueInfo>) -> Result<PeekPosition, PeekError> {
        match self.token {
            None => Ok(PeekPosition::default()),
            Some(token) if token.queue == queue.id && token.state == self.state => {
                Ok(token.position)
            }
            Some(_) => Err(PeekError::Token),
        }
    }
}

/// An answer that is being gathered.
struct Look<'a> {
    request: &'a PeekRequest,
    answer: PeekAnswer,
    bytes: usize,
}

impl<'a> Look<'a> {
    fn new(request: &'a PeekRequest) -> Look<'a> {
        Look {
            request,
            answer: PeekAnswer::default(),
            bytes: 0,
        }
    }

    fn is_full(&self) -> bool {
        self.answer.messages.len() >= self.request.limit
            || self.bytes >= ANSWER_BYTES_MAX
            || self.answer.looked_at >= LOOKED_AT_MAX
    }

    /// Takes in what the filter lets pass. Answers where the messages begin that have no room.
    fn take(
        &mut self,
        messages: &[squorum_types::service::PeekedMessage],
    ) -> Result<Option<PeekPosition>, ServiceError> {
        let filter = &self.request.filter;
        for message in messages {
            let has_room =
                self.answer.messages.len() < self.request.limit && self.bytes < ANSWER_BYTES_MAX;
            if !has_room {
                return Ok(Some(message.position));
            }
            if !filter.takes_body(message) {
                continue;
            }
            let shown = ShownMessage::new(message).map_err(|error| ServiceError::Internal {
                reason: error.to_string(),
            })?;
            if filter.takes_attributes(&shown) {
                self.bytes += message.body.len() + message.attributes.len();
                self.answer.messages.push(shown);
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(parameters: &[(&str, &str)]) -> Result<PeekRequest, String> {
        let parameters = parameters.iter();
        let parameters = parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        PeekRequest::parse("000000000000", "jobs", parameters.collect())
    }

    #[test]
    fn parameters() {
        let request = parse(&[]).unwrap();
        assert_eq!(
            (request.state, request.limit),
            (MessageState::Visible, LIMIT_DEFAULT)
        );
        let request = parse(&[
            ("state", "in-flight"),
            ("limit", "1000"),
            ("region", "eu-west-1"),
            ("body", "a b"),
            ("attribute.kind", "order"),
            ("attribute.MessageGroupId", "g"),
        ])
        .unwrap();
        assert_eq!(
            (request.state, request.limit, request.region.as_str()),
            (MessageState::InFlight, 1000, "eu-west-1")
        );
        let attributes = [("kind", "order"), ("MessageGroupId", "g")];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            request.filter,
            Filter {
                body: Some("a b".to_owned()),
                attributes: attributes.to_vec(),
            }
        );
        for wrong in [
            ("state", "all"),
            ("limit", "0"),
            ("limit", "1001"),
            ("limit", "x"),
            ("token", "x"),
            ("region", ""),
            ("Body", "x"),
            ("attribute", "x"),
        ] {
            assert!(parse(&[wrong]).is_err(), "{wrong:?}");
        }
        assert!(PeekRequest::parse("1", "jobs", Vec::new()).is_err());
        assert!(PeekRequest::parse("000000000000", "a b", Vec::new()).is_err());
    }
}
