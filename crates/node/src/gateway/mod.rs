//! Between gateways and leaders: what a gateway cannot do on its own node it asks of the node that
//! leads, in one hop.
//!
//! ```text
//!  route, meta ──► LeaderClient ══ peers' port ══► GatewayServer ──► proposer, board, meta
//! ```

mod client;
mod convert;
mod peek;
mod server;

pub(crate) use self::client::LeaderClient;
pub(crate) use self::peek::PeekQuestion;
pub(crate) use self::server::GatewayServer;
