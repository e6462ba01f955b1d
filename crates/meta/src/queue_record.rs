use squorum_proto::{MalformedError, meta as proto};
use squorum_types::service::QueueInfo;
use squorum_types::{AccountId, QueueArn, QueueName, Region, Timestamp};

use crate::RequestId;

/// What a queue is found by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueKey {
    pub account: AccountId,
    pub region: Region,
    pub name: QueueName,
}

impl From<&QueueArn> for QueueKey {
    fn from(arn: &QueueArn) -> QueueKey {
        QueueKey {
            account: arn.account.clone(),
            region: arn.region.clone(),
            name: arn.name.clone(),
        }
    }
}

impl From<&QueueKey> for QueueArn {
    fn from(key: &QueueKey) -> QueueArn {
        QueueArn {
            region: key.region.clone(),
            account: key.account.clone(),
            name: key.name.clone(),
        }
    }
}

impl QueueKey {
    pub fn of(info: &QueueInfo) -> QueueKey {
        QueueKey {
            account: info.account.clone(),
            region: info.region.clone(),
            name: info.name.clone(),
        }
    }
}

/// A queue and what meta remembers about the calls that changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRecord {
    pub info: QueueInfo,
    /// Deleted, and not yet dropped by every shard. Its name no longer leads here.
    pub dropping: bool,
    /// Rises with every purge, 0 before the first.
    pub purge_id: u64,
    pub purged_at: Timestamp,
    pub(crate) created_by: RequestId,
    /// Of the last change of attributes, and of the last purge.
    pub(crate) set_by: Option<RequestId>,
    pub(crate) purged_by: Option<RequestId>,
}

impl From<&QueueRecord> for proto::QueueRow {
    fn from(record: &QueueRecord) -> Self {
        let request = |id: Option<RequestId>| id.map(RequestId::encode).unwrap_or_default();
        proto::QueueRow {
            info: Some((&record.info).into()),
            dropping: record.dropping,
            create_request_id: record.created_by.encode(),
            set_request_id: request(record.set_by),
            purge_request_id: request(record.purged_by),
            purge_id: record.purge_id,
            purged_at_ms: record.purged_at.0,
        }
    }
}

impl TryFrom<&proto::QueueRow> for QueueRecord {
    type Error = MalformedError;

    fn try_from(row: &proto::QueueRow) -> Result<Self, MalformedError> {
        let info = row.info.as_ref().ok_or(MalformedError("queue info"))?;
        Ok(QueueRecord {
            info: info.try_into()?,
            dropping: row.dropping,
            purge_id: row.purge_id,
            purged_at: Timestamp(row.purged_at_ms),
            created_by: RequestId::decode(&row.create_request_id)?,
            set_by: RequestId::decode_optional(&row.set_request_id)?,
            purged_by: RequestId::decode_optional(&row.purge_request_id)?,
        })
    }
}
