use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use http::{Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::Service;

/// What a node serves to its peers, and to whom.
#[derive(Clone, Default)]
pub struct Services {
    routes: Routes,
    for_anyone: Arc<Vec<&'static str>>,
}

impl Services {
    pub fn new() -> Services {
        Services::default()
    }

    /// Adds a service that only members of the same cluster may call, and only those that know
    /// which node this is.
    #[must_use]
    pub fn for_members<S>(mut self, service: S) -> Services
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
        S: NamedService + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        self.routes = self.routes.add_service(service);
        self
    }

    /// Adds a service that needs no cluster. Callers must speak this protocol version nevertheless.
    #[must_use]
    pub fn for_anyone<S>(mut self, service: S) -> Services
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
        S: NamedService + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        Arc::make_mut(&mut self.for_anyone).push(S::NAME);
        self.for_members(service)
    }

    /// Whether a path belongs to a service for anyone.
    pub(crate) fn is_for_anyone(&self, path: &str) -> bool {
        let service = path.trim_start_matches('/').split('/').next();
        service.is_some_and(|name| self.for_anyone.contains(&name))
    }

    pub(crate) fn routes(self) -> Routes {
        self.routes.prepare()
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("for_anyone", &self.for_anyone)
            .finish_non_exhaustive()
    }
}
