//! What a queue's owner can set.

use crate::limits::MESSAGE_BYTES_MAX;
use crate::{RedriveAllowPolicy, RedrivePolicy};

/// The settable attributes of a queue with their current values. Durations are in seconds because
/// that is how they are set and echoed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueAttributes {
    pub delay_seconds: u32,
    pub maximum_message_bytes: u32,
    pub message_retention_seconds: u32,
    pub receive_message_wait_time_seconds: u32,
    pub visibility_timeout_seconds: u32,
    /// `None` while unset, and then absent from answers. The same for the other texts.
    pub policy: Option<String>,
    pub redrive_policy: Option<RedrivePolicy>,
    pub redrive_allow_policy: Option<RedriveAllowPolicy>,
    pub kms_master_key_id: Option<String>,
    pub kms_data_key_reuse_period_seconds: u32,
    pub sqs_managed_sse_enabled: bool,
    /// `None` for a standard queue.
    pub fifo: Option<FifoAttributes>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FifoAttributes {
    pub content_based_deduplication: bool,
    pub deduplication_scope: DeduplicationScope,
    pub fifo_throughput_limit: FifoThroughputLimit,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeduplicationScope {
    #[default]
    Queue,
    MessageGroup,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FifoThroughputLimit {
    #[default]
    PerQueue,
    PerMessageGroupId,
}

impl QueueAttributes {
    pub const KMS_REUSE_SECONDS_DEFAULT: u32 = 300;

    pub fn standard() -> QueueAttributes {
        QueueAttributes {
            delay_seconds: 0,
            maximum_message_bytes: MESSAGE_BYTES_MAX as u32,
            message_retention_seconds: 345_600,
            receive_message_wait_time_seconds: 0,
            visibility_timeout_seconds: 30,
            policy: None,
            redrive_policy: None,
            redrive_allow_policy: None,
            kms_master_key_id: None,
            kms_data_key_reuse_period_seconds: Self::KMS_REUSE_SECONDS_DEFAULT,
            sqs_managed_sse_enabled: true,
            fifo: None,
        }
    }

    pub fn fifo() -> QueueAttributes {
        let fifo = FifoAttributes {
            content_based_deduplication: false,
            deduplication_scope: DeduplicationScope::default(),
            fifo_throughput_limit: FifoThroughputLimit::default(),
        };
        QueueAttributes {
            fifo: Some(fifo),
            ..QueueAttributes::standard()
        }
    }

    pub fn is_fifo(&self) -> bool {
        self.fifo.is_some()
    }
}

/// Validated values to put in place of the current ones; `None` leaves a value as it is. The inner
/// `None` of a text removes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeChanges {
    pub delay_seconds: Option<u32>,
    pub maximum_message_bytes: Option<u32>,
    pub message_retention_seconds: Option<u32>,
    pub receive_message_wait_time_seconds: Option<u32>,
    pub visibility_timeout_seconds: Option<u32>,
    pub policy: Option<Option<String>>,
    pub redrive_policy: Option<Option<RedrivePolicy>>,
    pub redrive_allow_policy: Option<Option<RedriveAllowPolicy>>,
    pub kms_master_key_id: Option<Option<String>>,
    pub kms_data_key_reuse_period_seconds: Option<u32>,
    pub sqs_managed_sse_enabled: Option<bool>,
    pub content_based_deduplication: Option<bool>,
    pub deduplication_scope: Option<DeduplicationScope>,
    pub fifo_throughput_limit: Option<FifoThroughputLimit>,
}

/// Values that cannot stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributeConflict {
    #[error("two kinds of server-side encryption")]
    TwoEncryptions,
    #[error("throughput limit per message group without deduplication in the same scope")]
    ThroughputLimitWithoutScope,
}

impl AttributeChanges {
    /// What is wrong with the attributes that the changes would make of the current ones.
    pub fn conflict_with(&self, current: &QueueAttributes) -> Option<AttributeConflict> {
        let mut after = current.clone();
        self.apply_to(&mut after);
        if after.kms_master_key_id.is_some() && self.sqs_managed_sse_enabled == Some(true) {
            return Some(AttributeConflict::TwoEncryptions);
        }
        let fifo = after.fifo?;
        let by_group = fifo.fifo_throughput_limit == FifoThroughputLimit::PerMessageGroupId;
        (by_group && fifo.deduplication_scope != DeduplicationScope::MessageGroup)
            .then_some(AttributeConflict::ThroughputLimitWithoutScope)
    }

    /// Puts the given values in place. FIFO values on a standard queue are the caller's error and
    /// refused before.
    pub fn apply_to(&self, attributes: &mut QueueAttributes) {
        fn set<T: Clone>(target: &mut T, value: &Option<T>) {
            if let Some(value) = value {
                *target = value.clone();
            }
        }
        set(&mut attributes.delay_seconds, &self.delay_seconds);
        set(
            &mut attributes.maximum_message_bytes,
            &self.maximum_message_bytes,
        );
        set(
            &mut attributes.message_retention_seconds,
            &self.message_retention_seconds,
        );
        set(
            &mut attributes.receive_message_wait_time_seconds,
            &self.receive_message_wait_time_seconds,
        );
        set(
            &mut attributes.visibility_timeout_seconds,
            &self.visibility_timeout_seconds,
        );
        set(&mut attributes.policy, &self.policy);
        set(&mut attributes.redrive_policy, &self.redrive_policy);
        set(
            &mut attributes.redrive_allow_policy,
            &self.redrive_allow_policy,
        );
        set(&mut attributes.kms_master_key_id, &self.kms_master_key_id);
        set(
            &mut attributes.kms_data_key_reuse_period_seconds,
            &self.kms_data_key_reuse_period_seconds,
        );
        set(
            &mut attributes.sqs_managed_sse_enabled,
            &self.sqs_managed_sse_enabled,
        );
        // One kind of server-side encryption at a time: a key turns the managed kind off, and it
        // stays off when the key is removed (recorded from AWS).
        if matches!(self.kms_master_key_id, Some(Some(_))) {
            attributes.sqs_managed_sse_enabled = false;
        }
        if let Some(fifo) = &mut attributes.fifo {
            set(
                &mut fifo.content_based_deduplication,
                &self.content_based_deduplication,
            );
            set(&mut fifo.deduplication_scope, &self.deduplication_scope);
            set(&mut fifo.fifo_throughput_limit, &self.fifo_throughput_limit);
        }
    }
}
