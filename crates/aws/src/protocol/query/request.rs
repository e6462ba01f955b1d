use bytes::Bytes;
use http::request::Parts;

use super::parameters::Parameter;
use super::{Notation, reader, sts};
use crate::error::{ApiError, echo};
use crate::generated::Action;
use crate::protocol::Asked;
use crate::validation::QueueAddress;

/// Reads parameters behind the question mark and in the body, of which the latter count more, and
/// makes the body of them that the request would have in AWS JSON 1.0.
pub(crate) fn read(head: &Parts, body: &[u8], notation: Notation) -> Result<Asked, ApiError> {
    let query = head.uri.query().unwrap_or("");
    let parameters = Parameter::read(&[query.as_bytes(), body])?;
    let name = match parameters.text("Action") {
        None | Some("") => return Ok(Asked::Nothing),
        Some(name) => name,
    };
    let version = parameters.text("Version").unwrap_or("");
    if name == sts::ACTION && matches!(version, "" | sts::VERSION) {
        return Ok(Asked::CallerIdentity(notation));
    }
    let action = Action::parse(name).filter(|action| {
        version != sts::VERSION && !(is_of_account(*action) && is_path_of_queue(head.uri.path()))
    });
    let action = action.ok_or_else(|| ApiError::UnknownAction { action: echo(name) })?;
    let json = reader::to_json(action.request_layout(), &parameters);
    let json = serde_json::to_vec(&json).map_err(|_| ApiError::Internal)?;
    Ok(Asked::Action(action, Bytes::from(json)))
}

/// A queue's own path takes only what concerns that queue (recorded from AWS).
fn is_of_account(action: Action) -> bool {
    matches!(action, Action::CreateQueue | Action::ListQueues)
}

fn is_path_of_queue(path: &str) -> bool {
    QueueAddress::parse(path).is_ok_and(|address| address.account.is_some())
}
