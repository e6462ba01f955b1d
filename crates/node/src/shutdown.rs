use tokio::sync::watch;

/// Returns when the node stops, or is gone.
pub(crate) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // An error means that the node is gone. The value's guard must not outlive this line.
    let _ = shutdown.wait_for(|stop| *stop).await;
}
