//! How `squorum serve` comes to its end: a signal, or the node is no member any more.

use std::path::Path;

use squorum_node::{Expulsion, Node};
use squorum_store_rocksdb::RocksStore;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

/// True from the first SIGTERM or SIGINT on.
pub(crate) fn watch_signals() -> anyhow::Result<watch::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.send_replace(true);
        // The receivers outlive this task; they keep the value.
    });
    Ok(stopped)
}

pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is after the signal.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Waits for the end, and then gives what this node leads to others while it still serves, so that
/// nobody notices. The receiver is told whether the node had to go.
pub(crate) fn hand_over(
    node: Node<RocksStore>,
    stop: watch::Receiver<bool>,
    raft: &Runtime,
) -> (
    impl Future<Output = ()> + use<>,
    oneshot::Receiver<Option<Expulsion>>,
) {
    let (sender, expulsion) = oneshot::channel();
    let hand_over = raft.spawn(async move {
        let expulsion = tokio::select! {
            () = stopped(stop) => None,
            expulsion = node.expelled() => Some(expulsion),
        };
        tracing::info!(?expulsion, "stopping");
        if expulsion.is_none() {
            node.hand_over().await;
        }
        expulsion
    });
    let handed_over = async move {
        let _ = sender.send(hand_over.await.ok().flatten());
    };
    (handed_over, expulsion)
}

/// An error if whoever runs the node has to do something.
pub(crate) fn take_leave(
    expulsion: Option<Expulsion>,
    data_directory: &Path,
) -> anyhow::Result<()> {
    match expulsion {
        None => Ok(()),
        Some(Expulsion::Left) => {
            println!("This node has left the cluster; its data directory is of no use any more.");
            Ok(())
        }
        Some(Expulsion::Ghost) => anyhow::bail!(
            "this node was taken out of its cluster while it was away, and is never a member again: \
             empty {} and start it to come back as a new node",
            data_directory.display()
        ),
    }
}
