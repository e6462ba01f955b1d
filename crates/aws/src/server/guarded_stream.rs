use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::exchange::{Exchange, Phase};

/// A connection's socket that gives up on clients that are too slow for the
/// [phase](super::exchange::Phase) they are in, and tells the [`Exchange`] what the kernel took.
///
/// One timer serves all deadlines. It is set only while the socket is not ready and only moved when
/// it must ring earlier; when it rings too early it is set again. The service can change the phase
/// without a further read, so no deadline that it sets may come before that of the head.
#[derive(Debug)]
pub(super) struct GuardedStream {
    stream: TcpStream,
    exchange: Arc<Exchange>,
    timer: Option<Pin<Box<Sleep>>>,
    write_timeout: Duration,
    /// Until when the kernel must take some byte; set while it takes none.
    write_deadline: Option<Instant>,
}

impl GuardedStream {
    pub(super) fn new(
        stream: TcpStream,
        exchange: Arc<Exchange>,
        write_timeout: Duration,
    ) -> GuardedStream {
        GuardedStream {
            stream,
            exchange,
            timer: None,
            write_timeout,
            write_deadline: None,
        }
    }

    /// Ready once `deadline` has passed; wakes the task then.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(cx));
        if timer.deadline() < deadline {
            timer.as_mut().reset(deadline);
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready(())
    }

    /// After a write that took `result`, or none.
    fn after_write(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(bytes)) => {
                self.exchange.wrote(bytes);
                self.write_deadline = None;
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let write_timeout = self.write_timeout;
                let deadline = *self
                    .write_deadline
                    .get_or_insert_with(|| Instant::now() + write_timeout);
                ready!(self.poll_deadline(cx, deadline));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                if buffer.filled().len() > before {
                    self.exchange.received();
                }
                Poll::Ready(result)
            }
            Poll::Pending => {
                let (phase, deadline) = self.exchange.phase_and_deadline();
                // A write that is stuck has its own deadline and, maybe, the timer.
                let (Some(deadline), None) = (deadline, self.write_deadline) else {
                    return Poll::Pending;
                };
                ready!(self.poll_deadline(cx, deadline));
                match phase {
                    // Nobody is in the middle of anything: an end like the client's own.
                    Phase::Idle => Poll::Ready(Ok(())),
                    _ => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                }
            }
        }
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.after_write(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.after_write(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper calls this only when its own buffer is empty.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if let Some(deadline) = self.exchange.flushed() {
            // hyper has asked for the next request already, and does not ask again by itself.
            let _ = self.poll_deadline(cx, deadline);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
