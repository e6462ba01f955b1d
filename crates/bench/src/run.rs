//! One run: queue, producers, consumers, the measured window, and the wait for what is outstanding.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::task::{JoinHandle, spawn_local};

use crate::arguments::Mode;
use crate::backlog::Backlog;
use crate::connection::Client;
use crate::consumer::consume;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::lane::Lane;
use crate::ledger::{Ledger, LedgerOptions};
use crate::measurement::{Errors, Measurement, Snapshot};
use crate::pacer::Pacer;
use crate::producer::produce;
use crate::progress::Progress;
use crate::queue::Queue;
use crate::report::Report;
use crate::signature::Signer;
use crate::timeline::Timeline;
use crate::workload::Workload;

const TICK: Duration = Duration::from_millis(10);
/// How long consumers go on to receive what should not be there any more.
const LAST_RECEIVES_MAX: Duration = Duration::from_secs(2);

/// What the connections of one run share. All of them run on one thread.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) workload: Workload,
    pub(crate) client: Rc<Client>,
    pub(crate) queue: Queue,
    pub(crate) started: Instant,
    pub(crate) ledger: RefCell<Ledger>,
    pub(crate) measurement: RefCell<Measurement>,
    pub(crate) errors: RefCell<Errors>,
    pub(crate) backlog: Backlog,
    /// `None` to send as fast as the server takes it.
    pub(crate) pacer: Option<Pacer>,
    pub(crate) interrupt: Interrupt,
    /// The last send that was answered with 200.
    pub(crate) last_accepted: Cell<Instant>,
    pub(crate) last_receive: Cell<Instant>,
    pub(crate) last_delete: Cell<Instant>,
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
    pub(crate) timeline: Option<Timeline>,
}

impl Shared {
    pub(crate) fn producers_stopped(&self) -> bool {
        self.stop_producers.get()
    }

    /// Whether a consumer shall end whose queue looks empty.
    pub(crate) fn consumers_stopped(&self) -> bool {
        self.consumers_end_at.get().is_some()
    }

    /// Whether a consumer shall end in any case: a queue may have more than the run's messages.
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
        Snapshot::take(&self.ledger.borrow(), &self.workload.server_pids)
    }

    /// Ends the window now: what is measured later is not part of it.
    fn window_since(&self, start: Snapshot) -> Window {
        Window {
            start,
            end: self.snapshot(),
            measurement: self.measurement.replace(Measurement::new()),
            timeline: None,
        }
    }

    fn is_idle(&self, since: Instant) -> bool {
        self.last_receive.get().max(since).elapsed() > self.workload.idle()
    }
}

/// Makes the queue, runs the load, reports, and deletes the queue if it was made.
pub(crate) async fn run(workload: Workload) -> Result<Report, Error> {
    let run_id = new_run_id();
    let client = Rc::new(Client {
        endpoints: workload.endpoints.clone(),
        signer: workload.credentials.clone().map(Signer::new),
    });
    let queue = Queue::open(&client, &workload, run_id).await?;
    let shared = Rc::new(share(workload, client, queue, run_id)?);
    let listener = spawn_local({
        let shared = shared.clone();
        async move { shared.interrupt.listen().await }
    });
    let progress = Progress::start(&shared);
    let window = load(&shared, run_id).await;
    progress.finish();
    listener.abort();
    let closed = shared.queue.close(&shared.client).await;
    let window = window?;
    closed?;
    Ok(Report::new(&shared, &window))
}

fn share(
    workload: Workload,
    client: Rc<Client>,
    queue: Queue,
    run_id: u32,
) -> Result<Shared, Error> {
    let ledger = Ledger::new(LedgerOptions {
        own_run: (!workload.drains_what_others_sent()).then_some(run_id),
        sends_only: workload.consumers == 0,
        is_fifo: workload.is_fifo(),
        size: workload.size,
        visibility_timeout: workload.visibility_timeout,
    });
    let pacer = match workload.rate.filter(|_| workload.mode != Mode::Drain) {
        None => None,
        Some(rate) => Some(Pacer::start(rate / workload.batch as f64).map_err(Error::Pacer)?),
    };
    let now = Instant::now();
    Ok(Shared {
        client,
        queue,
        started: now,
        ledger: RefCell::new(ledger),
        measurement: RefCell::new(Measurement::new()),
        errors: RefCell::new(Errors::default()),
        backlog: Backlog::new(workload.is_pipeline().then_some(workload.backlog_max)),
        pacer,
        interrupt: Interrupt::default(),
        last_accepted: Cell::new(now),
        last_receive: Cell::new(now),
        last_delete: Cell::new(now),
        stop_producers: Cell::new(false),
        consumers_end_at: Cell::new(None),
        workload,
    })
}

async fn load(shared: &Rc<Shared>, run_id: u32) -> Result<Window, Error> {
    let start = shared.snapshot();
    let producers = spawn_producers(shared, run_id);
    match shared.workload.mode {
        Mode::Drain => {
            join_unless_interrupted(shared, producers).await?;
            drain(shared).await
        }
        _ if shared.workload.messages.is_some() => {
            let consumers = spawn_consumers(shared);
            join_unless_interrupted(shared, producers).await?;
            wait_until_consumed(shared).await;
            let window = shared.window_since(start);
            end_consumers(shared, consumers).await?;
            Ok(window)
        }
        _ => {
            let consumers = spawn_consumers(shared);
            let window = measure(shared).await;
            shared.end_producers();
            join(producers).await?;
            wait_until_consumed(shared).await;
            end_consumers(shared, consumers).await?;
            Ok(window)
        }
    }
}

fn spawn_producers(shared: &Rc<Shared>, run_id: u32) -> Vec<JoinHandle<()>> {
    let workload = &shared.workload;
    let (producers, groups) = (workload.producers, workload.groups);
    let lane = |index| {
        Lane::new(
            run_id,
            index,
            producers,
            groups,
            workload.messages_to_send(),
        )
    };
    (0..producers)
        .map(|index| spawn_local(produce(shared.clone(), index, lane(index))))
        .collect()
}

fn spawn_consumers(shared: &Rc<Shared>) -> Vec<JoinHandle<()>> {
    (0..shared.workload.consumers)
        .map(|index| spawn_local(consume(shared.clone(), index)))
        .collect()
}

async fn measure(shared: &Shared) -> Window {
    let workload = &shared.workload;
    shared
        .interrupt
        .or(tokio::time::sleep(workload.warm_up))
        .await;
    shared.measurement.replace(Measurement::new());
    let start = shared.snapshot();
    let mut timeline = workload.timeline.map(Timeline::new);
    let recording = async {
        match &mut timeline {
            Some(timeline) => timeline.record(shared).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = shared.interrupt.or(tokio::time::sleep(workload.duration)) => {}
        () = recording => {}
    }
    Window {
        timeline,
        ..shared.window_since(start)
    }
}

/// Measures from the first receive to the last delete.
async fn drain(shared: &Rc<Shared>) -> Result<Window, Error> {
    shared.measurement.replace(Measurement::new());
    let start = shared.snapshot();
    let consumers = spawn_consumers(shared);
    match shared
        .workload
        .messages
        .filter(|_| shared.workload.drains_what_others_sent())
    {
        Some(expected) => {
            wait_until(shared, || shared.ledger.borrow().deleted_count >= expected).await;
        }
        None if shared.workload.drains_what_others_sent() => {
            wait_until(shared, || false).await;
        }
        None => wait_until_consumed(shared).await,
    }
    let mut window = shared.window_since(start);
    window.end.at = shared.last_delete.get().max(window.start.at);
    end_consumers(shared, consumers).await?;
    Ok(window)
}

/// Until everything acknowledged was received and deleted, or nothing comes any more.
async fn wait_until_consumed(shared: &Shared) {
    if shared.workload.consumers > 0 {
        wait_until(shared, || shared.ledger.borrow().outstanding_count == 0).await;
    }
}

async fn wait_until(shared: &Shared, is_reached: impl Fn() -> bool) {
    let began = Instant::now();
    // A drain has no window to end: there the first interrupt is the end.
    let interrupts_max = if shared.workload.mode == Mode::Drain {
        1
    } else {
        2
    };
    while !is_reached() && !shared.is_idle(began) && shared.interrupt.count() < interrupts_max {
        tokio::time::sleep(TICK).await;
    }
}

async fn join_unless_interrupted(
    shared: &Shared,
    mut tasks: Vec<JoinHandle<()>>,
) -> Result<(), Error> {
    let joined = shared.interrupt.or(join_each(&mut tasks)).await;
    shared.end_producers();
    match joined {
        Some(joined) => joined,
        None => join(tasks).await,
    }
}

async fn join(mut tasks: Vec<JoinHandle<()>>) -> Result<(), Error> {
    join_each(&mut tasks).await
}

async fn join_each(tasks: &mut Vec<JoinHandle<()>>) -> Result<(), Error> {
    while let Some(task) = tasks.last_mut() {
        let joined = task.await;
        tasks.pop();
        joined.map_err(|error| Error::Task(error.to_string()))?;
    }
    Ok(())
}

async fn end_consumers(shared: &Shared, consumers: Vec<JoinHandle<()>>) -> Result<(), Error> {
    shared
        .interrupt
        .or(tokio::time::sleep(shared.workload.linger))
        .await;
    shared.consumers_end_at.set(Some(Instant::now()));
    join(consumers).await
}

fn new_run_id() -> u32 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    now.subsec_nanos() ^ now.as_secs() as u32 ^ std::process::id().rotate_left(16)
}
