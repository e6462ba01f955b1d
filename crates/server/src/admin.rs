//! The admin port: health for load balancers, status for people, metrics for Prometheus.
//!
//! | path | answer |
//! |---|---|
//! | `/health/live` | 200 while the process runs |
//! | `/health/ready` | 200 if the node can serve reads and writes, else 503 and why not |
//! | `/status` | JSON: nodes, groups, findings, verdict |
//! | `/status/queue?name=…` | JSON: where the queue's partitions are; `account`, `region` if need be |
//! | `/queues/{account}/{name}/messages` | JSON: messages, which are not received by it; see [`admin_peek`] |
//! | `POST /nodes` | a change of members: JSON in, JSON out once it is decided; 409 if it cannot be |
//! | `/metrics` | OpenMetrics text |
//!
//! It is served from before the node starts: a node that waits for its seeds is live, says what it
//! waits for, and shows what there is to see.

use std::net::SocketAddr;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use squorum_aws::ServerHandle;
use squorum_node::{Health, Node};
use squorum_store::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::admin_server::Limits;
use crate::metrics::{self, Figures, ProcessFigures, Requests};
use crate::{admin_nodes, admin_peek, admin_server, admin_status};

/// What a node that has started is made of, as far as this port is concerned.
#[derive(Clone, Debug)]
pub(crate) struct Running<S> {
    pub(crate) node: Node<S>,
    pub(crate) server: ServerHandle,
}

/// What the port shows.
#[derive(Clone, Debug)]
pub(crate) struct AdminState<S> {
    /// `None` before the node has started and after it has ended.
    pub(crate) running: watch::Receiver<Option<Running<S>>>,
    /// What a node that has not started waits for.
    pub(crate) progress: watch::Receiver<Option<String>>,
}

pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address} (admin)"))
}

/// Serves until `end` is true.
pub(crate) async fn run<S: Store>(
    listener: TcpListener,
    state: AdminState<S>,
    end: watch::Receiver<bool>,
) {
    let router = Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .route("/status", get(admin_status::status))
        .route("/status/queue", get(admin_status::queue))
        .route(
            "/queues/{account}/{name}/messages",
            get(admin_peek::messages),
        )
        .route("/nodes", post(admin_nodes::change))
        .route("/metrics", get(metrics))
        .with_state(state);
    admin_server::serve(listener, router, Limits::default(), end).await;
}

impl<S: Store> AdminState<S> {
    pub(crate) fn running(&self) -> Option<Running<S>> {
        self.running.borrow().clone()
    }

    /// Whether the node can serve reads and writes.
    fn health(&self) -> Health {
        match self.running() {
            Some(running) => running.node.health(),
            None => Health {
                ready: false,
                reason: Some(self.waits_for()),
            },
        }
    }

    pub(crate) fn waits_for(&self) -> String {
        let progress = self.progress.borrow().clone();
        progress.unwrap_or_else(|| "the groups are starting".to_owned())
    }

    fn figures(&self) -> Figures {
        let running = self.running();
        Figures {
            version: env!("CARGO_PKG_VERSION"),
            ready: self.health().ready,
            process: ProcessFigures::read(),
            node: running.as_ref().map(|running| running.node.observe()),
            requests: running.as_ref().map(|running| Requests {
                connections: running.server.connection_count(),
                actions: running.server.requests(),
            }),
        }
    }
}

async fn ready<S: Store>(State(state): State<AdminState<S>>) -> (StatusCode, String) {
    let health = state.health();
    if health.ready {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let reason = health.reason.unwrap_or_default();
    let text = format!("not ready: {reason}\n");
    (StatusCode::SERVICE_UNAVAILABLE, text)
}

async fn metrics<S: Store>(State(state): State<AdminState<S>>) -> Response {
    match metrics::text(state.figures()) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        // Writing to memory fails only if a metric is not well formed.
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
