use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde::Serialize;

use crate::duration::parse_duration;
use crate::tag::TAG_BYTES;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Publish only.
    Send,
    /// Publish, fetch and acknowledge at the same time, with a bounded backlog.
    Pipeline,
}

/// What the stream does with an acknowledged message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Retention {
    /// Delete it, as a queue does.
    Workqueue,
    /// Keep it.
    Limits,
}

/// Measure a NATS JetStream cluster by the definitions of `squorum bench`; prints one JSON object.
///
/// Flags, defaults and members of the report are those of `squorum bench`. The exit code is 1 when a
/// message was lost, doubled or damaged, or when a call failed.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Arguments {
    #[arg(value_enum, default_value = "pipeline")]
    pub(crate) mode: Mode,

    /// Servers, separated by commas; connections are spread over them.
    #[arg(
        long = "endpoint",
        env = "NATS_URLS",
        value_name = "URL",
        value_delimiter = ',',
        required = true
    )]
    pub(crate) endpoints: Vec<String>,

    /// Connections in all; in a pipeline one half sends and one half receives.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4_096))]
    pub(crate) connections: u64,

    /// Messages in one batch: published and then awaited, fetched, acknowledged and then awaited.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub(crate) batch: u64,

    /// Bytes of a message's body.
    #[arg(long, default_value_t = 1_024,
          value_parser = clap::value_parser!(u64).range(TAG_BYTES as u64..=1_048_576))]
    pub(crate) size: u64,

    /// Messages to send in a second; without, as many as the server takes.
    #[arg(long)]
    pub(crate) rate: Option<f64>,

    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    pub(crate) duration: Duration,

    #[arg(long, default_value = "1s", value_parser = parse_duration)]
    pub(crate) warm_up: Duration,

    /// Messages sent and not yet acknowledged by a consumer, at most, in a pipeline.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) backlog_max: u64,

    /// How long a consumer may keep a message before it is delivered again.
    #[arg(long, default_value = "30s", value_parser = parse_duration)]
    pub(crate) visibility_timeout: Duration,

    /// Processes of the servers, separated by commas, whose CPU time is reported per message.
    #[arg(long, env = "NATS_SERVER_PIDS", value_delimiter = ',')]
    pub(crate) server_pids: Vec<u32>,

    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=5))]
    pub(crate) replicas: u64,

    #[arg(long, value_enum, default_value = "workqueue")]
    pub(crate) retention: Retention,

    /// Accepted so that both programs can be called alike: the report is always JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Arguments {
    pub(crate) fn producers(&self) -> u64 {
        match self.mode {
            Mode::Send => self.connections,
            Mode::Pipeline => self.connections.div_ceil(2),
        }
    }

    pub(crate) fn consumers(&self) -> u64 {
        match self.mode {
            Mode::Send => 0,
            Mode::Pipeline => (self.connections / 2).max(1),
        }
    }
}
