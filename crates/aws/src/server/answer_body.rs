use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::exchange::{Exchange, Outgoing};

/// An answer's body in one piece. As hyper takes the piece, what hangs on the answer goes to the
/// [`Exchange`]; if hyper never takes it, it is dropped and so undone.
#[derive(Debug)]
pub(super) struct AnswerBody {
    bytes: Bytes,
    outgoing: Option<Outgoing>,
    exchange: Arc<Exchange>,
}

impl AnswerBody {
    pub(super) fn new(bytes: Bytes, outgoing: Outgoing, exchange: Arc<Exchange>) -> AnswerBody {
        AnswerBody {
            bytes,
            outgoing: Some(outgoing),
            exchange,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        let bytes = std::mem::take(&mut self.bytes);
        if let Some(outgoing) = self.outgoing.take() {
            self.exchange.hand_over(outgoing, bytes.len() as u64);
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
