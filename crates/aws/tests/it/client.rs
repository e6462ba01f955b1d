//! A running server and a client that speaks bare HTTP.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use squorum_aws::{Options, Server, ServerHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::fake::{Counting, Fake, LOCALHOST};

pub(crate) const QUEUE: &str = "http://localhost/000000000000/orders";
pub(crate) const FIFO: &str = "http://localhost/000000000000/orders.fifo";

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) fake: Arc<Fake>,
    pub(crate) handle: ServerHandle,
    pub(crate) shutdown: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start() -> Running {
        Running::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Running {
        let fake = Arc::new(Fake::default());
        let entropy = Arc::new(Counting::default());
        let address = (LOCALHOST, 0).into();
        let server = Server::bind(address, options, fake.clone(), entropy)
            .await
            .unwrap();
        let handle = server.handle();
        let (shutdown, begun) = oneshot::channel();
        let task = tokio::spawn(server.run(async move {
            let _ = begun.await;
        }));
        Running {
            fake,
            handle,
            shutdown: Some(shutdown),
            task,
        }
    }

    pub(crate) async fn client(&self) -> Client {
        let stream = TcpStream::connect(self.handle.local_address())
            .await
            .unwrap();
        Client {
            stream,
            read: Vec::new(),
        }
    }

    /// A client and the queues `orders` and `orders.fifo`.
    pub(crate) async fn client_with_queues(&self) -> Client {
        let mut client = self.client().await;
        let created = client
            .call("CreateQueue", r#"{"QueueName":"orders"}"#)
            .await;
        assert_eq!(created.status, 200);
        let created = client
            .call(
                "CreateQueue",
                r#"{"QueueName":"orders.fifo","Attributes":{"FifoQueue":"true"}}"#,
            )
            .await;
        assert_eq!(created.status, 200);
        client
    }
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub(crate) fn head(action: &str, more: &str, length: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost:9324\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Target: AmazonSQS.{action}\r\n{more}Content-Length: {length}\r\n\r\n"
    )
}

impl Client {
    pub(crate) async fn call(&mut self, action: &str, body: impl AsRef<[u8]>) -> Reply {
        self.call_with(action, "", body).await
    }

    /// `more` are further header lines, each with its end.
    pub(crate) async fn call_with(
        &mut self,
        action: &str,
        more: &str,
        body: impl AsRef<[u8]>,
    ) -> Reply {
        let body = body.as_ref();
        let request = [head(action, more, body.len()).as_bytes(), body].concat();
        self.raw(&request).await
    }

    pub(crate) async fn raw(&mut self, request: &[u8]) -> Reply {
        self.stream.write_all(request).await.unwrap();
        self.reply().await.unwrap()
    }

    /// The next reply; `None` if the connection ended before it was whole.
    pub(crate) async fn reply(&mut self) -> Option<Reply> {
        loop {
            if let Some(reply) = self.take_reply() {
                return Some(reply);
            }
            let read = self.stream.read_buf(&mut self.read);
            match tokio::time::timeout(PATIENCE, read)
                .await
                .expect("no reply")
            {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    fn take_reply(&mut self) -> Option<Reply> {
        let head_end = self
            .read
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")?
            + 4;
        let head = String::from_utf8(self.read[..head_end].to_vec()).unwrap();
        let mut reply = Reply {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: Vec::new(),
        };
        let length: usize = reply
            .header("content-length")
            .map_or(0, |text| text.parse().unwrap());
        let whole = self.read.get(head_end..head_end + length)?;
        reply.body = whole.to_vec();
        self.read.drain(..head_end + length);
        Some(reply)
    }

    /// Whether the server ends the connection, without a further reply.
    pub(crate) async fn is_ended(&mut self) -> bool {
        let mut byte = [0; 1];
        let read = self.stream.read(&mut byte);
        matches!(
            tokio::time::timeout(PATIENCE, read).await,
            Ok(Ok(0) | Err(_))
        )
    }
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < until, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
