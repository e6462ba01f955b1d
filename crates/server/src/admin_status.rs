//! `GET /status` and `GET /status/queue`: how the cluster is, and where a queue lies, as JSON.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use squorum_node::{ClusterStatus, PartitionPlace};
use squorum_store::Store;
use squorum_types::service::ServiceError;
use squorum_types::{AccountId, QueueName, Region};

use crate::admin::AdminState;
use crate::admin_answer::{json, refusal};
use crate::status::{PartitionLocation, QueueLocation};

/// Always 200: what is wrong with the cluster is in the answer.
pub(crate) async fn status<S: Store>(State(state): State<AdminState<S>>) -> Response {
    json(&match state.running() {
        Some(running) => running.node.status(),
        None => ClusterStatus::waiting(Some(state.waits_for())),
    })
}

/// The queue that is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct QueueQuery {
    name: String,
    account: Option<String>,
    region: Option<String>,
}

pub(crate) async fn queue<S: Store>(
    State(state): State<AdminState<S>>,
    Query(query): Query<QueueQuery>,
) -> Response {
    let Some((account, region, name)) = query.parse() else {
        return refusal(
            StatusCode::BAD_REQUEST,
            "no such name, account or region can be",
        );
    };
    let Some(running) = state.running() else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, &state.waits_for());
    };
    let places = running
        .node
        .locate_queue(account.clone(), region, name.clone());
    match places.await {
        Ok(places) => json(&QueueLocation {
            name: name.as_str().to_owned(),
            account: account.as_str().to_owned(),
            partitions: places.iter().map(location).collect(),
        }),
        Err(ServiceError::QueueDoesNotExist) => {
            refusal(StatusCode::NOT_FOUND, "the queue does not exist")
        }
        Err(error) => refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

impl QueueQuery {
    fn parse(&self) -> Option<(AccountId, Region, QueueName)> {
        let account = self.account.as_deref().unwrap_or(AccountId::DEFAULT);
        let region = self.region.as_deref().unwrap_or(Region::DEFAULT);
        let name = QueueName::parse(&self.name).ok()?;
        Some((AccountId::parse(account)?, Region::parse(region)?, name))
    }
}

fn location(place: &PartitionPlace) -> PartitionLocation {
    PartitionLocation {
        partition: place.partition,
        shard: place.shard.0,
        leader: place.leader.map(|node| node.to_string()),
    }
}
