//! A service that answers what it was asked, and the nodes that serve it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::uri::PathAndQuery;
use http::{Request, Response};
use squorum_peer::{
    BoxedIo, CallError, Connection, Dialer, Peers, Services, TcpDialer, accept, call, caller, serve,
};
use squorum_types::NodeId;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{NamedService, UnaryService};
use tower::Service;

pub(crate) const CLUSTER: [u8; 16] = [7; 16];
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// Answers `<caller>:<body>`; a body of `sleep` never.
#[derive(Clone, Default)]
pub(crate) struct Echo {
    pub(crate) calls: Arc<AtomicU64>,
}

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = BoxFuture<'static, Result<tonic::Response<Bytes>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let from = caller(&request).map_or(0, |node| node.0);
        let body = request.into_inner();
        async move {
            match body.as_ref() {
                b"sleep" => std::future::pending().await,
                b"refuse" => Err(Status::resource_exhausted("as asked for")),
                body => {
                    let answer = [format!("{from}:").as_bytes(), body].concat();
                    Ok(tonic::Response::new(answer.into()))
                }
            }
        }
        .boxed()
    }
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let echo = self.clone();
        async move { Ok(tonic::server::Grpc::new(Raw).unary(echo, request).await) }.boxed()
    }
}

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

/// The same for anyone.
#[derive(Clone, Default)]
struct OpenEcho(Echo);

impl Service<Request<Body>> for OpenEcho {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Service::call(&mut self.0, request)
    }
}

impl NamedService for OpenEcho {
    const NAME: &'static str = "test.OpenEcho";
}

/// A node that serves.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) echo: Echo,
    pub(crate) peers: Peers,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Node {
    pub(crate) async fn start(id: u64, cluster: Option<[u8; 16]>) -> Node {
        Node::start_at(id, cluster, "127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn start_at(id: u64, cluster: Option<[u8; 16]>, address: SocketAddr) -> Node {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let peers = peers(id, cluster);
        let echo = Echo::default();
        let services = Services::new()
            .for_members(echo.clone())
            .for_anyone(OpenEcho(echo.clone()));
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve(peers.clone(), accept(listener), services, async {
            let _ = stopped.await;
        }));
        Node {
            address,
            echo,
            peers,
            stop,
            served,
        }
    }

    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.served.await.unwrap();
    }
}

pub(crate) fn peers(id: u64, cluster: Option<[u8; 16]>) -> Peers {
    peers_over(id, cluster, Arc::new(TcpDialer))
}

pub(crate) fn peers_over(id: u64, cluster: Option<[u8; 16]>, dialer: Arc<dyn Dialer>) -> Peers {
    let peers = Peers::new(NodeId(id), 1, dialer);
    if let Some(cluster) = cluster {
        peers.set_cluster(cluster);
    }
    peers
}

/// Calls the service for members.
pub(crate) async fn ask(connection: &Connection, body: &str) -> Result<String, CallError> {
    ask_within(connection, "/test.Echo/Ask", body, PATIENCE).await
}

/// Calls the service for anyone.
pub(crate) async fn ask_as_anyone(
    connection: &Connection,
    body: &str,
) -> Result<String, CallError> {
    ask_within(connection, "/test.OpenEcho/Ask", body, PATIENCE).await
}

pub(crate) async fn ask_within(
    connection: &Connection,
    path: &'static str,
    body: &str,
    timeout: Duration,
) -> Result<String, CallError> {
    let mut client = tonic::client::Grpc::new(connection.clone());
    let request = tonic::Request::new(Bytes::copy_from_slice(body.as_bytes()));
    let path = PathAndQuery::from_static(path);
    let answer = call(connection, timeout, client.unary(request, path, Raw)).await?;
    Ok(String::from_utf8(answer.to_vec()).unwrap())
}

/// Dials over TCP. While it is deaf, connections are made and nothing is ever heard on them.
#[derive(Clone, Default)]
pub(crate) struct Switch {
    pub(crate) is_deaf: Arc<AtomicBool>,
    pub(crate) dials: Arc<AtomicU64>,
}

impl Dialer for Switch {
    fn dial(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedIo>> {
        self.dials.fetch_add(1, Ordering::SeqCst);
        if !self.is_deaf.load(Ordering::SeqCst) {
            return TcpDialer.dial(address);
        }
        async {
            let (near, far) = tokio::io::duplex(1 << 16);
            // Held for ever, so that the stream neither ends nor says anything.
            std::mem::forget(far);
            Ok(Box::new(near) as BoxedIo)
        }
        .boxed()
    }
}
