//! The connections of the admin port: bounded in number and time, so that no client keeps the others
//! out, or the process from ending.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::ServiceExt;

/// How long to wait when the process has no file descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Open connections; more wait in the kernel's queue.
    pub(crate) connections_max: usize,
    /// For the head of a request, and for the silence before it.
    pub(crate) head_timeout: Duration,
    /// After this time a connection takes no further request: it also ends what sends its body, or
    /// takes its answer, too slowly.
    pub(crate) connection_time_max: Duration,
    /// For the request under way when a connection has to end.
    pub(crate) grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 64,
            // Between the usual pauses of those who ask again and again, so that it does not meet them.
            head_timeout: Duration::from_secs(20),
            connection_time_max: Duration::from_secs(70),
            grace: Duration::from_secs(5),
        }
    }
}

/// Serves until `end` is true, and the requests that are then under way until the grace is over.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    end: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(limits.connections_max));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = ended(end.clone()) => break,
            // Keeps the set as small as the number of open connections.
            Some(_) = connections.join_next() => {}
            (stream, permit) = accept(&listener, &room) => {
                let connection = serve_connection(stream, router.clone(), limits, end.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
        }
    }
    drop(listener);
    // Each of them gives up by itself.
    while connections.join_next().await.is_some() {}
}

async fn ended(mut end: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is the end, too.
    let _ = end.wait_for(|end| *end).await;
}

/// The next connection with its share of all connections.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = match Arc::clone(room).acquire_owned().await {
        Ok(permit) => permit,
        // Nobody closes the semaphore.
        Err(_) => std::future::pending().await,
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection to the admin port");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

async fn serve_connection(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    end: watch::Receiver<bool>,
) {
    let service = service_fn(move |request: Request<Incoming>| router.clone().oneshot(request));
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .serve_connection(TokioIo::new(stream), service);
    let mut http = std::pin::pin!(http);
    let result = tokio::select! {
        result = http.as_mut() => Ok(result),
        _ = timeout(limits.connection_time_max, ended(end)) => {
            http.as_mut().graceful_shutdown();
            timeout(limits.grace, http).await
        }
    };
    match result {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "admin connection ended"),
        Err(_) => tracing::debug!("cut off an admin connection"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;

    /// Far beyond what anything here takes; only a test that fails waits for so long.
    const PATIENCE: Duration = Duration::from_secs(60);
    const NEVER: Duration = Duration::from_secs(86_400);
    const SOON: Duration = Duration::from_millis(50);
    const UNBOUNDED: Limits = Limits {
        connections_max: 64,
        head_timeout: NEVER,
        connection_time_max: NEVER,
        grace: NEVER,
    };
    const HALF_A_HEAD: &str = "GET / HTTP/1.1\r\nHost:";

    struct Port {
        address: std::net::SocketAddr,
        end: watch::Sender<bool>,
        server: JoinHandle<()>,
        /// Says that a slow request has begun.
        begun: Arc<Notify>,
        /// Lets it go on.
        go_on: Arc<Notify>,
    }

    async fn serve_with(limits: Limits) -> Port {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = {
            let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
            move || async move {
                begun.notify_one();
                go_on.notified().await;
                "at last"
            }
        };
        let router = Router::new()
            .route("/", get(|| async { "at once" }))
            .route("/slow", get(slow));
        let (end, ended) = watch::channel(false);
        Port {
            address,
            server: tokio::spawn(serve(listener, router, limits, ended)),
            end,
            begun,
            go_on,
        }
    }

    impl Port {
        async fn say(&self, text: &str) -> TcpStream {
            let mut client = TcpStream::connect(self.address).await.unwrap();
            client.write_all(text.as_bytes()).await.unwrap();
            client
        }
    }

    /// What comes until the other side ends the connection.
    async fn rest_of(mut client: TcpStream) -> String {
        let mut bytes = Vec::new();
        let read = timeout(PATIENCE, client.read_to_end(&mut bytes)).await;
        // A reset ends it as well.
        let _ = read.expect("the connection ends");
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn a_client_that_does_not_go_on_makes_room_for_others() {
        for limits in [
            Limits {
                head_timeout: SOON,
                ..UNBOUNDED
            },
            Limits {
                connection_time_max: SOON,
                grace: SOON,
                ..UNBOUNDED
            },
        ] {
            let port = serve_with(Limits {
                connections_max: 1,
                ..limits
            })
            .await;
            let half = port.say(HALF_A_HEAD).await;
            let whole = port.say("GET / HTTP/1.0\r\n\r\n").await;
            assert!(rest_of(whole).await.ends_with("at once"), "{limits:?}");
            let answer = rest_of(half).await;
            assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
    }

    #[tokio::test]
    async fn there_are_only_so_many_connections() {
        let port = serve_with(Limits {
            connections_max: 1,
            ..UNBOUNDED
        })
        .await;
        let first = port.say("GET /slow HTTP/1.0\r\n\r\n").await;
        port.begun.notified().await;
        let second = port.say("GET /slow HTTP/1.0\r\n\r\n").await;
        assert!(timeout(SOON, port.begun.notified()).await.is_err());
        port.go_on.notify_one();
        assert!(rest_of(first).await.ends_with("at last"));
        port.begun.notified().await;
        port.go_on.notify_one();
        assert!(rest_of(second).await.ends_with("at last"));
    }

    #[tokio::test]
    async fn at_the_end_requests_under_way_are_answered() {
        let port = serve_with(UNBOUNDED).await;
        let client = port.say("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
        port.begun.notified().await;
        port.end.send_replace(true);
        port.go_on.notify_one();
        assert!(rest_of(client).await.ends_with("at last"));
        timeout(PATIENCE, port.server).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn nobody_keeps_the_port_from_ending() {
        let port = serve_with(Limits {
            grace: SOON,
            ..UNBOUNDED
        })
        .await;
        let _half = port.say(HALF_A_HEAD).await;
        let _slow = port.say("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
        port.begun.notified().await;
        port.end.send_replace(true);
        timeout(PATIENCE, port.server).await.unwrap().unwrap();
    }
}
