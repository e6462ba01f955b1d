//! Request bodies: read whole, within a share of the memory for all of them.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::options::{BODY_BYTES_MAX, DISCARDED_BYTES_MAX};

/// How long a body waits for its share.
const SHARE_TIMEOUT: Duration = Duration::from_secs(5);

/// A body with its share, which it gives back when dropped.
#[derive(Debug)]
pub(super) struct RequestBody {
    pub(super) bytes: Bytes,
    _permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
pub(super) enum RequestBodyError {
    /// The client has gone or sent what is no body.
    Broken,
    /// It did not arrive in time. Nobody knows whose fault that is: a process that was stopped for a
    /// while finds every deadline over.
    Late,
    /// Of this many bytes at least.
    TooLarge(usize),
    /// No memory for it now.
    NoShare,
}

pub(super) async fn read(
    mut body: Incoming,
    shares: &Arc<Semaphore>,
) -> Result<RequestBody, RequestBodyError> {
    if body.is_end_stream() {
        let bytes = Bytes::new();
        return Ok(RequestBody {
            bytes,
            _permit: None,
        });
    }
    let declared = body.size_hint().exact();
    let declared = declared.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if let Some(bytes) = declared.filter(|bytes| *bytes > BODY_BYTES_MAX) {
        discard(body, 0).await;
        return Err(RequestBodyError::TooLarge(bytes));
    }
    let mut permit = take_share(shares, declared.unwrap_or(BODY_BYTES_MAX)).await?;
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        if Some(bytes.len()) == declared {
            // The usual case: all of it came in one piece.
            return Ok(RequestBody {
                bytes,
                _permit: Some(permit),
            });
        }
        let length = collected.len() + bytes.len();
        if length > BODY_BYTES_MAX {
            discard(body, length).await;
            return Err(RequestBodyError::TooLarge(length));
        }
        if collected.is_empty() {
            collected.reserve(declared.unwrap_or(bytes.len()));
        }
        collected.extend_from_slice(&bytes);
    }
    give_back(&mut permit, collected.capacity());
    Ok(RequestBody {
        bytes: collected.freeze(),
        _permit: Some(permit),
    })
}

fn broken(error: &hyper::Error) -> RequestBodyError {
    let sources = std::iter::successors(error.source(), |&error| error.source());
    let mut kinds = sources.filter_map(|error| error.downcast_ref::<io::Error>());
    if kinds.any(|error| error.kind() == io::ErrorKind::TimedOut) {
        RequestBodyError::Late
    } else {
        RequestBodyError::Broken
    }
}

async fn take_share(
    shares: &Arc<Semaphore>,
    bytes: usize,
) -> Result<OwnedSemaphorePermit, RequestBodyError> {
    let count = u32::try_from(bytes).map_err(|_| RequestBodyError::TooLarge(bytes))?;
    if let Ok(permit) = shares.clone().try_acquire_many_owned(count) {
        return Ok(permit);
    }
    let permit = shares.clone().acquire_many_owned(count);
    match tokio::time::timeout(SHARE_TIMEOUT, permit).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(RequestBodyError::NoShare),
    }
}

/// Gives back what the body did not need: one of no declared length has the largest one's share, and
/// its call may wait for as long as a long poll does.
fn give_back(permit: &mut OwnedSemaphorePermit, needed: usize) {
    let unneeded = permit.num_permits().saturating_sub(needed);
    drop(permit.split(unneeded));
}

/// Reads on without keeping anything: a client that is still sending when it is answered and cut
/// off would not see the answer.
async fn discard(mut body: Incoming, mut length: usize) {
    while length < DISCARDED_BYTES_MAX {
        match body.frame().await {
            Some(Ok(frame)) => length += frame.data_ref().map_or(0, Bytes::len),
            _ => break,
        }
    }
}
