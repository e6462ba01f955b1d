use clap::{Parser, ValueEnum};

use crate::tag::TAG_BYTES;

/// What to do with the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Send only.
    Send,
    /// Send, receive and delete at once, the backlog bounded; half of the connections send.
    Pipeline,
    /// Receive and delete until the queue is empty.
    Drain,
    /// A pipeline over a FIFO queue, 1,000 groups if not told otherwise.
    Fifo,
}

/// Load test for an SQS endpoint.
#[derive(Clone, Debug, Parser)]
#[command(name = "squorum-load", version)]
pub(crate) struct Options {
    #[arg(value_enum)]
    pub(crate) mode: Mode,

    #[arg(
        long,
        env = "AWS_ENDPOINT_URL",
        default_value = "http://127.0.0.1:9324"
    )]
    pub(crate) endpoint: String,

    /// Name of the queue, made if it is not there. FIFO names end with `.fifo`.
    #[arg(long, default_value = "load")]
    pub(crate) queue: String,

    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(crate) connections: u64,

    /// Messages in one send, receive and delete.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10))]
    pub(crate) batch: u64,

    /// Bytes of a message's body.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u64).range(TAG_BYTES as u64..=1_048_576))]
    pub(crate) size: u64,

    /// How long to measure; ignored when a number of messages is given.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,

    /// How long to run before measuring starts; ignored when a number of messages is given.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) warmup_seconds: f64,

    /// How many messages to send, or to expect when draining.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=crate::ledger::MESSAGES_MAX))]
    pub(crate) messages: Option<u64>,

    /// Message groups; more than none makes the queue a FIFO queue.
    #[arg(long, default_value_t = 0)]
    pub(crate) groups: u64,

    /// Makes a FIFO queue with deduplication and throughput per message group.
    #[arg(long)]
    pub(crate) high_throughput: bool,

    /// Messages sent and not yet deleted, at most, in a pipeline.
    #[arg(long, default_value_t = 5_000)]
    pub(crate) backlog_max: u64,

    /// Visibility timeout of each receive, in seconds.
    #[arg(long, default_value_t = 30)]
    pub(crate) visibility_timeout: u64,

    /// A queue counts as empty when nothing came for so long, in seconds.
    #[arg(long, default_value_t = 3.0)]
    pub(crate) idle_seconds: f64,

    /// Process whose CPU time is reported per message.
    #[arg(long)]
    pub(crate) server_pid: Option<u32>,

    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Options {
    /// Number of message groups, 0 for a standard queue.
    pub(crate) fn groups(&self) -> u64 {
        match (self.mode, self.groups) {
            (Mode::Fifo, 0) => 1_000,
            (_, groups) => groups,
        }
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.groups() > 0
    }

    /// Connections that send. A group has one sender, so that its order is known.
    pub(crate) fn producers(&self) -> u64 {
        let connections = match self.mode {
            Mode::Send => self.connections,
            Mode::Drain => 0,
            Mode::Pipeline | Mode::Fifo => self.connections.div_ceil(2),
        };
        if self.is_fifo() {
            connections.min(self.groups())
        } else {
            connections
        }
    }

    /// Connections that receive and delete.
    pub(crate) fn consumers(&self) -> u64 {
        match self.mode {
            Mode::Send => 0,
            Mode::Drain => self.connections,
            Mode::Pipeline | Mode::Fifo => (self.connections / 2).max(1),
        }
    }
}
