use bytes::{Buf as _, Bytes, BytesMut};
use httparse::{InvalidChunkSize, Status};

const HEADERS_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error("head: {0}")]
    Head(#[from] httparse::Error),
    #[error("not a content length")]
    Length,
    #[error("not a chunk size")]
    ChunkSize,
}

impl From<InvalidChunkSize> for AnswerError {
    fn from(_: InvalidChunkSize) -> AnswerError {
        AnswerError::ChunkSize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Of the head itself.
    pub(crate) bytes: usize,
    /// The server closes the connection behind this answer.
    pub(crate) closes: bool,
    framing: Framing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

impl Head {
    /// `None` until all of the head is there.
    pub(crate) fn parse(received: &[u8]) -> Result<Option<Head>, AnswerError> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        let Status::Complete(bytes) = response.parse(received)? else {
            return Ok(None);
        };
        let status = response.code.unwrap_or_default();
        let mut closes = response.version == Some(0);
        let has_no_body = status < 200 || status == 204 || status == 304;
        let mut framing = if has_no_body {
            Framing::Length(0)
        } else {
            Framing::UntilClose
        };
        for header in response.headers.iter() {
            let is = |value: &str| {
                header
                    .value
                    .trim_ascii()
                    .eq_ignore_ascii_case(value.as_bytes())
            };
            if header.name.eq_ignore_ascii_case("content-length") {
                let value = str::from_utf8(header.value).map_err(|_| AnswerError::Length)?;
                let length = value.trim().parse().map_err(|_| AnswerError::Length)?;
                if framing == Framing::UntilClose {
                    framing = Framing::Length(length);
                }
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") && is("chunked") {
                framing = Framing::Chunked;
            } else if header.name.eq_ignore_ascii_case("connection") {
                closes = is("close") || closes && !is("keep-alive");
            }
        }
        Ok(Some(Head {
            status,
            bytes,
            closes: closes || framing == Framing::UntilClose,
            framing,
        }))
    }

    /// An answer before the answer, such as 100 Continue.
    pub(crate) fn is_interim(&self) -> bool {
        self.status < 200
    }

    /// Takes the body from what came behind the head; `None` until all of it is there.
    pub(crate) fn take_body(
        &self,
        received: &mut BytesMut,
        is_end: bool,
    ) -> Result<Option<Bytes>, AnswerError> {
        match self.framing {
            Framing::Length(length) if received.len() < length => Ok(None),
            Framing::Length(length) => Ok(Some(received.split_to(length).freeze())),
            Framing::Chunked => take_chunks(received),
            Framing::UntilClose => Ok(is_end.then(|| received.split().freeze())),
        }
    }
}

/// Looks at all chunks again whenever more came: answers are small and mostly come as a whole.
fn take_chunks(received: &mut BytesMut) -> Result<Option<Bytes>, AnswerError> {
    let mut body = BytesMut::new();
    let mut rest: &[u8] = received;
    loop {
        let Status::Complete((head_bytes, size)) = httparse::parse_chunk_size(rest)? else {
            return Ok(None);
        };
        rest = &rest[head_bytes..];
        let size = usize::try_from(size).map_err(|_| AnswerError::ChunkSize)?;
        if size == 0 {
            break;
        }
        let Some(chunk) = rest.get(..size) else {
            return Ok(None);
        };
        body.extend_from_slice(chunk);
        let Some(next) = rest.get(size.saturating_add(2)..) else {
            return Ok(None);
        };
        rest = next;
    }
    // Trailers, if any, end with an empty line.
    let Some(trailer_bytes) = end_of_trailers(rest) else {
        return Ok(None);
    };
    let bytes = received.len() - rest.len() + trailer_bytes;
    received.advance(bytes);
    Ok(Some(body.freeze()))
}

fn end_of_trailers(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"\r\n") {
        return Some(2);
    }
    memchr::memmem::find(text, b"\r\n\r\n").map(|end| end + 4)
}

#[cfg(test)]
#[path = "answer_test.rs"]
mod tests;
