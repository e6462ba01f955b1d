use std::time::Duration;

use anyhow::{Context, bail, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CALL_DEADLINE: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Where the requests go, from an endpoint URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// `host:port`, for connecting and for the Host header.
    pub(crate) authority: String,
    pub(crate) path: String,
}

impl Address {
    pub(crate) fn parse(endpoint: &str) -> anyhow::Result<Address> {
        let rest = endpoint
            .strip_prefix("http://")
            .context("endpoint must begin with http://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        ensure!(!host.is_empty(), "endpoint has no host");
        let authority = if host.contains(':') {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        Ok(Address {
            authority,
            path: format!("/{path}"),
        })
    }
}

/// One keep-alive connection with at most one request outstanding.
#[derive(Debug)]
pub(crate) struct Connection {
    address: Address,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// Borrowed from the connection's buffer.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) fn new(address: Address) -> Connection {
        Connection {
            address,
            stream: None,
            buffer: Vec::with_capacity(32 * 1024),
        }
    }

    /// Sends a whole request and reads its answer. After an error the next call connects anew.
    pub(crate) async fn call(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        let done = tokio::time::timeout(CALL_DEADLINE, self.exchange(request)).await;
        let head = match done {
            Ok(Ok(head)) => head,
            Ok(Err(error)) => {
                self.stream = None;
                return Err(error);
            }
            Err(_) => {
                self.stream = None;
                bail!("no answer within {} s", CALL_DEADLINE.as_secs());
            }
        };
        if head.closes {
            self.stream = None;
        }
        Ok(Answer {
            status: head.status,
            body: &self.buffer[head.body_start..head.body_end],
        })
    }

    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Head> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address.authority).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        let stream = self.stream.as_mut().expect("connected above");
        stream.write_all(request).await?;
        self.buffer.clear();
        let mut head = None;
        loop {
            if head.is_none() {
                head = Head::parse(&self.buffer)?;
            }
            if let Some(head) = &head
                && self.buffer.len() >= head.body_end
            {
                return Ok(*head);
            }
            ensure!(self.buffer.len() <= ANSWER_BYTES_MAX, "answer is too long");
            ensure!(
                stream.read_buf(&mut self.buffer).await? > 0,
                "connection closed"
            );
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    body_start: usize,
    body_end: usize,
    closes: bool,
}

impl Head {
    /// `None` until all of the head is there.
    fn parse(received: &[u8]) -> anyhow::Result<Option<Head>> {
        let Some(end) = memmem::find(received, b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&received[..end]).context("head is not text")?;
        let mut lines = text.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .with_context(|| format!("not a status line: {status_line}"))?;
        let mut length = 0;
        let mut closes = status_line.starts_with("HTTP/1.0");
        for line in lines {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().context("not a content length")?;
            } else if name.eq_ignore_ascii_case("connection") {
                closes |= value.eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                bail!("answers with a transfer encoding are not understood");
            }
        }
        let body_start = end + 4;
        Ok(Some(Head {
            status,
            body_start,
            body_end: body_start + length,
            closes,
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn heads_are_parsed_when_complete() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        assert_eq!(Head::parse(&text[..20]).unwrap(), None);
        let head = Head::parse(text).unwrap().unwrap();
        assert_eq!((head.status, head.closes), (200, true));
        assert_eq!(&text[head.body_start..head.body_end], b"{}");
        assert!(Head::parse(b"nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn endpoints_give_authority_and_path() {
        let address = Address::parse("http://localhost/x").unwrap();
        assert_eq!(
            (address.authority.as_str(), address.path.as_str()),
            ("localhost:80", "/x")
        );
        assert!(Address::parse("ftp://localhost").is_err());
    }
}
