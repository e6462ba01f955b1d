use std::io;

/// Why nothing was measured. What fails while measuring is counted in the report instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Argument(String),
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot start the pacer's thread")]
    Pacer(#[source] io::Error),
    #[error("{action}: {reason}")]
    Queue {
        action: &'static str,
        reason: String,
    },
    #[error("a connection's task failed: {0}")]
    Task(String),
    #[error("cannot write the report")]
    Json(#[source] serde_json::Error),
}
