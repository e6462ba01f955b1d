//! The entries that a leader sends to a group on this node.

use std::sync::Arc;
use std::time::Duration;

use futures::future;
use futures::stream::{Stream, StreamExt};
use parking_lot::Mutex;
use squorum_proto::raft as wire;
use tonic::{Status, Streaming};

use super::registry::RunningGroup;
use super::{messages, service};

/// Until a stream that was opened says what it is for.
const OPENING_TIMEOUT: Duration = Duration::from_secs(1);

/// The first message.
pub(super) async fn opening<T>(requests: &mut Streaming<T>) -> Result<T, Status> {
    let first = tokio::time::timeout(OPENING_TIMEOUT, requests.message())
        .await
        .map_err(|_| Status::deadline_exceeded("the stream says nothing"))??;
    first.ok_or_else(|| messages::malformed("an empty stream"))
}

/// Hands the requests to the group in order and answers each in the same order. Ends with the first
/// refusal, and with the requests.
pub(super) fn serve(
    group: &RunningGroup,
    requests: Streaming<wire::AppendRequest>,
) -> impl Stream<Item = Result<wire::AppendResponse, Status>> + Send + 'static {
    let id = group.id;
    // A message that cannot be read ends the requests; the leader is told after the answers.
    let malformed = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&malformed);
    let inputs = requests
        .map(move |request| match request.map(messages::to_append) {
            Ok(Ok(request)) => Some(request),
            Ok(Err(status)) => {
                tracing::warn!(group = id.0, %status, "a leader sent what cannot be read");
                *seen.lock() = Some(status);
                None
            }
            // The leader has gone.
            Err(_) => None,
        })
        .take_while(|request| future::ready(request.is_some()))
        .filter_map(future::ready);
    let answers = group.raft.stream_append(inputs).map(|result| {
        let result = result.map_err(service::stopped)?;
        Ok(wire::AppendResponse {
            result: Some(messages::append_result(&result)),
        })
    });
    let last_words = futures::stream::once(async move { malformed.lock().take() })
        .filter_map(|status| future::ready(status.map(Err)));
    answers.chain(last_words)
}
