//! `POST /nodes`: members come, go and are replaced.
//!
//! The body has to be declared as JSON, which keeps web pages of other origins from asking.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use squorum_node::{AdministrationError, Node};
use squorum_store::Store;
use squorum_types::NodeId;
use squorum_types::service::ServiceError;

use crate::admin::AdminState;
use crate::admin_answer::{json, refusal};
use crate::node_command::{NodeChange, NodeChanged, node_id};

const JSON: &str = "application/json";

pub(crate) async fn change<S: Store>(
    State(state): State<AdminState<S>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE);
    let essence = content_type.and_then(|value| value.to_str().ok()?.split(';').next());
    if essence.is_none_or(|essence| essence.trim() != JSON) {
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be JSON");
    }
    let change = match serde_json::from_slice(&body) {
        Ok(change) => change,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let Some(running) = state.running() else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, &state.waits_for());
    };
    match make(&running.node, &change).await {
        Ok(node) => json(&NodeChanged {
            node: node.to_string(),
        }),
        Err(Refusal::Malformed(reason)) => refusal(StatusCode::BAD_REQUEST, &reason),
        Err(Refusal::Refused(error)) => {
            let status = match &error {
                AdministrationError::Service(ServiceError::Internal { .. }) => {
                    StatusCode::INTERNAL_SERVER_ERROR
                }
                AdministrationError::Service(_) => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::CONFLICT,
            };
            refusal(status, &error.to_string())
        }
    }
}

enum Refusal {
    Malformed(String),
    Refused(AdministrationError),
}

/// Answers the node that comes or goes.
async fn make<S: Store>(node: &Node<S>, change: &NodeChange) -> Result<NodeId, Refusal> {
    let id = |text: &str| node_id(text).map_err(Refusal::Malformed);
    let result = match change {
        NodeChange::Add { node: new } => node.add_node(id(new)?).await,
        NodeChange::Replace { lost, with } => {
            let with = with.as_deref().map(id).transpose()?;
            node.replace_node(id(lost)?, with).await
        }
        NodeChange::Drain { node: leaving } => {
            let leaving = id(leaving)?;
            node.drain_node(leaving).await.map(|()| leaving)
        }
        NodeChange::Remove { node: lost } => {
            let lost = id(lost)?;
            node.remove_node(lost).await.map(|()| lost)
        }
    };
    result.map_err(Refusal::Refused)
}
