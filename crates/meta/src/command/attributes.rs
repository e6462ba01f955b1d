//! AWS's names of attributes, in the order of its CreateQueue reference.

use squorum_types::{
    AttributeChanges, FifoAttributes, QueueArn, QueueAttributes, RedriveAllowPolicy,
    RedrivePermission, RedrivePolicy,
};

/// The first given attribute whose current value is another.
pub(super) fn first_difference(
    given: &AttributeChanges,
    current: &QueueAttributes,
) -> Option<&'static str> {
    let fifo = || first_fifo_difference(given, current.fifo.as_ref()?);
    first_common_difference(given, current).or_else(fifo)
}

fn first_common_difference(
    given: &AttributeChanges,
    current: &QueueAttributes,
) -> Option<&'static str> {
    // Names every field, so that a new attribute cannot be forgotten here.
    let AttributeChanges {
        delay_seconds: delay,
        maximum_message_bytes: bytes,
        message_retention_seconds: retention,
        receive_message_wait_time_seconds: wait,
        visibility_timeout_seconds: visibility,
        policy,
        redrive_policy: redrive,
        redrive_allow_policy: redrive_allow,
        kms_master_key_id: key,
        kms_data_key_reuse_period_seconds: reuse,
        sqs_managed_sse_enabled: managed,
        content_based_deduplication: _,
        deduplication_scope: _,
        fifo_throughput_limit: _,
    } = given;
    let differences = [
        differs("DelaySeconds", delay, &current.delay_seconds),
        differs("MaximumMessageSize", bytes, &current.maximum_message_bytes),
        differs(
            "MessageRetentionPeriod",
            retention,
            &current.message_retention_seconds,
        ),
        differs("Policy", policy, &current.policy),
        differs(
            "ReceiveMessageWaitTimeSeconds",
            wait,
            &current.receive_message_wait_time_seconds,
        ),
        differs(
            "VisibilityTimeout",
            visibility,
            &current.visibility_timeout_seconds,
        ),
        // What they say counts, not how it is written.
        differs(
            "RedrivePolicy",
            &redrive.as_ref().map(|policy| policy.as_ref().map(target)),
            &current.redrive_policy.as_ref().map(target),
        ),
        differs(
            "RedriveAllowPolicy",
            &redrive_allow.as_ref().map(permission),
            &permission(&current.redrive_allow_policy),
        ),
        differs("KmsMasterKeyId", key, &current.kms_master_key_id),
        differs(
            "KmsDataKeyReusePeriodSeconds",
            reuse,
            &current.kms_data_key_reuse_period_seconds,
        ),
        differs(
            "SqsManagedSseEnabled",
            managed,
            &current.sqs_managed_sse_enabled,
        ),
    ];
    differences.into_iter().find_map(|difference| difference)
}

fn target(policy: &RedrivePolicy) -> (&QueueArn, u32) {
    (&policy.target, policy.receives_max)
}

/// Without a policy all are allowed.
fn permission(policy: &Option<RedriveAllowPolicy>) -> &RedrivePermission {
    let policy = policy.as_ref();
    policy.map_or(&RedrivePermission::AllowAll, |policy| &policy.permission)
}

fn first_fifo_difference(
    given: &AttributeChanges,
    current: &FifoAttributes,
) -> Option<&'static str> {
    let differences = [
        differs(
            CONTENT_BASED_DEDUPLICATION,
            &given.content_based_deduplication,
            &current.content_based_deduplication,
        ),
        differs(
            DEDUPLICATION_SCOPE,
            &given.deduplication_scope,
            &current.deduplication_scope,
        ),
        differs(
            FIFO_THROUGHPUT_LIMIT,
            &given.fifo_throughput_limit,
            &current.fifo_throughput_limit,
        ),
    ];
    differences.into_iter().find_map(|difference| difference)
}

fn differs<T: PartialEq>(
    name: &'static str,
    given: &Option<T>,
    current: &T,
) -> Option<&'static str> {
    let given = given.as_ref()?;
    (given != current).then_some(name)
}

const CONTENT_BASED_DEDUPLICATION: &str = "ContentBasedDeduplication";
const DEDUPLICATION_SCOPE: &str = "DeduplicationScope";
const FIFO_THROUGHPUT_LIMIT: &str = "FifoThroughputLimit";

/// The first given attribute that only a FIFO queue has.
pub(super) fn first_fifo_only(given: &AttributeChanges) -> Option<&'static str> {
    if given.content_based_deduplication.is_some() {
        Some(CONTENT_BASED_DEDUPLICATION)
    } else if given.deduplication_scope.is_some() {
        Some(DEDUPLICATION_SCOPE)
    } else if given.fifo_throughput_limit.is_some() {
        Some(FIFO_THROUGHPUT_LIMIT)
    } else {
        None
    }
}
