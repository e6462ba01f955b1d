//! An SQS server in memory, small and slow, that breaks its promises where a test says so.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::Notify;

use self::queues::Queues;

mod queues;
mod signature_check;

pub(crate) const SECRET: &str = "bench";
const POLL: Duration = Duration::from_millis(2);

/// What the server does wrong: each at every n-th opportunity, 0 for never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Acknowledges a send and forgets the message.
    pub(crate) lose: u64,
    /// Delivers a message again although it was deleted.
    pub(crate) revive: u64,
    /// Delivers a message twice at once, without waiting for the visibility timeout.
    pub(crate) double: u64,
    /// Lets a message overtake the one before it.
    pub(crate) overtake: u64,
    /// Changes a body.
    pub(crate) damage: u64,
    /// Fails one entry of a batch, of sends and of deletes.
    pub(crate) fail_entry: u64,
    /// Does what it was asked and hangs up instead of answering.
    pub(crate) hang_up: u64,
    /// Answers 503 and does nothing.
    pub(crate) refuse: u64,
    /// Answers 400 to sends.
    pub(crate) reject_sends: bool,
    /// Takes no calls from this long after the first send on, for so long.
    pub(crate) stall: Option<(Duration, Duration)>,
}

/// Counts opportunities.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    count: u64,
}

impl Turn {
    pub(crate) fn comes(&mut self, every: u64) -> bool {
        self.count += 1;
        every > 0 && self.count.is_multiple_of(every)
    }
}

#[derive(Debug)]
struct State {
    queues: Queues,
    hang_ups: Turn,
    refusals: Turn,
    calls: u64,
    first_send: Option<Instant>,
}

/// Ends with the process.
#[derive(Debug)]
pub(crate) struct Fake {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug)]
struct Server {
    faults: Faults,
    state: Arc<Mutex<State>>,
}

impl Fake {
    pub(crate) fn start(faults: Faults) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            queues: Queues::new(faults),
            hang_ups: Turn::default(),
            refusals: Turn::default(),
            calls: 0,
            first_send: None,
        }));
        let server = Server {
            faults,
            state: state.clone(),
        };
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(server.serve(listener));
        });
        Fake { address, state }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn queue_names(&self) -> Vec<String> {
        self.state.lock().unwrap().queues.names()
    }

    pub(crate) fn calls(&self) -> u64 {
        self.state.lock().unwrap().calls
    }
}

impl Server {
    async fn serve(self, listener: TcpListener) {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let server = self.clone();
            tokio::spawn(async move {
                let hang_up = Arc::new(Notify::new());
                let service = service_fn(|request| server.answer(request, hang_up.clone()));
                let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::select! {
                    _ = serving => (),
                    () = hang_up.notified() => (),
                }
            });
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        hang_up: Arc<Notify>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let action = head.headers["x-amz-target"].to_str().unwrap().to_owned();
        let action = action.strip_prefix("AmazonSQS.").unwrap();
        if let Err(reason) = signature_check::check(&head, &body) {
            return Ok(error(StatusCode::FORBIDDEN, "InvalidSignature", &reason));
        }
        self.wait_while_stalled(action).await;
        let is_send = action.starts_with("SendMessage");
        let is_about_queues = action.ends_with("Queue") || action == "GetQueueUrl";
        let hangs_up = {
            let mut state = self.state.lock().unwrap();
            state.calls += 1;
            if is_send && self.faults.reject_sends {
                return Ok(error(
                    StatusCode::BAD_REQUEST,
                    "InvalidParameterValue",
                    "no",
                ));
            }
            if !is_about_queues && state.refusals.comes(self.faults.refuse) {
                return Ok(error(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "ServiceUnavailable",
                    "later",
                ));
            }
            !is_about_queues && state.hang_ups.comes(self.faults.hang_up)
        };
        let body: Value = serde_json::from_slice(&body).unwrap();
        let done = self.perform(action, &body).await;
        if hangs_up {
            hang_up.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(match done {
            Ok(answer) => Response::new(Full::new(answer.to_string().into())),
            Err(code) => error(StatusCode::BAD_REQUEST, code, "no"),
        })
    }

    /// A receive waits for messages as long as it says.
    async fn perform(&self, action: &str, body: &Value) -> Result<Value, &'static str> {
        let wait_seconds = body["WaitTimeSeconds"].as_u64().unwrap_or(0);
        let deadline = Instant::now() + Duration::from_secs(wait_seconds);
        loop {
            let answer = self.state.lock().unwrap().queues.perform(action, body)?;
            let is_empty = action == "ReceiveMessage" && answer.get("Messages").is_none();
            if !is_empty || Instant::now() >= deadline {
                return Ok(answer);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn wait_while_stalled(&self, action: &str) {
        let Some((after, length)) = self.faults.stall else {
            return;
        };
        let first_send = {
            let mut state = self.state.lock().unwrap();
            if action.starts_with("SendMessage") {
                state.first_send.get_or_insert_with(Instant::now);
            }
            state.first_send
        };
        let Some(first_send) = first_send else { return };
        if first_send.elapsed() >= after {
            tokio::time::sleep_until((first_send + after + length).into()).await;
        }
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> Response<Full<Bytes>> {
    let body =
        serde_json::json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": message });
    let mut response = Response::new(Full::new(body.to_string().into()));
    *response.status_mut() = status;
    response
}
