use std::io::IsTerminal as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::{JoinHandle, spawn_local};

use crate::arguments::Mode;
use crate::run::Shared;

const PERIOD: Duration = Duration::from_millis(250);
const TEMPLATE: &str = "{prefix} {bar:30} {msg}";

/// A bar on standard error with the live rate, where that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    task: Option<JoinHandle<()>>,
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn start(shared: &Rc<Shared>) -> Progress {
        if !shared.workload.shows_progress || !std::io::stderr().is_terminal() {
            return Progress {
                task: None,
                bar: ProgressBar::hidden(),
            };
        }
        let bar = ProgressBar::new(length(shared));
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        let mode = format!("{:?}", shared.workload.mode).to_lowercase();
        bar.set_prefix(format!("{mode}, batch {}", shared.workload.batch));
        let task = spawn_local(show(shared.clone(), bar.clone()));
        Progress {
            task: Some(task),
            bar,
        }
    }

    pub(crate) fn finish(self) {
        if let Some(task) = self.task {
            task.abort();
        }
        self.bar.finish_and_clear();
    }
}

async fn show(shared: Rc<Shared>, bar: ProgressBar) {
    let (mut last_at, mut last_done) = (Instant::now(), 0);
    loop {
        tokio::time::sleep(PERIOD).await;
        let now = Instant::now();
        let ledger = shared.ledger.borrow();
        let done = if shared.workload.consumers == 0 || ledger.deleted_count == 0 {
            ledger.acknowledged_count
        } else {
            ledger.deleted_count
        };
        let rate = done.saturating_sub(last_done) as f64 / (now - last_at).as_secs_f64();
        (last_at, last_done) = (now, done);
        bar.set_position(position(&shared, done));
        let backlog = shared.backlog.messages();
        let errors = shared.errors.borrow().count;
        let wrong = ledger.duplicates + ledger.disordered + ledger.damaged;
        bar.set_message(format!(
            "{rate:.0} messages/s, backlog {backlog}, errors {errors}, violations {wrong}"
        ));
    }
}

/// In messages where their number is known, else in milliseconds.
fn length(shared: &Shared) -> u64 {
    let workload = &shared.workload;
    let messages = workload.messages_to_send().filter(|messages| *messages > 0);
    match messages.or(workload.messages) {
        Some(messages) => messages,
        None if workload.mode == Mode::Drain => 0,
        None => (workload.warm_up + workload.duration).as_millis() as u64,
    }
}

fn position(shared: &Shared, done: u64) -> u64 {
    if shared.workload.messages.is_some() || shared.workload.mode == Mode::Drain {
        done
    } else {
        shared.started.elapsed().as_millis() as u64
    }
}
