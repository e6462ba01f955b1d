use std::io;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A byte stream between two nodes.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

pub type BoxedIo = Box<dyn Io>;

/// Seam: how an address becomes a byte stream. [`TcpDialer`] is the real one; simulations bring
/// their own.
pub trait Dialer: Send + Sync + 'static {
    /// Connects to `address`, which is a `host:port`. Whoever calls sets the deadline.
    fn dial(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedIo>>;
}

/// Dials over TCP. Names are resolved at every attempt: a container that restarts may have another
/// address.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpDialer;

impl Dialer for TcpDialer {
    fn dial(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedIo>> {
        let address = address.to_owned();
        async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxedIo)
        }
        .boxed()
    }
}

/// Dials under a deadline.
pub(crate) async fn dial(
    dialing: BoxFuture<'static, io::Result<BoxedIo>>,
    timeout: Duration,
) -> io::Result<BoxedIo> {
    tokio::time::timeout(timeout, dialing)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
