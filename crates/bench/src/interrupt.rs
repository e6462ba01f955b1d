use std::cell::Cell;
use std::future::Future;

use tokio::sync::Notify;

/// Ctrl-C: the first ends the measurement, the second also the wait for what is outstanding.
#[derive(Debug, Default)]
pub(crate) struct Interrupt {
    count: Cell<u32>,
    came: Notify,
}

impl Interrupt {
    /// Counts signals; to be run beside the load.
    pub(crate) async fn listen(&self) {
        while tokio::signal::ctrl_c().await.is_ok() {
            self.count.set(self.count.get() + 1);
            self.came.notify_waiters();
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.count.get()
    }

    /// Waits for the future, or for the first signal.
    pub(crate) async fn or<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        if self.count.get() > 0 {
            return None;
        }
        tokio::select! {
            value = future => Some(value),
            () = self.came.notified() => None,
        }
    }
}
