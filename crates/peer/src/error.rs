use std::io;
use std::sync::Arc;

use squorum_types::NodeId;
use thiserror::Error;

/// Why there is no connection to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PeerError {
    #[error("the address of node {} is not known", .0.0)]
    UnknownNode(NodeId),
}

/// Why a request got no answer.
#[derive(Debug, Clone, Error)]
pub enum ConnectError {
    /// Not dialled, because the last attempt failed a moment ago.
    #[error("the peer did not answer a moment ago")]
    Paused,

    #[error("cannot connect: {0}")]
    Dial(Arc<io::Error>),

    /// The peer closed the connection before the request was on it.
    #[error("the connection closed before the request was sent")]
    NotSent,

    #[error("too many requests are under way on this connection")]
    Busy,

    /// The request was sent, or a part of it.
    #[error("the connection broke: {0}")]
    Broken(Arc<hyper::Error>),
}

impl ConnectError {
    /// Whether the peer may have done what it was asked for.
    pub fn may_have_been_processed(&self) -> bool {
        matches!(self, ConnectError::Broken(_))
    }
}
