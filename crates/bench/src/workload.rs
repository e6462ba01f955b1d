use std::time::Duration;

use crate::arguments::Mode;
use crate::endpoint::Endpoint;
use crate::signature::Credentials;

/// One run, with everything that is derived or defaulted filled in.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) mode: Mode,
    pub(crate) endpoints: Vec<Endpoint>,
    /// `None` to send unsigned requests.
    pub(crate) credentials: Option<Credentials>,
    /// `None` for a queue that is made for the run.
    pub(crate) queue: Option<String>,
    pub(crate) producers: u64,
    pub(crate) consumers: u64,
    pub(crate) batch: u64,
    pub(crate) size: usize,
    /// Messages per second.
    pub(crate) rate: Option<f64>,
    pub(crate) duration: Duration,
    pub(crate) warm_up: Duration,
    pub(crate) messages: Option<u64>,
    /// 0 for a standard queue.
    pub(crate) groups: u64,
    pub(crate) high_throughput: bool,
    pub(crate) backlog_max: u64,
    pub(crate) visibility_timeout: Duration,
    pub(crate) idle: Option<Duration>,
    pub(crate) linger: Duration,
    pub(crate) server_pids: Vec<u32>,
    pub(crate) tolerates_errors: bool,
    pub(crate) shows_progress: bool,
    /// What is done is told in intervals of this length.
    pub(crate) timeline: Option<Duration>,
}

const BACKLOG_OF_DRAIN: u64 = 100_000;
/// For calls that a server holds through an election.
const IDLE_MARGIN: Duration = Duration::from_secs(5);
const IDLE_OF_UNKNOWN_BACKLOG: Duration = Duration::from_secs(3);

impl Workload {
    pub(crate) fn is_fifo(&self) -> bool {
        self.groups > 0
    }

    /// A named queue is drained of what others sent; else the run sends its own backlog first.
    pub(crate) fn drains_what_others_sent(&self) -> bool {
        self.mode == Mode::Drain && self.queue.is_some()
    }

    /// Messages to send; `None` for as many as time allows.
    pub(crate) fn messages_to_send(&self) -> Option<u64> {
        match self.mode {
            Mode::Drain if self.drains_what_others_sent() => Some(0),
            Mode::Drain => Some(self.messages.unwrap_or(BACKLOG_OF_DRAIN)),
            _ => self.messages,
        }
    }

    /// Producers and consumers work at the same time, so the backlog can be bounded.
    pub(crate) fn is_pipeline(&self) -> bool {
        matches!(self.mode, Mode::Pipeline | Mode::Fifo)
    }

    /// How long nothing has to come before what is missing counts as lost. A message whose receive
    /// failed comes back after its visibility timeout.
    pub(crate) fn idle(&self) -> Duration {
        let is_unknown = self.drains_what_others_sent() && self.messages.is_none();
        self.idle.unwrap_or(if is_unknown {
            IDLE_OF_UNKNOWN_BACKLOG
        } else {
            self.visibility_timeout + IDLE_MARGIN
        })
    }
}
