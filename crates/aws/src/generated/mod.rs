//! What `codegen/generate.py` makes of the service model: the request and response structures of
//! all actions, how they travel in the Query protocol, the names of actions and attributes, and the
//! error table. Adding an action is adding its handler.

#![allow(
    dead_code,
    reason = "errors and members of the model that nothing here needs"
)]

mod error_shape;
mod layouts;
mod names;
mod shapes;

pub(crate) use error_shape::ErrorShape;
pub(crate) use names::{Action, MessageSystemAttributeName, QueueAttributeName};
pub(crate) use shapes::*;
