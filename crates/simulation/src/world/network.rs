//! The simulated network behind the seams of `squorum-peer`.

use std::io;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, Stream};
use squorum_peer::{BoxedIo, Dialer};
use turmoil::net::{TcpListener, TcpStream};

/// Where every node listens for its peers.
pub const PEER_PORT: u16 = 9326;

/// Dials other hosts of the simulation.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimDialer;

impl Dialer for SimDialer {
    fn dial(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedIo>> {
        let address = address.to_owned();
        async move {
            let stream = TcpStream::connect(address).await?;
            Ok(Box::new(stream) as BoxedIo)
        }
        .boxed()
    }
}

/// The connections that other hosts make to this one.
pub async fn listen() -> io::Result<impl Stream<Item = io::Result<BoxedIo>> + Send> {
    let listener = TcpListener::bind(("0.0.0.0", PEER_PORT)).await?;
    Ok(stream::unfold(listener, async |listener| {
        let accepted = listener.accept().await;
        let io = accepted.map(|(stream, _)| Box::new(stream) as BoxedIo);
        Some((io, listener))
    }))
}

/// How others reach a host's node.
pub fn address_of(host: &str) -> String {
    format!("{host}:{PEER_PORT}")
}
