use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use thiserror::Error;
use tonic::{Code, Response, Status};

use crate::connection::Connection;
use crate::error::ConnectError;

/// Why an RPC brought no answer.
#[derive(Debug, Clone, Error)]
pub enum CallError {
    /// The peer, or what is in front of its handlers, said no.
    #[error("refused ({code:?}): {message}")]
    Refused { code: Code, message: String },

    #[error("unreachable: {reason}")]
    Unreachable {
        reason: String,
        may_have_been_processed: bool,
    },

    #[error("no answer within {} ms", timeout.as_millis())]
    TimedOut { timeout: Duration },
}

impl CallError {
    /// The peer says that this node was removed from the cluster.
    pub fn is_expelled(&self) -> bool {
        matches!(self, CallError::Refused { code, .. } if *code == Code::PermissionDenied)
    }

    /// Whether the peer may have done what it was asked for. What a refusal means is the called
    /// service's to say; by itself it means that nothing was done, unless it is the size of an answer
    /// that was refused.
    pub fn may_have_been_processed(&self) -> bool {
        match self {
            CallError::Refused { code, .. } => *code == Code::OutOfRange,
            CallError::Unreachable {
                may_have_been_processed,
                ..
            } => *may_have_been_processed,
            CallError::TimedOut { .. } => true,
        }
    }
}

/// Reads what tonic made of an answer or a failure of the connection.
impl From<Status> for CallError {
    fn from(status: Status) -> CallError {
        // What a server says has no source: tonic read it from the answer's headers.
        let Some(source) = status.source() else {
            return CallError::Refused {
                code: status.code(),
                message: status.message().to_owned(),
            };
        };
        let connect = std::iter::successors(Some(source), |&error| error.source())
            .find_map(|error| error.downcast_ref::<ConnectError>());
        CallError::Unreachable {
            reason: connect.map_or_else(|| status.message().to_owned(), ToString::to_string),
            may_have_been_processed: connect.is_none_or(ConnectError::may_have_been_processed),
        }
    }
}

/// Runs an RPC of a client over `connection` under a deadline. If the connection breaks or the
/// deadline passes, the connection is replaced: a dead one must not starve those who come next.
pub async fn call<T>(
    connection: &Connection,
    timeout: Duration,
    rpc: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, CallError> {
    let generation = connection.generation();
    let Ok(result) = tokio::time::timeout(timeout, rpc).await else {
        connection.failed(generation);
        return Err(CallError::TimedOut { timeout });
    };
    let error = match result {
        Ok(response) => return Ok(response.into_inner()),
        Err(status) => CallError::from(status),
    };
    if let CallError::Unreachable {
        may_have_been_processed: true,
        ..
    } = error
    {
        connection.failed(generation);
    }
    Err(error)
}
