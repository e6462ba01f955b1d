//! Asks the admin port of a node: what the commands beside `squorum serve` stand on.
//!
//! One request on one connection, under one deadline, on the calling thread: a health check runs
//! every few seconds in a container of its own and must cost next to nothing.

use std::str::FromStr;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use thiserror::Error;
use tokio::net::TcpStream;

/// More than the status of any cluster takes.
const ANSWER_BYTES_MAX: usize = 16 << 20;
const PORT_DEFAULT: u16 = 9325;

/// The `--admin` flag of every command that asks a node.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AdminArguments {
    /// The admin port of the node to ask
    #[arg(
        long,
        env = "SQUORUM_ADMIN",
        value_name = "URL",
        default_value = "http://localhost:9325"
    )]
    pub(crate) admin: AdminUrl,
}

/// `http://host:port`; the port may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdminUrl {
    host: String,
    port: u16,
}

#[derive(Debug, Error)]
#[error("must be a URL such as http://localhost:9325")]
pub(crate) struct AdminUrlError;

impl FromStr for AdminUrl {
    type Err = AdminUrlError;

    fn from_str(text: &str) -> Result<AdminUrl, AdminUrlError> {
        let uri: Uri = text.parse().map_err(|_| AdminUrlError)?;
        if uri.scheme_str() != Some("http") || !matches!(uri.path(), "" | "/") {
            return Err(AdminUrlError);
        }
        let host = uri.host().filter(|host| !host.is_empty());
        Ok(AdminUrl {
            host: host.ok_or(AdminUrlError)?.to_owned(),
            port: uri.port_u16().unwrap_or(PORT_DEFAULT),
        })
    }
}

impl std::fmt::Display for AdminUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

/// What the node said.
#[derive(Debug)]
pub(crate) struct AdminAnswer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum AskError {
    #[error("cannot connect: {0}")]
    Connect(#[source] std::io::Error),
    #[error("no answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("the connection broke: {0}")]
    Broken(#[source] hyper::Error),
    #[error("the answer is no use: {0}")]
    Unusable(String),
    #[error("cannot ask: {0}")]
    Local(String),
    /// In the node's own words.
    #[error("{0}")]
    Refused(String),
}

/// Gets `path` (with its query). Returns by the deadline, whatever hangs.
pub(crate) fn get(
    admin: &AdminUrl,
    path: &str,
    timeout: Duration,
) -> Result<AdminAnswer, AskError> {
    ask(admin, request(Method::GET, path, Bytes::new()), timeout)
}

/// Posts a body as JSON. Returns by the deadline, whatever hangs.
pub(crate) fn post(
    admin: &AdminUrl,
    path: &str,
    body: &impl Serialize,
    timeout: Duration,
) -> Result<AdminAnswer, AskError> {
    let body = serde_json::to_vec(body).map_err(local)?;
    ask(admin, request(Method::POST, path, body.into()), timeout)
}

fn request(
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let mut request = Request::builder().method(method).uri(path);
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request.body(Full::new(body))
}

fn ask(
    admin: &AdminUrl,
    request: Result<Request<Full<Bytes>>, hyper::http::Error>,
    timeout: Duration,
) -> Result<AdminAnswer, AskError> {
    let request = request.map_err(local)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| AskError::Local(error.to_string()))?;
    let answer = runtime.block_on(async {
        let answer = tokio::time::timeout(timeout, send(admin, request)).await;
        answer.unwrap_or(Err(AskError::TimedOut(timeout)))
    });
    // A resolver that hangs has a thread, which is not waited for.
    runtime.shutdown_background();
    answer
}

async fn send(
    admin: &AdminUrl,
    mut request: Request<Full<Bytes>>,
) -> Result<AdminAnswer, AskError> {
    // The resolver takes no brackets around an IPv6 address, HTTP demands them.
    let host = admin.host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, admin.port)).await;
    let stream = TokioIo::new(stream.map_err(AskError::Connect)?);
    let (mut sender, connection) = http1::handshake(stream).await.map_err(AskError::Broken)?;
    tokio::spawn(connection);
    let authority = format!("{}:{}", admin.host, admin.port);
    let authority = HeaderValue::try_from(authority).map_err(local)?;
    request.headers_mut().insert(HOST, authority);
    let response = sender
        .send_request(request)
        .await
        .map_err(AskError::Broken)?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await;
    let body = body.map_err(|error| AskError::Unusable(error.to_string()))?;
    Ok(AdminAnswer {
        status,
        body: body.to_bytes(),
    })
}

/// A part of a path, or a query's value. Names of queues and accounts need none of it; what a user
/// mistypes may.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                escaped.push(byte.into());
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

fn local(error: impl std::fmt::Display) -> AskError {
    AskError::Local(error.to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;
    use std::time::Instant;

    use super::*;

    /// Answers one request with `answer`, byte for byte; gives the request's first line.
    pub(crate) fn answer_once(answer: &str) -> (AdminUrl, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = answer.to_owned();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            let request = String::from_utf8(request).unwrap();
            request.lines().next().unwrap().to_owned()
        });
        (format!("http://127.0.0.1:{port}").parse().unwrap(), served)
    }

    pub(crate) fn http(status: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}")
    }

    #[test]
    fn urls() {
        let parse = |text: &str| text.parse::<AdminUrl>().map(|url| url.to_string());
        assert_eq!(parse("http://a:1").unwrap(), "http://a:1");
        assert_eq!(parse("http://a/").unwrap(), "http://a:9325");
        assert_eq!(parse("http://[::1]:2").unwrap(), "http://[::1]:2");
        for wrong in [
            "",
            "a",
            "a:9325",
            "https://a:1",
            "http://a:1/status",
            "http://:1",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_user_mistypes_stays_one_value() {
        assert_eq!(escaped("jobs-1.fifo"), "jobs-1.fifo");
        assert_eq!(escaped("a b&c=é/"), "a%20b%26c%3D%C3%A9%2F");
    }

    #[test]
    fn answers_of_any_status_are_answers() {
        let (url, served) = answer_once(&http("503 Service Unavailable", "not ready: why\n"));
        let answer = get(&url, "/health/ready", Duration::from_secs(60)).unwrap();
        assert_eq!(
            (answer.status, &answer.body[..]),
            (503, &b"not ready: why\n"[..])
        );
        assert_eq!(served.join().unwrap(), "GET /health/ready HTTP/1.1");
    }

    #[test]
    fn a_node_that_hangs_is_left_at_the_deadline() {
        // Takes connections into its queue and never answers, as a stopped process does.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}").parse().unwrap();
        let begun = Instant::now();
        let error = get(&url, "/", Duration::from_millis(200)).unwrap_err();
        assert!(matches!(error, AskError::TimedOut(_)), "{error}");
        assert!(begun.elapsed() >= Duration::from_millis(200));
    }

    #[test]
    fn who_is_not_there_is_told_from_who_breaks_off() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = get(&url.parse().unwrap(), "/", Duration::from_secs(60)).unwrap_err();
        assert!(matches!(error, AskError::Connect(_)), "{error}");

        let (url, served) = answer_once("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        let error = get(&url, "/", Duration::from_secs(60)).unwrap_err();
        assert!(matches!(error, AskError::Unusable(_)), "{error}");
        served.join().unwrap();
    }
}
