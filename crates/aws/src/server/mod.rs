//! The HTTP server: accepts connections, bounds what they may take, ends them in good order.

mod answer_body;
mod connection;
mod exchange;
mod guarded_stream;
mod options;
mod request_body;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use squorum_types::Entropy;
use squorum_types::service::QueueService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use self::connection::Shared;
pub use self::options::Options;
use crate::front_end::FrontEnd;
use crate::request_figures::{ActionCounts, RequestFigures};

/// How long to wait when the process has no file descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// A server that has its port and serves once it [runs](Server::run).
pub struct Server<S> {
    listener: TcpListener,
    local_address: SocketAddr,
    shared: Arc<Shared<S>>,
    connections: Arc<Semaphore>,
}

/// Knows a server whether it runs or not.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    local_address: SocketAddr,
    connections: Arc<Semaphore>,
    connections_max: usize,
    requests: Arc<RequestFigures>,
}

impl ServerHandle {
    /// Where the server listens, with the port that it got.
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// Connections that are open, the one that is being waited for included.
    pub fn connection_count(&self) -> usize {
        self.connections_max
            .saturating_sub(self.connections.available_permits())
    }

    /// What clients have asked for so far, by action.
    pub fn requests(&self) -> Vec<ActionCounts> {
        self.requests.read()
    }
}

/// Why a server could not get its port.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    pub address: SocketAddr,
    pub source: io::Error,
}

impl<S> std::fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("local_address", &self.local_address)
            .finish_non_exhaustive()
    }
}

impl<S: QueueService> Server<S> {
    /// Takes the port. Connections queue up in the kernel until [`run`](Self::run).
    pub async fn bind(
        address: SocketAddr,
        options: Options,
        service: Arc<S>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Server<S>, BindError> {
        let failed = |source| BindError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local_address = listener.local_addr().map_err(failed)?;
        let permits = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let shared = Shared {
            front_end: FrontEnd::new(service, entropy, options.public_url.clone()),
            // The largest body must find room.
            request_bytes: permits(options.request_bytes_max.max(options::BODY_BYTES_MAX)),
            answer_bytes: permits(options.answer_bytes_max),
            requests: Arc::new(RequestFigures::new()),
            options,
        };
        Ok(Server {
            listener,
            local_address,
            connections: permits(shared.options.connections_max.max(1)),
            shared: Arc::new(shared),
        })
    }

    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            local_address: self.local_address,
            connections: self.connections.clone(),
            connections_max: self.shared.options.connections_max.max(1),
            requests: self.shared.requests.clone(),
        }
    }

    /// Serves until `shutdown` is ready. Then no connection is accepted any more, requests under way
    /// have the grace period to end, and what is left is cut off: parked receives take no message
    /// with them.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let (begin_shutdown, shutdown_begun) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = shutdown.as_mut() => break,
                // Keeps the set as small as the number of open connections.
                Some(_) = connections.join_next() => {}
                (stream, client, permit) = self.accept() => {
                    let shared = self.shared.clone();
                    let local = stream.local_addr().unwrap_or(self.local_address);
                    let shutdown_begun = shutdown_begun.clone();
                    connections.spawn(async move {
                        connection::serve(shared, stream, client, local, shutdown_begun).await;
                        drop(permit);
                    });
                }
            }
        }
        let grace = self.shared.options.shutdown_grace;
        drop(self.listener);
        begin_shutdown.send_replace(true);
        let ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, ended).await.is_err() {
            tracing::debug!(count = connections.len(), "cut off connections");
            connections.shutdown().await;
        }
    }

    /// The next connection with its share of all connections.
    async fn accept(&self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        let permit = match self.connections.clone().acquire_owned().await {
            Ok(permit) => permit,
            // Nobody closes the semaphore.
            Err(_) => std::future::pending().await,
        };
        loop {
            match self.listener.accept().await {
                Ok((stream, client)) => return (stream, client, permit),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }
}
