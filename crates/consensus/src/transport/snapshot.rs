//! A snapshot on its way to a peer.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use openraft::StorageError;
use openraft::errors::{ErrorSource, NetworkError, RPCError, StreamingError};
use openraft::impls::BoxedErrorSource;
use squorum_peer::{CallError, Connection};
use squorum_proto::raft as wire;
use squorum_proto::raft::install_snapshot_request::Part;
use squorum_types::GroupId;
use squorum_types::measure::Counter;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::client::{raft_client, rpc_error};
use super::messages;
use super::snapshot_pace::SnapshotPace;
use crate::entry_log::HoldGuard;
use crate::options::ApplyOn;
use crate::raft_types::{RaftVote, TypeConfig};
use crate::snapshot::{Chunks, SnapshotData, SnapshotError};

/// Until the peer has taken one more chunk.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(10);
/// Until the peer, which has all chunks, has installed them.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(300);

/// What every chunk passes on its way.
pub(super) struct Meter<'a> {
    pub(super) pace: &'a SnapshotPace,
    pub(super) sent_bytes: &'a Counter,
    pub(super) hold: &'a HoldGuard,
}

impl Meter<'_> {
    async fn pass(&self, bytes: u64) {
        self.pace.pass(bytes).await;
        self.sent_bytes.add(bytes);
        self.hold.sent(bytes);
    }
}

/// Sends the snapshot and waits until it is installed. Answers the peer's vote.
pub(super) async fn send(
    connection: &Connection,
    group: GroupId,
    vote: &RaftVote,
    snapshot: SnapshotData,
    apply_on: ApplyOn,
    meter: Meter<'_>,
) -> Result<RaftVote, StreamingError<TypeConfig>> {
    let generation = connection.generation();
    let (parts, outgoing) = mpsc::channel(1);
    let mut client = raft_client(connection);
    let response = pin!(client.install_snapshot(ReceiverStream::new(outgoing)));
    let opening = Part::Opening(wire::SnapshotOpening {
        group: group.0,
        vote: Some(messages::vote(vote)),
    });
    let feeding = pin!(feed(
        parts,
        opening,
        snapshot.into_chunks(),
        apply_on,
        meter
    ));
    let response = match select(response, feeding).await {
        Either::Left((response, _)) => response,
        Either::Right((Err(FeedError::Unreadable(error)), _)) => return Err(unreadable(&error)),
        Either::Right((Err(FeedError::Stalled), _)) => {
            connection.failed(generation);
            return Err(network_error("the peer takes no more chunks"));
        }
        Either::Right((Ok(()), response)) => tokio::time::timeout(INSTALL_TIMEOUT, response)
            .await
            .map_err(|_| network_error("the peer does not say that the snapshot is installed"))?,
    };
    let response = response.map_err(|status| {
        let error = CallError::from(status);
        if error.may_have_been_processed() {
            connection.failed(generation);
        }
        rpc_error(&error)
    })?;
    let vote = messages::to_vote(response.into_inner().vote);
    vote.map_err(|status| network_error(status.message()))
}

enum FeedError {
    Unreadable(SnapshotError),
    Stalled,
}

/// Hands over all parts. Ends early if the call has ended, which then says why.
async fn feed(
    parts: mpsc::Sender<wire::InstallSnapshotRequest>,
    opening: Part,
    mut chunks: Chunks,
    apply_on: ApplyOn,
    meter: Meter<'_>,
) -> Result<(), FeedError> {
    let mut next = Some(opening);
    while let Some(part) = next {
        let request = wire::InstallSnapshotRequest { part: Some(part) };
        match tokio::time::timeout(CHUNK_TIMEOUT, parts.send(request)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => break,
            Err(_) => return Err(FeedError::Stalled),
        }
        let chunk;
        (chunks, chunk) = apply_on
            .run(move || {
                let chunk = chunks.next_chunk();
                (chunks, chunk)
            })
            .await;
        let chunk = chunk.map_err(FeedError::Unreadable)?;
        let bytes = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        meter.pass(bytes).await;
        next = chunk.map(Part::Chunk);
    }
    Ok(())
}

fn unreadable(error: &SnapshotError) -> StreamingError<TypeConfig> {
    StorageError::read_snapshot(None, BoxedErrorSource::from_error(error)).into()
}

fn network_error(reason: &str) -> StreamingError<TypeConfig> {
    RPCError::from(NetworkError::from_string(reason)).into()
}
