//! One run: stream, producers, consumers, the measured window, and the wait for what is outstanding.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::Client;
use tokio::task::{JoinHandle, spawn_local};

use crate::arguments::{Arguments, Mode};
use crate::backlog::Backlog;
use crate::connection::connect;
use crate::consumer::Consumer;
use crate::error::Error;
use crate::lane::Lane;
use crate::ledger::{Ledger, LedgerOptions};
use crate::measurement::{Errors, Measurement, Snapshot};
use crate::pacer::Pacer;
use crate::producer::produce;
use crate::report::Report;
use crate::stream::Stream;

const TICK: Duration = Duration::from_millis(10);
/// How long consumers go on to receive what should not be there any more.
const LAST_RECEIVES_MAX: Duration = Duration::from_secs(2);
/// After the visibility timeout: what did not come by then is lost.
const IDLE_MARGIN: Duration = Duration::from_secs(5);

/// What the connections of one run share. All of them run on one thread.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) arguments: Arguments,
    pub(crate) stream: Stream,
    pub(crate) started: Instant,
    pub(crate) ledger: RefCell<Ledger>,
    pub(crate) measurement: RefCell<Measurement>,
    pub(crate) errors: RefCell<Errors>,
    pub(crate) backlog: Backlog,
    pub(crate) pacer: Option<Pacer>,
    /// The last batch that was acknowledged as a whole.
    pub(crate) last_accepted: Cell<Instant>,
    pub(crate) last_receive: Cell<Instant>,
    stop_producers: Cell<bool>,
    /// When consumers began to end.
    consumers_end_at: Cell<Option<Instant>>,
}

/// The measured part of a run.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) start: Snapshot,
    pub(crate) end: Snapshot,
    pub(crate) measurement: Measurement,
}

impl Shared {
    fn new(arguments: Arguments, stream: Stream, run_id: u32) -> Result<Shared, Error> {
        let now = Instant::now();
        let pacer = match arguments.rate {
            None => None,
            Some(rate) if (0.001..=1e7).contains(&rate) => {
                Some(Pacer::start(rate / arguments.batch as f64).map_err(Error::Pacer)?)
            }
            Some(_) => return Err(Error::Rate),
        };
        Ok(Shared {
            ledger: RefCell::new(Ledger::new(LedgerOptions {
                own_run: Some(run_id),
                sends_only: arguments.mode == Mode::Send,
                is_fifo: false,
                size: arguments.size as usize,
                visibility_timeout: arguments.visibility_timeout,
            })),
            backlog: Backlog::new(
                (arguments.mode == Mode::Pipeline).then_some(arguments.backlog_max),
            ),
            arguments,
            stream,
            started: now,
            measurement: RefCell::new(Measurement::new()),
            errors: RefCell::new(Errors::default()),
            pacer,
            last_accepted: Cell::new(now),
            last_receive: Cell::new(now),
            stop_producers: Cell::new(false),
            consumers_end_at: Cell::new(None),
        })
    }

    pub(crate) fn producers_stopped(&self) -> bool {
        self.stop_producers.get()
    }

    pub(crate) fn consumers_stopped(&self) -> bool {
        self.consumers_end_at.get().is_some()
    }

    pub(crate) fn consumers_overdue(&self) -> bool {
        let end_at = self.consumers_end_at.get();
        end_at.is_some_and(|end_at| end_at.elapsed() > LAST_RECEIVES_MAX)
    }

    pub(crate) fn end_producers(&self) {
        self.stop_producers.set(true);
        self.backlog.close();
        if let Some(pacer) = &self.pacer {
            pacer.close();
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.ledger.borrow(), &self.arguments.server_pids)
    }

    fn is_idle(&self, since: Instant) -> bool {
        let idle = self.arguments.visibility_timeout + IDLE_MARGIN;
        self.last_receive.get().max(since).elapsed() > idle
    }
}

/// Makes the stream, runs the load, reports, and deletes the stream.
pub(crate) async fn run(arguments: Arguments) -> Result<Report, Error> {
    let run_id = new_run_id();
    let endpoints = arguments.endpoints.clone();
    let mut controls = Vec::with_capacity(endpoints.len());
    for index in 0..endpoints.len() as u64 {
        controls.push(connect(&endpoints, index).await?);
    }
    let stream = Stream::make(&controls, &arguments, run_id).await?;
    let shared = Rc::new(Shared::new(arguments, stream, run_id)?);
    let mut producers = Vec::new();
    for index in 0..shared.arguments.producers() {
        producers.push(connect(&endpoints, index).await?);
    }
    let mut consumers = Vec::new();
    for index in 0..shared.arguments.consumers() {
        let client = connect(&endpoints, index).await?;
        consumers.push(Consumer::new(shared.clone(), client).await?);
    }
    let window = load(&shared, run_id, producers, consumers).await?;
    let left = shared.stream.messages(&controls[0]).await?;
    shared.stream.delete(&controls[0]).await?;
    Ok(Report::new(&shared, &window, left))
}

async fn load(
    shared: &Rc<Shared>,
    run_id: u32,
    producers: Vec<Client>,
    consumers: Vec<Consumer>,
) -> Result<Window, Error> {
    let lanes = producers.len() as u64;
    let lane = |index| Lane::new(run_id, index, lanes, 0, None);
    let producers = (0..)
        .zip(producers)
        .map(|(index, client)| spawn_local(produce(shared.clone(), client, lane(index))))
        .collect();
    let consumers = consumers
        .into_iter()
        .map(|consumer| spawn_local(consumer.consume()))
        .collect();
    let window = measure(shared).await;
    shared.end_producers();
    join(producers).await?;
    wait_until_consumed(shared).await;
    shared.consumers_end_at.set(Some(Instant::now()));
    join(consumers).await?;
    Ok(window)
}

async fn measure(shared: &Shared) -> Window {
    tokio::time::sleep(shared.arguments.warm_up).await;
    shared.measurement.replace(Measurement::new());
    let start = shared.snapshot();
    tokio::time::sleep(shared.arguments.duration).await;
    Window {
        start,
        end: shared.snapshot(),
        measurement: shared.measurement.replace(Measurement::new()),
    }
}

/// Until everything acknowledged was received and deleted, or nothing comes any more.
async fn wait_until_consumed(shared: &Shared) {
    let began = Instant::now();
    while shared.arguments.mode == Mode::Pipeline
        && shared.ledger.borrow().outstanding_count > 0
        && !shared.is_idle(began)
    {
        tokio::time::sleep(TICK).await;
    }
}

async fn join(tasks: Vec<JoinHandle<()>>) -> Result<(), Error> {
    for task in tasks {
        task.await.map_err(|error| Error::Task(error.to_string()))?;
    }
    Ok(())
}

fn new_run_id() -> u32 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    now.subsec_nanos() ^ now.as_secs() as u32 ^ std::process::id().rotate_left(16)
}
