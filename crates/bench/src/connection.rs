//! One keep-alive HTTP/1.1 connection with at most one request outstanding.
//!
//! It writes requests from one buffer and reads answers into another, in the task that calls. A
//! general client hands both to a task of its own and builds header maps: that costs as much again as
//! the system calls, on the machine that is measured.

use std::io;
use std::io::Write as _;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::action::Action;
use crate::answer::{Answer, AnswerError, Head};
use crate::endpoint::Endpoint;
use crate::signature::{CONTENT_TYPE, Signer};

/// Above every server's hold time and the wait of a long poll.
const CALL_DEADLINE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 16 << 20;
const READ_BYTES: usize = 16 << 10;
const AGENT: &str = concat!("squorum-bench/", env!("CARGO_PKG_VERSION"));

/// Where to connect to and how to sign, for all connections of a run.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) signer: Option<Signer>,
}

/// Why a call has no answer; its outcome is unknown unless there was no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("cannot connect to {authority}: {source}")]
    Connect {
        authority: String,
        source: io::Error,
    },
    #[error("connection lost: {0}")]
    Lost(#[from] io::Error),
    #[error("the server closed the connection instead of answering")]
    Closed,
    #[error("answer not understood: {0}")]
    Answer(#[from] AnswerError),
    #[error("answer of more than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    #[error("no answer within {} s", CALL_DEADLINE.as_secs())]
    Deadline,
}

#[derive(Debug)]
pub(crate) struct Connection {
    client: Rc<Client>,
    endpoint: usize,
    stream: Option<TcpStream>,
    request: Vec<u8>,
    received: BytesMut,
}

impl Connection {
    /// `index` spreads connections over the endpoints.
    pub(crate) fn new(client: Rc<Client>, index: u64) -> Connection {
        let endpoint = (index % client.endpoints.len() as u64) as usize;
        Connection {
            client,
            endpoint,
            stream: None,
            request: Vec::new(),
            received: BytesMut::new(),
        }
    }

    pub(crate) fn endpoints(&self) -> usize {
        self.client.endpoints.len()
    }

    /// After an error the next call goes to the next endpoint.
    pub(crate) async fn call(&mut self, action: Action, body: &[u8]) -> Result<Answer, CallError> {
        let done = tokio::time::timeout(CALL_DEADLINE, self.exchange(action, body)).await;
        let answer = done.unwrap_or(Err(CallError::Deadline));
        if answer.is_err() {
            self.stream = None;
            self.endpoint = (self.endpoint + 1) % self.client.endpoints.len();
        }
        answer
    }

    async fn exchange(&mut self, action: Action, body: &[u8]) -> Result<Answer, CallError> {
        // A server may close a connection that is idle; tokio knows without a system call.
        let mut stream = match self.stream.take() {
            Some(stream) if is_quiet(&stream) => stream,
            _ => self.connect().await?,
        };
        self.write_request(action, body);
        stream.write_all(&self.request).await?;
        self.received.clear();
        let (head, body) = self.read_answer(&mut stream).await?;
        if !head.closes {
            self.stream = Some(stream);
        }
        let status = head.status;
        Ok(Answer { status, body })
    }

    async fn connect(&self) -> Result<TcpStream, CallError> {
        let authority = &self.client.endpoints[self.endpoint].authority;
        let failed = |source| CallError::Connect {
            authority: authority.clone(),
            source,
        };
        let stream = TcpStream::connect(authority).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(stream)
    }

    fn write_request(&mut self, action: Action, body: &[u8]) {
        let endpoint = &self.client.endpoints[self.endpoint];
        let (path, host, target) = (&endpoint.path, &endpoint.host, action.target());
        let length = body.len();
        self.request.clear();
        write!(
            self.request,
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {CONTENT_TYPE}\r\n\
             X-Amz-Target: {target}\r\nUser-Agent: {AGENT}\r\nContent-Length: {length}\r\n"
        )
        .expect("writing to memory cannot fail");
        if let Some(signer) = &self.client.signer {
            let now = SystemTime::now();
            signer.write_headers(&mut self.request, now, endpoint, action, body);
        }
        self.request.extend_from_slice(b"\r\n");
        self.request.extend_from_slice(body);
    }

    async fn read_answer(&mut self, stream: &mut TcpStream) -> Result<(Head, Bytes), CallError> {
        let mut head: Option<Head> = None;
        loop {
            self.received.reserve(READ_BYTES);
            let is_end = stream.read_buf(&mut self.received).await? == 0;
            while head.is_none()
                && let Some(parsed) = Head::parse(&self.received)?
            {
                let rest = self.received.split_off(parsed.bytes);
                self.received = rest;
                head = (!parsed.is_interim()).then_some(parsed);
            }
            if let Some(head) = head
                && let Some(body) = head.take_body(&mut self.received, is_end)?
            {
                return Ok((head, body));
            }
            if is_end {
                return Err(CallError::Closed);
            }
            if self.received.len() > ANSWER_BYTES_MAX {
                return Err(CallError::TooLong);
            }
        }
    }
}

fn is_quiet(stream: &TcpStream) -> bool {
    let read = stream.try_read(&mut [0]);
    matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
