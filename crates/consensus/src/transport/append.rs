//! The stream of entries from a group's leader to one peer.
//!
//! Invariants:
//! 1. Requests arrive in the order in which openraft made them, and are answered in that order.
//! 2. Requests without an answer are bounded by number and bytes; further ones are not even read
//!    from the log.
//! 3. Entries are read only while the stream is polled. When openraft drops the stream, nothing
//!    reads any more.

use std::collections::VecDeque;
use std::future;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{Stream, StreamExt};
use openraft::EntryPayload;
use openraft::errors::{NetworkError, RPCError};
use openraft::raft::{AppendEntriesRequest, StreamAppendResult};
use squorum_peer::{CallError, Connection};
use squorum_proto::raft as wire;
use squorum_types::GroupId;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use super::client::{raft_client, rpc_error};
use super::commit_hold::CommitHold;
use super::messages;
use crate::raft_types::TypeConfig;

/// Most requests without an answer.
const REQUESTS_MAX: usize = 64;
/// No further request while those without an answer have so many bytes. One request has no more
/// than [`READ_BYTES_MAX`](crate::entry_log::READ_BYTES_MAX), or one entry.
const BYTES_MAX: usize = 8 << 20;

/// Until the oldest request is answered. Its answer needs the peer's disk.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(5);

type AppendResult = Result<StreamAppendResult<TypeConfig>, RPCError<TypeConfig>>;
type Request = AppendEntriesRequest<TypeConfig>;
type Responses = Streaming<wire::AppendResponse>;

/// Sends `input` to the peer and yields its answers. Ends after the first failure or refusal, and
/// when everything is answered.
pub(super) fn stream<S>(
    connection: Connection,
    group: GroupId,
    input: S,
) -> impl Stream<Item = AppendResult> + Send + 'static
where
    S: Stream<Item = Request> + Send + Unpin + 'static,
{
    let session = Session::open(connection, group, input);
    futures::stream::unfold(Some(session), async |session| {
        let mut session = session?;
        let item = session.next().await?;
        let goes_on = matches!(item, Ok(Ok(_)));
        Some((item, goes_on.then_some(session)))
    })
}

struct Session<S> {
    connection: Connection,
    generation: u64,
    input: S,
    /// To the peer; gone when the input has ended. It has room for all that may be unanswered.
    requests: Option<mpsc::Sender<wire::AppendRequest>>,
    responses: Inbound,
    /// Nothing was asked for yet.
    is_new: bool,
    /// Bytes of the requests without an answer, oldest first.
    unanswered: VecDeque<usize>,
    /// When the oldest of them is overdue.
    overdue_at: Instant,
    commits: CommitHold,
}

enum Inbound {
    Opening(BoxFuture<'static, Result<Response<Responses>, Status>>),
    Open(Box<Responses>),
}

impl Inbound {
    async fn next(&mut self) -> Result<Option<wire::AppendResponse>, Status> {
        // Two rounds at most: the first makes it open.
        loop {
            match self {
                Inbound::Opening(opening) => {
                    let responses = opening.await?.into_inner();
                    *self = Inbound::Open(Box::new(responses));
                }
                Inbound::Open(responses) => return responses.message().await,
            }
        }
    }
}

/// What happened first.
enum Event {
    Answer(Result<Option<wire::AppendResponse>, Status>),
    Request(Option<Request>),
    /// A commit has waited long enough for entries.
    Commit,
    Overdue,
}

impl<S> Session<S>
where
    S: Stream<Item = Request> + Send + Unpin,
{
    fn open(connection: Connection, group: GroupId, input: S) -> Session<S> {
        // One more for the opening, and one for a commit that waited.
        let (requests, outgoing) = mpsc::channel(REQUESTS_MAX + 2);
        let opening = wire::AppendRequest {
            group: group.0,
            ..Default::default()
        };
        let is_sent = requests.try_send(opening);
        debug_assert!(is_sent.is_ok(), "the channel is new");
        let generation = connection.generation();
        let mut client = raft_client(&connection);
        let responses = Box::pin(async move { client.append(ReceiverStream::new(outgoing)).await });
        Session {
            connection,
            generation,
            input,
            requests: Some(requests),
            responses: Inbound::Opening(responses),
            is_new: true,
            unanswered: VecDeque::new(),
            overdue_at: Instant::now(),
            commits: CommitHold::default(),
        }
    }

    /// The next answer. Sends requests meanwhile.
    async fn next(&mut self) -> Option<AppendResult> {
        // Every round takes a request, of which there is a bounded number without an answer, or ends.
        loop {
            if self.requests.is_none() && self.unanswered.is_empty() {
                return None;
            }
            match self.event().await {
                Event::Request(Some(request)) => {
                    let request = self.commits.admit(request, Instant::now());
                    self.send(request);
                }
                Event::Request(None) => {
                    let request = self.commits.release();
                    self.send(request);
                    self.requests = None;
                }
                Event::Commit => {
                    let request = self.commits.release();
                    self.send(request);
                }
                Event::Answer(Ok(Some(response))) => return Some(self.answer(response)),
                Event::Answer(Ok(None)) => {
                    return Some(Err(network_error("the peer ended the stream")));
                }
                Event::Answer(Err(status)) => {
                    let error = CallError::from(status);
                    if error.may_have_been_processed() {
                        self.connection.failed(self.generation);
                    }
                    return Some(Err(rpc_error(&error)));
                }
                Event::Overdue => {
                    self.connection.failed(self.generation);
                    return Some(Err(network_error("the peer does not answer")));
                }
            }
        }
    }

    async fn event(&mut self) -> Event {
        let has_room = self.requests.is_some()
            && self.unanswered.len() < REQUESTS_MAX
            && self.unanswered.iter().sum::<usize>() < BYTES_MAX;
        let overdue = async {
            if self.unanswered.is_empty() {
                future::pending().await
            } else {
                tokio::time::sleep_until(self.overdue_at).await;
            }
        };
        // openraft pauses after failures within its requests: nothing may fail before the first one.
        if self.is_new && has_room {
            self.is_new = false;
            return Event::Request(self.input.next().await);
        }
        tokio::select! {
            biased;
            response = self.responses.next() => Event::Answer(response),
            request = self.input.next(), if has_room => Event::Request(request),
            () = self.commits.waited() => Event::Commit,
            () = overdue => Event::Overdue,
        }
    }

    fn send(&mut self, request: Option<Request>) {
        let (Some(request), Some(requests)) = (request, &self.requests) else {
            return;
        };
        if self.unanswered.is_empty() {
            self.overdue_at = Instant::now() + PROGRESS_TIMEOUT;
        }
        self.unanswered.push_back(bytes(&request));
        // Fails only if the stream has failed, which the answers tell.
        let _ = requests.try_send(messages::append(&request));
    }

    fn answer(&mut self, response: wire::AppendResponse) -> AppendResult {
        self.unanswered.pop_front();
        self.overdue_at = Instant::now() + PROGRESS_TIMEOUT;
        messages::to_append_result(response.result)
            .map_err(|status| network_error(status.message()))
    }
}

fn network_error(reason: &str) -> RPCError<TypeConfig> {
    NetworkError::from_string(reason).into()
}

fn bytes(request: &Request) -> usize {
    let payload = |payload: &EntryPayload<_, _, _>| match payload {
        EntryPayload::Normal(crate::raft_types::Command(bytes)) => bytes.len(),
        EntryPayload::Blank | EntryPayload::Membership(_) => 0,
    };
    request.entries.iter().map(|e| payload(&e.payload)).sum()
}
