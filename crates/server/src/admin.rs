//! The admin port: health for load balancers and scripts.

use std::net::SocketAddr;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use squorum_node::Node;
use squorum_store_rocksdb::RocksStore;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The node, once it has started.
pub(crate) type NodeWatch = watch::Receiver<Option<Node<RocksStore>>>;

pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address} (admin)"))
}

/// Serves until `stopped` is ready.
pub(crate) async fn run(
    listener: TcpListener,
    node: NodeWatch,
    stopped: impl Future<Output = ()> + Send + 'static,
) {
    let router = Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .with_state(node);
    if let Err(error) = axum::serve(listener, router)
        .with_graceful_shutdown(stopped)
        .await
    {
        tracing::error!(%error, "admin port is not served any more");
    }
}

/// 200 only when the node can serve reads and writes.
async fn ready(State(node): State<NodeWatch>) -> (StatusCode, String) {
    let health = node.borrow().as_ref().map(Node::health);
    match health {
        Some(health) if health.ready => (StatusCode::OK, "ready\n".to_owned()),
        Some(health) => {
            let reason = health.reason.unwrap_or_default();
            (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("not ready: {reason}\n"),
            )
        }
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: starting\n".to_owned(),
        ),
    }
}
