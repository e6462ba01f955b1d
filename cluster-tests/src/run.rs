use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::connection::{Address, Connection};
use crate::consumer::consume;
use crate::ledger::Ledger;
use crate::measurement::{Measurement, Snapshot};
use crate::options::{Mode, Options};
use crate::producer::{Lane, produce};
use crate::report::Report;
use crate::request::create_queue;
use crate::scan::for_each_member;

const TICK: Duration = Duration::from_millis(10);

/// What the connections of one run share. All of them run on one thread.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) options: Options,
    pub(crate) address: Address,
    pub(crate) queue_url: String,
    pub(crate) ledger: RefCell<Ledger>,
    pub(crate) measurement: RefCell<Measurement>,
    /// Messages sent or being sent and not yet deleted.
    backlog: Cell<u64>,
    backlog_shrunk: Notify,
    stop_producers: Cell<bool>,
    stop_consumers: Cell<bool>,
}

impl Run {
    pub(crate) fn producers_stopped(&self) -> bool {
        self.stop_producers.get()
    }

    pub(crate) fn consumers_stopped(&self) -> bool {
        self.stop_consumers.get()
    }

    /// Waits for room in a pipeline's backlog; false when the producers shall stop.
    pub(crate) async fn reserve_backlog(&self, messages: u64) -> bool {
        let is_bounded = self.options.consumers() > 0;
        while is_bounded && self.backlog.get() + messages > self.options.backlog_max.max(messages) {
            if self.stop_producers.get() {
                return false;
            }
            self.backlog_shrunk.notified().await;
        }
        self.backlog.set(self.backlog.get() + messages);
        // One wakes at a time and passes it on, or all would wake for every delete.
        if self.backlog.get() < self.options.backlog_max {
            self.backlog_shrunk.notify_one();
        }
        !self.stop_producers.get()
    }

    pub(crate) fn release_backlog(&self, messages: u64) {
        self.backlog
            .set(self.backlog.get().saturating_sub(messages));
        self.backlog_shrunk.notify_waiters();
    }

    fn is_consumed(&self) -> bool {
        let ledger = self.ledger.borrow();
        ledger.received_count.min(ledger.deleted_count) >= ledger.acked_count
    }

    fn end_producers(&self) {
        self.stop_producers.set(true);
        self.backlog_shrunk.notify_waiters();
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.ledger.borrow(), self.options.server_pid)
    }
}

/// Makes the queue, runs the load, and reports.
pub(crate) async fn run(options: Options) -> anyhow::Result<Report> {
    ensure!(
        options.is_fifo() == options.queue.ends_with(".fifo"),
        "a FIFO queue's name ends with .fifo, and needs --groups or the mode fifo"
    );
    let address = Address::parse(&options.endpoint)?;
    let queue_url = make_queue(&address, &options).await?;
    let run_id = new_run_id();
    let own_run = (options.mode != Mode::Drain).then_some(run_id);
    let run = Rc::new(Run {
        ledger: RefCell::new(Ledger::new(own_run, options.groups())),
        measurement: RefCell::new(Measurement::start()),
        backlog: Cell::new(0),
        backlog_shrunk: Notify::new(),
        stop_producers: Cell::new(false),
        stop_consumers: Cell::new(false),
        options,
        address,
        queue_url,
    });

    let start = run.snapshot();
    let producers = spawn_producers(&run, run_id);
    let consumers: Vec<_> = (0..run.options.consumers())
        .map(|_| tokio::task::spawn_local(consume(run.clone())))
        .collect();
    let (start, mut end) = match (run.options.mode, run.options.messages) {
        (Mode::Drain, expected) => (start, wait_until_drained(&run, expected).await),
        (_, Some(_)) => {
            join(producers).await?;
            (start, wait_until_consumed(&run).await)
        }
        (_, None) => {
            let window = measure_window(&run).await;
            run.end_producers();
            join(producers).await?;
            wait_until_consumed(&run).await;
            window
        }
    };
    run.stop_consumers.set(true);
    if run.options.mode == Mode::Drain {
        end.at = run.measurement.borrow().last_delete;
    }
    join(consumers).await?;
    Ok(Report::new(&run, start, end))
}

fn spawn_producers(run: &Rc<Run>, run_id: u32) -> Vec<JoinHandle<()>> {
    let (producers, groups) = (run.options.producers(), run.options.groups());
    let lane = |index| Lane::new(run_id, index, producers, groups, run.options.messages);
    (0..producers)
        .map(|index| tokio::task::spawn_local(produce(run.clone(), lane(index))))
        .collect()
}

async fn measure_window(run: &Run) -> (Snapshot, Snapshot) {
    tokio::time::sleep(Duration::from_secs_f64(run.options.warmup_seconds)).await;
    *run.measurement.borrow_mut() = Measurement::start();
    let start = run.snapshot();
    tokio::time::sleep(Duration::from_secs_f64(run.options.seconds)).await;
    (start, run.snapshot())
}

/// In a pipeline, until everything acknowledged was received and deleted, or nothing comes any more.
async fn wait_until_consumed(run: &Run) -> Snapshot {
    let began = Instant::now();
    while run.options.consumers() > 0 && !run.is_consumed() && !is_idle(run, began) {
        tokio::time::sleep(TICK).await;
    }
    run.snapshot()
}

async fn wait_until_drained(run: &Run, expected: Option<u64>) -> Snapshot {
    let began = Instant::now();
    loop {
        let deleted = run.ledger.borrow().deleted_count;
        if expected.is_some_and(|expected| deleted >= expected) || is_idle(run, began) {
            return run.snapshot();
        }
        tokio::time::sleep(TICK).await;
    }
}

fn is_idle(run: &Run, began: Instant) -> bool {
    let last = run.measurement.borrow().last_receive.max(began);
    last.elapsed().as_secs_f64() > run.options.idle_seconds
}

async fn join(tasks: Vec<JoinHandle<()>>) -> anyhow::Result<()> {
    for task in tasks {
        task.await.context("a connection's task failed")?;
    }
    Ok(())
}

async fn make_queue(address: &Address, options: &Options) -> anyhow::Result<String> {
    let mut connection = Connection::new(address.clone());
    let request = create_queue(address, options);
    let answer = connection
        .call(&request)
        .await
        .context("cannot reach the endpoint")?;
    let text = String::from_utf8_lossy(answer.body);
    ensure!(
        answer.status == 200,
        "cannot make the queue: {} {text}",
        answer.status
    );
    let mut url = None;
    for_each_member(answer.body, |key, value| {
        if key == b"QueueUrl" {
            url = value.map(|url| String::from_utf8_lossy(url).into_owned());
        }
    });
    url.with_context(|| format!("no queue URL in {text}"))
}

fn new_run_id() -> u32 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    now.subsec_nanos() ^ now.as_secs() as u32 ^ std::process::id().rotate_left(16)
}
