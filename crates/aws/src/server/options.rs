use std::time::Duration;

use squorum_types::limits::MESSAGE_BYTES_MAX;

/// Limits of a [`Server`](super::Server). The defaults serve the SDKs as they are.
#[derive(Clone, Debug)]
pub struct Options {
    /// Scheme and host of the queue URLs in answers, for a server behind a proxy that clients know
    /// by another name. `None` takes each request's own `Host`.
    pub public_url: Option<String>,
    /// Open connections; more wait in the kernel's queue.
    pub connections_max: usize,
    /// Bytes of all request bodies in memory. A body waits for its share before it is read.
    pub request_bytes_max: usize,
    /// Bytes of all large answers that clients have not taken yet.
    pub answer_bytes_max: usize,
    /// How long a connection may be silent between requests.
    pub idle_timeout: Duration,
    /// From the first byte of a request's head to its last.
    pub head_timeout: Duration,
    /// For a body this long, and not less than `head_timeout`, plus its size over
    /// `body_bytes_per_second_min`.
    pub body_timeout: Duration,
    pub body_bytes_per_second_min: u64,
    /// How long a client may take no byte of an answer.
    pub write_timeout: Duration,
    /// How long requests under way may go on after a shutdown began.
    pub shutdown_grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            public_url: None,
            connections_max: 10_000,
            request_bytes_max: 256 * 1024 * 1024,
            answer_bytes_max: 256 * 1024 * 1024,
            idle_timeout: Duration::from_secs(75),
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            body_bytes_per_second_min: 64 * 1024,
            write_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// Longest request body. A message's mebibyte may be six in JSON, where an escape makes six
/// characters of one; the rest is for what stands around it. Longer ones are too long for sure.
pub(crate) const BODY_BYTES_MAX: usize = 6 * MESSAGE_BYTES_MAX + 1024 * 1024;

/// How much of a body beyond that is read and thrown away, so that its sender gets to see the answer
/// instead of a reset connection.
pub(crate) const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Answers up to this size need no share of `answer_bytes_max`: connections are bounded too.
pub(crate) const SMALL_ANSWER_BYTES: usize = 64 * 1024;
