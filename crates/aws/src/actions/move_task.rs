//! What the actions on move tasks share: ARNs and task handles.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use squorum_types::service::{QueueInfo, QueueService, ServiceError};
use squorum_types::{MessageId, QueueArn};

use crate::context::Context;
use crate::error::ApiError;

const SOURCE_ARN: &str = "SourceArn";

/// A task and its queue, as AWS writes them into a handle.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskHandle {
    pub(super) task_id: String,
    pub(super) source_arn: String,
}

impl TaskHandle {
    pub(super) fn new(task_id: [u8; 16], source: &QueueArn) -> TaskHandle {
        TaskHandle {
            task_id: MessageId(task_id).to_string(),
            source_arn: source.to_string(),
        }
    }

    pub(super) fn encode(&self) -> Result<String, ApiError> {
        let json = serde_json::to_vec(self).map_err(|_| ApiError::Internal)?;
        Ok(STANDARD.encode(json))
    }

    pub(super) fn decode(text: &str) -> Result<TaskHandle, ApiError> {
        let json = STANDARD.decode(text).ok();
        let handle = json.and_then(|json| serde_json::from_slice(&json).ok());
        handle.ok_or(ApiError::ParameterRefused(
            "Value for parameter TaskHandle is invalid.",
        ))
    }

    /// The id's bytes; `None` if it is no UUID.
    pub(super) fn id(&self) -> Option<[u8; 16]> {
        let digits = self.task_id.replace('-', "");
        let number = u128::from_str_radix(&digits, 16).ok();
        number.filter(|_| digits.len() == 32).map(u128::to_be_bytes)
    }
}

pub(super) fn parse_arn(text: &str, parameter: &'static str) -> Result<QueueArn, ApiError> {
    QueueArn::parse(text).ok_or_else(|| {
        ApiError::invalid(
            text,
            parameter,
            "You must use this format to specify the ARN: \
             arn:aws:sqs:<region>:<account-id>:<queue-name>.",
        )
    })
}

/// The queue that a request moves messages from.
pub(super) async fn source_queue<S: QueueService>(
    context: &Context<'_, S>,
    arn: &str,
) -> Result<Arc<QueueInfo>, ApiError> {
    let arn = parse_arn(arn, SOURCE_ARN)?;
    let missing = ApiError::ResourceDoesNotExist {
        parameter: SOURCE_ARN,
    };
    if arn.region != context.caller.region {
        return Err(missing);
    }
    let found = context
        .service
        .find_queue(context.caller, &arn.account, &arn.name);
    found.await.map_err(|error| match error {
        ServiceError::QueueDoesNotExist => missing,
        error => error.into(),
    })
}
