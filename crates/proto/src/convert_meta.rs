//! Conversions of what the control group keeps about queues.

use squorum_types::service::QueueInfo;
use squorum_types::{
    AccountId, AttributeChanges, DeduplicationScope, FifoAttributes, FifoThroughputLimit,
    QueueAttributes, QueueId, QueueName, RedriveAllowPolicy, RedrivePolicy, Region, Timestamp,
};

use crate::{MalformedError, meta};

fn scope(message_group: bool) -> DeduplicationScope {
    if message_group {
        DeduplicationScope::MessageGroup
    } else {
        DeduplicationScope::Queue
    }
}

fn throughput_limit(per_message_group: bool) -> FifoThroughputLimit {
    if per_message_group {
        FifoThroughputLimit::PerMessageGroupId
    } else {
        FifoThroughputLimit::PerQueue
    }
}

impl From<&QueueAttributes> for meta::QueueAttributes {
    fn from(attributes: &QueueAttributes) -> Self {
        meta::QueueAttributes {
            delay_seconds: attributes.delay_seconds,
            maximum_message_bytes: attributes.maximum_message_bytes,
            message_retention_seconds: attributes.message_retention_seconds,
            receive_message_wait_time_seconds: attributes.receive_message_wait_time_seconds,
            visibility_timeout_seconds: attributes.visibility_timeout_seconds,
            policy: attributes.policy.clone(),
            redrive_policy: attributes.redrive_policy.as_ref().map(Into::into),
            redrive_allow_policy: attributes.redrive_allow_policy.as_ref().map(Into::into),
            kms_master_key_id: attributes.kms_master_key_id.clone(),
            kms_data_key_reuse_period_seconds: attributes.kms_data_key_reuse_period_seconds,
            sqs_managed_sse_enabled: attributes.sqs_managed_sse_enabled,
            fifo: attributes.fifo.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<&meta::QueueAttributes> for QueueAttributes {
    type Error = MalformedError;

    fn try_from(attributes: &meta::QueueAttributes) -> Result<Self, MalformedError> {
        let redrive = attributes.redrive_policy.as_ref().map(TryInto::try_into);
        let allow = attributes.redrive_allow_policy.as_ref();
        Ok(QueueAttributes {
            delay_seconds: attributes.delay_seconds,
            maximum_message_bytes: attributes.maximum_message_bytes,
            message_retention_seconds: attributes.message_retention_seconds,
            receive_message_wait_time_seconds: attributes.receive_message_wait_time_seconds,
            visibility_timeout_seconds: attributes.visibility_timeout_seconds,
            policy: attributes.policy.clone(),
            redrive_policy: redrive.transpose()?,
            redrive_allow_policy: allow.map(TryInto::try_into).transpose()?,
            kms_master_key_id: attributes.kms_master_key_id.clone(),
            kms_data_key_reuse_period_seconds: attributes.kms_data_key_reuse_period_seconds,
            sqs_managed_sse_enabled: attributes.sqs_managed_sse_enabled,
            fifo: attributes.fifo.as_ref().map(Into::into),
        })
    }
}

impl From<&FifoAttributes> for meta::FifoAttributes {
    fn from(fifo: &FifoAttributes) -> Self {
        meta::FifoAttributes {
            content_based_deduplication: fifo.content_based_deduplication,
            deduplication_scope_message_group: fifo.deduplication_scope
                == DeduplicationScope::MessageGroup,
            throughput_limit_per_message_group: fifo.fifo_throughput_limit
                == FifoThroughputLimit::PerMessageGroupId,
        }
    }
}

impl From<&meta::FifoAttributes> for FifoAttributes {
    fn from(fifo: &meta::FifoAttributes) -> Self {
        FifoAttributes {
            content_based_deduplication: fifo.content_based_deduplication,
            deduplication_scope: scope(fifo.deduplication_scope_message_group),
            fifo_throughput_limit: throughput_limit(fifo.throughput_limit_per_message_group),
        }
    }
}

impl From<&AttributeChanges> for meta::AttributeChanges {
    fn from(changes: &AttributeChanges) -> Self {
        let text = |change: &Option<Option<String>>| {
            change
                .as_ref()
                .map(|text| meta::TextChange { text: text.clone() })
        };
        let redrive = changes.redrive_policy.as_ref();
        let allow = changes.redrive_allow_policy.as_ref();
        meta::AttributeChanges {
            delay_seconds: changes.delay_seconds,
            maximum_message_bytes: changes.maximum_message_bytes,
            message_retention_seconds: changes.message_retention_seconds,
            receive_message_wait_time_seconds: changes.receive_message_wait_time_seconds,
            visibility_timeout_seconds: changes.visibility_timeout_seconds,
            policy: text(&changes.policy),
            redrive_policy: redrive.map(|policy| meta::RedrivePolicyChange {
                policy: policy.as_ref().map(Into::into),
            }),
            redrive_allow_policy: allow.map(|policy| meta::RedriveAllowPolicyChange {
                policy: policy.as_ref().map(Into::into),
            }),
            kms_master_key_id: text(&changes.kms_master_key_id),
            kms_data_key_reuse_period_seconds: changes.kms_data_key_reuse_period_seconds,
            sqs_managed_sse_enabled: changes.sqs_managed_sse_enabled,
            content_based_deduplication: changes.content_based_deduplication,
            deduplication_scope_message_group: changes
                .deduplication_scope
                .map(|scope| scope == DeduplicationScope::MessageGroup),
            throughput_limit_per_message_group: changes
                .fifo_throughput_limit
                .map(|limit| limit == FifoThroughputLimit::PerMessageGroupId),
        }
    }
}

impl TryFrom<&meta::AttributeChanges> for AttributeChanges {
    type Error = MalformedError;

    fn try_from(changes: &meta::AttributeChanges) -> Result<Self, MalformedError> {
        let text = |change: &Option<meta::TextChange>| change.as_ref().map(|it| it.text.clone());
        let redrive = changes.redrive_policy.as_ref().map(|change| {
            let policy = change.policy.as_ref();
            policy.map(RedrivePolicy::try_from).transpose()
        });
        let allow = changes.redrive_allow_policy.as_ref().map(|change| {
            let policy = change.policy.as_ref();
            policy.map(RedriveAllowPolicy::try_from).transpose()
        });
        Ok(AttributeChanges {
            delay_seconds: changes.delay_seconds,
            maximum_message_bytes: changes.maximum_message_bytes,
            message_retention_seconds: changes.message_retention_seconds,
            receive_message_wait_time_seconds: changes.receive_message_wait_time_seconds,
            visibility_timeout_seconds: changes.visibility_timeout_seconds,
            policy: text(&changes.policy),
            redrive_policy: redrive.transpose()?,
            redrive_allow_policy: allow.transpose()?,
            kms_master_key_id: text(&changes.kms_master_key_id),
            kms_data_key_reuse_period_seconds: changes.kms_data_key_reuse_period_seconds,
            sqs_managed_sse_enabled: changes.sqs_managed_sse_enabled,
            content_based_deduplication: changes.content_based_deduplication,
            deduplication_scope: changes.deduplication_scope_message_group.map(scope),
            fifo_throughput_limit: changes
                .throughput_limit_per_message_group
                .map(throughput_limit),
        })
    }
}

impl From<&QueueInfo> for meta::QueueInfo {
    fn from(info: &QueueInfo) -> Self {
        meta::QueueInfo {
            id: info.id.0,
            account: info.account.as_str().to_owned(),
            region: info.region.as_str().to_owned(),
            name: info.name.as_str().to_owned(),
            version: info.version,
            attributes: Some((&info.attributes).into()),
            deduplicates_by_group: info.deduplicates_by_group,
            partition_count: info.partition_count.into(),
            created_at_ms: info.created_at.0,
            modified_at_ms: info.modified_at.0,
        }
    }
}

impl TryFrom<&meta::QueueInfo> for QueueInfo {
    type Error = MalformedError;

    fn try_from(info: &meta::QueueInfo) -> Result<Self, MalformedError> {
        let attributes = info
            .attributes
            .as_ref()
            .ok_or(MalformedError("queue attributes"))?;
        let partition_count =
            u16::try_from(info.partition_count).map_err(|_| MalformedError("partition count"))?;
        Ok(QueueInfo {
            id: QueueId(info.id),
            account: AccountId::parse(&info.account).ok_or(MalformedError("account"))?,
            region: Region::parse(&info.region).ok_or(MalformedError("region"))?,
            name: QueueName::parse(&info.name).map_err(|_| MalformedError("queue name"))?,
            version: info.version,
            attributes: attributes.try_into()?,
            deduplicates_by_group: info.deduplicates_by_group,
            partition_count,
            created_at: Timestamp(info.created_at_ms),
            modified_at: Timestamp(info.modified_at_ms),
        })
    }
}
