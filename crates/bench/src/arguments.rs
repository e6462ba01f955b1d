use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::duration::parse_duration;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::signature::Credentials;
use crate::tag::{GROUPS_MAX, TAG_BYTES};
use crate::workload::Workload;

const CONNECTIONS_MAX: u64 = 4_096;
/// Shorter ones would measure the sampling.
const TIMELINE_INTERVAL_MIN: Duration = Duration::from_millis(10);
const MESSAGES_MAX: u64 = 10_000_000_000;

/// What to do with the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Send only.
    Send,
    /// Send, receive and delete at the same time, with a bounded backlog.
    Pipeline,
    /// Receive and delete a backlog: that of the named queue, or one sent for the purpose.
    Drain,
    /// A pipeline over a FIFO queue of many groups, whose order is checked.
    Fifo,
}

/// Measure an SQS endpoint: throughput, latency, CPU, and an account of every message.
///
/// Several modes and batch sizes are run one after the other. The exit code is 1 when a message was
/// lost, doubled, disordered or damaged, or when a call failed.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    #[arg(value_enum, default_value = "pipeline")]
    pub modes: Vec<Mode>,

    /// Endpoints, separated by commas; connections are spread over them, and change to the next one
    /// when theirs fails.
    #[arg(
        long = "endpoint",
        env = "AWS_ENDPOINT_URL_SQS",
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://localhost:9324"
    )]
    pub endpoints: Vec<String>,

    /// Queue to use, made if it is not there; without, one is made for each run and deleted after it.
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,

    /// Connections in all; in a pipeline one half sends and one half receives.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub connections: u64,

    /// Connections that send, instead of their part of --connections.
    #[arg(long, value_name = "CONNECTIONS", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub producers: Option<u64>,

    /// Connections that receive and delete, instead of their part of --connections.
    #[arg(long, value_name = "CONNECTIONS", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub consumers: Option<u64>,

    /// Messages in one send, receive and delete; several sizes, separated by commas, are several runs.
    #[arg(long = "batch", value_name = "MESSAGES", value_delimiter = ',', default_value = "1",
          value_parser = clap::value_parser!(u64).range(1..=10))]
    pub batches: Vec<u64>,

    /// Bytes of a message's body.
    #[arg(long, value_name = "BYTES", default_value_t = 1_024,
          value_parser = clap::value_parser!(u64).range(TAG_BYTES as u64..=1_048_576))]
    pub size: u64,

    /// Messages to send in a second, whether the server keeps up or not; without, as many as it takes.
    /// Latencies then count from the moment a send was due.
    #[arg(long, value_name = "MESSAGES")]
    pub rate: Option<f64>,

    /// How long to measure.
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    pub duration: Duration,

    /// How long to run before measuring starts.
    #[arg(long, default_value = "1s", value_parser = parse_duration)]
    pub warm_up: Duration,

    /// Send so many messages and measure until all are done, instead of --duration; of a drain, the
    /// size of the backlog.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=MESSAGES_MAX))]
    pub messages: Option<u64>,

    /// Message groups, 1,000 in the mode fifo; any number makes the queue a FIFO queue.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=GROUPS_MAX))]
    pub groups: Option<u64>,

    /// Make a FIFO queue with deduplication and throughput per message group.
    #[arg(long)]
    pub high_throughput: bool,

    /// Messages sent and not yet deleted, at most, in a pipeline.
    #[arg(long, value_name = "MESSAGES", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub backlog_max: u64,

    /// Visibility timeout of each receive.
    #[arg(long, default_value = "30s", value_parser = parse_duration)]
    pub visibility_timeout: Duration,

    /// Give up on messages that are missing when nothing came for so long [default: the visibility
    /// timeout and 5s; 3s when nobody said how many to expect].
    #[arg(long, value_parser = parse_duration)]
    pub idle: Option<Duration>,

    /// Keep receiving for so long after the last message, to see doubles that come late.
    #[arg(long, default_value = "0s", value_parser = parse_duration)]
    pub linger: Duration,

    /// Processes of the server, separated by commas, whose CPU time is reported per message.
    #[arg(
        long,
        env = "SQUORUM_SERVER_PIDS",
        value_name = "PID",
        value_delimiter = ','
    )]
    pub server_pids: Vec<u32>,

    #[arg(
        long,
        env = "AWS_ACCESS_KEY_ID",
        hide_env_values = true,
        default_value = "bench"
    )]
    pub access_key_id: String,

    #[arg(
        long,
        env = "AWS_SECRET_ACCESS_KEY",
        hide_env_values = true,
        default_value = "bench",
        hide_default_value = true
    )]
    pub secret_access_key: String,

    #[arg(long, env = "AWS_SESSION_TOKEN", hide_env_values = true)]
    pub session_token: Option<String>,

    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    pub region: String,

    /// Do not sign requests, to see what signatures cost.
    #[arg(long)]
    pub unsigned: bool,

    /// Exit with 0 although calls failed, if every message is accounted for.
    #[arg(long)]
    pub tolerate_errors: bool,

    /// Also report what was done in each interval of this length, with --json.
    #[arg(long, value_name = "INTERVAL", value_parser = parse_duration, conflicts_with = "messages", requires = "json")]
    pub timeline: Option<Duration>,

    /// Print one JSON object for each run, and no progress.
    #[arg(long)]
    pub json: bool,
}

impl Arguments {
    /// One for each mode and batch size.
    pub(crate) fn workloads(&self) -> Result<Vec<Workload>, Error> {
        let mut workloads = Vec::new();
        for mode in &self.modes {
            for batch in &self.batches {
                workloads.push(self.workload(*mode, *batch)?);
            }
        }
        Ok(workloads)
    }

    fn workload(&self, mode: Mode, batch: u64) -> Result<Workload, Error> {
        let named_fifo = self.queue.as_ref().map(|name| name.ends_with(".fifo"));
        let groups = match (mode, self.groups) {
            (_, Some(groups)) => groups,
            (Mode::Fifo, None) => 1_000,
            // What is drained says its groups itself.
            (Mode::Drain, None) if named_fifo == Some(true) => 1_000,
            _ => 0,
        };
        if named_fifo.is_some_and(|is_fifo| is_fifo != (groups > 0)) {
            let reason = "a FIFO queue's name ends with .fifo, and needs --groups or the mode fifo";
            return Err(Error::Argument(reason.to_owned()));
        }
        if self.high_throughput && groups == 0 {
            let reason = "--high-throughput is for FIFO queues";
            return Err(Error::Argument(reason.to_owned()));
        }
        if self.rate.is_some_and(|rate| !(0.001..=1e7).contains(&rate)) {
            let reason = "--rate must lie between 0.001 and 10000000";
            return Err(Error::Argument(reason.to_owned()));
        }
        if self.timeline.is_some() && mode == Mode::Drain {
            let reason = "--timeline is for runs of a --duration";
            return Err(Error::Argument(reason.to_owned()));
        }
        if self
            .timeline
            .is_some_and(|interval| interval < TIMELINE_INTERVAL_MIN)
        {
            let reason = "--timeline must be 10ms at least";
            return Err(Error::Argument(reason.to_owned()));
        }
        let seconds = self.visibility_timeout.as_secs();
        let is_whole = self.visibility_timeout.subsec_nanos() == 0;
        if !is_whole || !(1..=43_200).contains(&seconds) {
            let reason = "--visibility-timeout must be whole seconds from 1s to 12h";
            return Err(Error::Argument(reason.to_owned()));
        }
        Ok(Workload {
            mode,
            endpoints: self.parsed_endpoints()?,
            credentials: self.credentials()?,
            queue: self.queue.clone(),
            producers: self.producers_of(mode, groups),
            consumers: self.consumers_of(mode),
            batch,
            size: self.size as usize,
            rate: self.rate,
            duration: self.duration,
            warm_up: self.warm_up,
            messages: self.messages,
            groups,
            high_throughput: self.high_throughput,
            backlog_max: self.backlog_max,
            visibility_timeout: self.visibility_timeout,
            idle: self.idle,
            linger: self.linger,
            server_pids: self.server_pids.clone(),
            tolerates_errors: self.tolerate_errors,
            shows_progress: !self.json,
            timeline: self.timeline,
        })
    }

    /// A group has one sender, so that its order is known.
    fn producers_of(&self, mode: Mode, groups: u64) -> u64 {
        let producers = match mode {
            Mode::Send | Mode::Drain => self.producers.unwrap_or(self.connections),
            Mode::Pipeline | Mode::Fifo => self.producers.unwrap_or(self.connections.div_ceil(2)),
        };
        if groups > 0 {
            producers.min(groups)
        } else {
            producers
        }
    }

    fn consumers_of(&self, mode: Mode) -> u64 {
        match mode {
            Mode::Send => 0,
            Mode::Drain => self.consumers.unwrap_or(self.connections),
            Mode::Pipeline | Mode::Fifo => self.consumers.unwrap_or((self.connections / 2).max(1)),
        }
    }

    fn parsed_endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        let parsed: Result<Vec<_>, _> = self
            .endpoints
            .iter()
            .map(|url| Endpoint::parse(url.trim()))
            .collect();
        parsed.map_err(Error::Argument)
    }

    fn credentials(&self) -> Result<Option<Credentials>, Error> {
        let is_printable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_printable(&self.access_key_id) || !is_printable(&self.region) {
            let reason = "the access key id and the region must be printable ASCII";
            return Err(Error::Argument(reason.to_owned()));
        }
        let token = match &self.session_token {
            None => None,
            Some(token) if is_printable(token) => Some(token.clone()),
            Some(_) => {
                let reason = "the session token must be printable ASCII";
                return Err(Error::Argument(reason.to_owned()));
            }
        };
        Ok((!self.unsigned).then(|| Credentials {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.clone(),
            session_token: token,
            region: self.region.clone(),
        }))
    }
}

#[cfg(test)]
#[path = "arguments_test.rs"]
mod tests;
