use std::io;

/// Why nothing was measured. What fails while measuring is counted in the report instead.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("--rate must lie between 0.001 and 10000000")]
    Rate,
    #[error("cannot start the runtime: {0}")]
    Runtime(#[source] io::Error),
    #[error("cannot start the pacer's thread: {0}")]
    Pacer(#[source] io::Error),
    #[error("cannot connect to {url}: {reason}")]
    Connect { url: String, reason: String },
    #[error("{subject}: {reason}")]
    Api { subject: String, reason: String },
    #[error("a connection's task failed: {0}")]
    Task(String),
    #[error("cannot write the report: {0}")]
    Json(#[source] serde_json::Error),
}
