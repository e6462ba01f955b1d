use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use squorum_types::NodeId;
use tonic::body::Body;
use tower::Service;

use crate::error::ConnectError;
use crate::greeting::Greeting;
use crate::link::Link;
use crate::peers::Identity;

/// One lane to a peer, for one of tonic's generated clients. Cheap to clone; clones share the
/// connection. Dials when it is first used, and again whenever the connection has failed.
#[derive(Clone)]
pub struct Connection {
    link: Arc<Link>,
    identity: Arc<Identity>,
    target: Option<NodeId>,
}

impl Connection {
    pub(crate) fn new(
        link: Arc<Link>,
        identity: Arc<Identity>,
        target: Option<NodeId>,
    ) -> Connection {
        Connection {
            link,
            identity,
            target,
        }
    }

    /// The connection that is used now, so that a failure found later can be pinned on it.
    pub fn generation(&self) -> u64 {
        self.link.generation()
    }

    /// The connection of that generation failed, or did not answer in time: it is used no more.
    pub fn failed(&self, generation: u64) {
        self.link.failed(generation);
    }

    fn greeting(&self) -> Greeting {
        self.identity.greeting(self.target)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("target", &self.target)
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

impl Service<Request<Body>> for Connection {
    type Response = Response<Incoming>;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Self::Response, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        self.greeting().insert_into(request.headers_mut());
        *request.uri_mut() = self.link.absolute(std::mem::take(request.uri_mut()));
        Arc::clone(&self.link).send(request).boxed()
    }
}
