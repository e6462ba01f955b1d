//! One HTTP/2 connection to a peer, dialled when it is needed.
//!
//! Invariants:
//! 1. At most one dial is under way, and everybody who wants the connection waits for it.
//! 2. A generation that was reported as failed is never handed out again.
//! 3. The pause between dials grows until the peer has answered a request: accepting a connection
//!    is no sign of life, because the kernel does it for a process that is stopped.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::body::Body;

use crate::dialer::{self, Dialer};
use crate::error::ConnectError;
use crate::peers::Lane;
use crate::server::HandleExecutor;

/// Longest pause between two attempts to connect.
pub const PAUSE_MAX: Duration = Duration::from_millis(250);
const PAUSE_MIN: Duration = Duration::from_millis(10);

const DIAL_TIMEOUT: Duration = Duration::from_millis(300);

/// A connection that is silent for so long is asked for a sign of life.
const PING_INTERVAL: Duration = Duration::from_millis(400);

impl Lane {
    /// How long the sign of life may take. On a slow link it stands behind what was sent before,
    /// and a connection that is only slow must not be given up again and again.
    const fn ping_timeout(self) -> Duration {
        match self {
            Lane::Control | Lane::Request => Duration::from_millis(600),
            Lane::Append => Duration::from_secs(2),
            Lane::Snapshot => Duration::from_secs(5),
        }
    }
}

/// Most requests of one connection whose answers have not begun.
const REQUESTS_MAX: usize = 4096;

/// What may be on its way to who does not read: of one call, of all calls of a connection. Few
/// enough bytes that a link of 1 MB/s passes them within [`Lane::ping_timeout`].
pub(crate) const STREAM_WINDOW_BYTES: u32 = 1 << 20;
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

pub(crate) type Sender = SendRequest<Body>;
type Dialing = Shared<BoxFuture<'static, Result<Sender, ConnectError>>>;

pub(crate) struct Link {
    lane: Lane,
    dialer: Arc<dyn Dialer>,
    runtime: Handle,
    state: Mutex<State>,
    requests: Semaphore,
}

struct State {
    address: String,
    generation: u64,
    phase: Phase,
    pause: Duration,
    not_before: Option<Instant>,
}

enum Phase {
    Idle,
    Dialing(Dialing),
    Ready(Sender),
}

impl Link {
    pub(crate) fn new(
        address: String,
        lane: Lane,
        dialer: Arc<dyn Dialer>,
        runtime: Handle,
    ) -> Link {
        Link {
            lane,
            dialer,
            runtime,
            state: Mutex::new(State {
                address,
                generation: 0,
                phase: Phase::Idle,
                pause: PAUSE_MIN,
                not_before: None,
            }),
            requests: Semaphore::new(REQUESTS_MAX),
        }
    }

    /// From now on the peer is there. An unchanged address keeps the connection.
    pub(crate) fn set_address(&self, address: &str) {
        let mut state = self.state.lock();
        if state.address != address {
            state.address = address.to_owned();
            state.phase = Phase::Idle;
            state.pause = PAUSE_MIN;
            state.not_before = None;
        }
    }

    /// The generation that a request which begins now will use.
    pub(crate) fn generation(&self) -> u64 {
        let state = self.state.lock();
        match state.phase {
            Phase::Idle => state.generation + 1,
            Phase::Dialing(_) | Phase::Ready(_) => state.generation,
        }
    }

    /// The connection of `generation`, or an older one, did not do its duty: the next request
    /// dials anew, after a pause.
    pub(crate) fn failed(&self, generation: u64) {
        let mut state = self.state.lock();
        if state.generation <= generation && !matches!(state.phase, Phase::Idle) {
            state.phase = Phase::Idle;
            state.grow_pause();
        }
    }

    /// The connection of `generation` was closed properly: the next request dials anew.
    fn closed(&self, generation: u64) {
        let mut state = self.state.lock();
        if state.generation == generation {
            state.phase = Phase::Idle;
        }
    }

    fn answered(&self) {
        let mut state = self.state.lock();
        state.pause = PAUSE_MIN;
        state.not_before = None;
    }

    /// Sends a request and waits until its answer begins.
    pub(crate) async fn send(
        self: Arc<Self>,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, ConnectError> {
        let _place = self
            .requests
            .try_acquire()
            .map_err(|_| ConnectError::Busy)?;
        // The connection may have been closed since it was last used; then the request comes back.
        for _ in 0..2 {
            let (generation, mut sender) = self.open().await?;
            match sender.try_send_request(request).await {
                Ok(response) => {
                    self.answered();
                    return Ok(response);
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) => {
                        self.closed(generation);
                        request = unsent;
                    }
                    None => {
                        self.failed(generation);
                        return Err(ConnectError::Broken(Arc::new(error.into_error())));
                    }
                },
            }
        }
        Err(ConnectError::NotSent)
    }

    /// `uri` with the scheme and the host that HTTP/2 wants.
    pub(crate) fn absolute(&self, uri: Uri) -> Uri {
        let authority = self.state.lock().address.parse::<Authority>().ok();
        let mut parts = uri.into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = authority.or_else(|| Some(Authority::from_static("peer")));
        Uri::from_parts(parts).unwrap_or_default()
    }

    async fn open(self: &Arc<Self>) -> Result<(u64, Sender), ConnectError> {
        let (generation, dialing) = {
            let mut state = self.state.lock();
            match &state.phase {
                Phase::Ready(sender) if !sender.is_closed() => {
                    return Ok((state.generation, sender.clone()));
                }
                Phase::Dialing(dialing) => (state.generation, dialing.clone()),
                Phase::Ready(_) | Phase::Idle => {
                    if state.not_before.is_some_and(|then| Instant::now() < then) {
                        return Err(ConnectError::Paused);
                    }
                    state.generation += 1;
                    let dialing = self.start_dial(state.generation, &state.address);
                    state.phase = Phase::Dialing(dialing.clone());
                    (state.generation, dialing)
                }
            }
        };
        dialing.await.map(|sender| (generation, sender))
    }

    /// Dials in a task of its own, so that a caller whose deadline is short does not spoil it.
    fn start_dial(self: &Arc<Self>, generation: u64, address: &str) -> Dialing {
        let dialing = self.dialer.dial(address);
        let (link, runtime) = (Arc::clone(self), self.runtime.clone());
        let ping_timeout = self.lane.ping_timeout();
        let task = self.runtime.spawn(async move {
            let result = connect(dialing, ping_timeout, &runtime).await;
            link.dialed(generation, &result);
            result
        });
        task.map(|result| {
            result.unwrap_or_else(|_| {
                let stopped = io::Error::other("the runtime stopped");
                Err(ConnectError::Dial(Arc::new(stopped)))
            })
        })
        .boxed()
        .shared()
    }

    fn dialed(&self, generation: u64, result: &Result<Sender, ConnectError>) {
        let mut state = self.state.lock();
        if state.generation != generation || !matches!(state.phase, Phase::Dialing(_)) {
            return;
        }
        match result {
            Ok(sender) => state.phase = Phase::Ready(sender.clone()),
            Err(error) => {
                state.phase = Phase::Idle;
                state.grow_pause();
                let address = &state.address;
                tracing::debug!(address, %error, pause_ms = state.pause.as_millis(), "no connection");
            }
        }
    }
}

impl State {
    fn grow_pause(&mut self) {
        self.not_before = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Link")
            .field("address", &state.address)
            .field("generation", &state.generation)
            .finish_non_exhaustive()
    }
}

async fn connect(
    dialing: BoxFuture<'static, io::Result<dialer::BoxedIo>>,
    ping_timeout: Duration,
    runtime: &Handle,
) -> Result<Sender, ConnectError> {
    let dial_error = |error| ConnectError::Dial(Arc::new(error));
    let io = dialer::dial(dialing, DIAL_TIMEOUT)
        .await
        .map_err(dial_error)?;
    let (sender, connection) = Builder::new(HandleExecutor(runtime.clone()))
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(ping_timeout)
        .keep_alive_while_idle(true)
        .handshake(TokioIo::new(io))
        .await
        .map_err(|error| dial_error(io::Error::other(error)))?;
    // Ends when the peer closes it, when it is silent for too long, or when nobody uses it.
    runtime.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a peer ended");
        }
    });
    Ok(sender)
}
