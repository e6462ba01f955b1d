//! How clients reach a node: each call is a message to the process, which answers it or dies.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Calls that wait to be taken by the process; more are refused.
const CALLS_MAX: usize = 256;

/// The way into the process of a machine, if one runs. Clones are the same door.
pub(crate) struct Door<C> {
    slot: Arc<Mutex<Option<mpsc::Sender<C>>>>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    Answered(T),
    /// Nobody took the call: it did nothing.
    Refused,
    /// The process died over it.
    Broken,
    /// There was no answer in time.
    Silent,
}

impl<C> Door<C> {
    /// A new process takes calls from now on.
    pub(crate) fn open(&self) -> mpsc::Receiver<C> {
        let (sender, receiver) = mpsc::channel(CALLS_MAX);
        *self.slot.lock() = Some(sender);
        receiver
    }

    /// Makes a call, which `make` packs together with the way back.
    pub(crate) async fn call<T>(
        &self,
        patience: Duration,
        make: impl FnOnce(oneshot::Sender<T>) -> C,
    ) -> Answer<T> {
        let (answer, answered) = oneshot::channel();
        let call = make(answer);
        let sent = match &*self.slot.lock() {
            Some(sender) => sender.try_send(call).is_ok(),
            None => false,
        };
        if !sent {
            return Answer::Refused;
        }
        match timeout(patience, answered).await {
            Ok(Ok(answer)) => Answer::Answered(answer),
            Ok(Err(_)) => Answer::Broken,
            Err(_) => Answer::Silent,
        }
    }
}

/// Works on a call until it is answered, or its client has gone.
pub(crate) async fn answer<T>(mut to: oneshot::Sender<T>, work: impl Future<Output = T>) {
    tokio::select! {
        biased;
        result = work => {
            // The client may have gone meanwhile.
            let _ = to.send(result);
        }
        () = to.closed() => {}
    }
}

impl<C> Default for Door<C> {
    fn default() -> Self {
        Door {
            slot: Arc::default(),
        }
    }
}

impl<C> Clone for Door<C> {
    fn clone(&self) -> Self {
        Door {
            slot: Arc::clone(&self.slot),
        }
    }
}

impl<C> fmt::Debug for Door<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}
