//! AWS's names of attributes, in the order of its CreateQueue reference.

use squorum_types::{AttributeChanges, QueueAttributes};

/// The first given attribute whose current value is another.
pub(super) fn first_difference(
    given: &AttributeChanges,
    current: &QueueAttributes,
) -> Option<&'static str> {
    fn differs<T: PartialEq>(given: &Option<T>, current: &T) -> bool {
        given.as_ref().is_some_and(|given| given != current)
    }
    let fifo = current.fifo.as_ref();
    let differences = [
        (
            "DelaySeconds",
            differs(&given.delay_seconds, &current.delay_seconds),
        ),
        (
            "MaximumMessageSize",
            differs(&given.maximum_message_bytes, &current.maximum_message_bytes),
        ),
        (
            "MessageRetentionPeriod",
            differs(
                &given.message_retention_seconds,
                &current.message_retention_seconds,
            ),
        ),
        ("Policy", differs(&given.policy, &current.policy)),
        (
            "ReceiveMessageWaitTimeSeconds",
            differs(
                &given.receive_message_wait_time_seconds,
                &current.receive_message_wait_time_seconds,
            ),
        ),
        (
            "VisibilityTimeout",
            differs(
                &given.visibility_timeout_seconds,
                &current.visibility_timeout_seconds,
            ),
        ),
        (
            "KmsMasterKeyId",
            differs(&given.kms_master_key_id, &current.kms_master_key_id),
        ),
        (
            "KmsDataKeyReusePeriodSeconds",
            differs(
                &given.kms_data_key_reuse_period_seconds,
                &current.kms_data_key_reuse_period_seconds,
            ),
        ),
        (
            "SqsManagedSseEnabled",
            differs(
                &given.sqs_managed_sse_enabled,
                &current.sqs_managed_sse_enabled,
            ),
        ),
        (
            "ContentBasedDeduplication",
            fifo.is_some_and(|fifo| {
                differs(
                    &given.content_based_deduplication,
                    &fifo.content_based_deduplication,
                )
            }),
        ),
        (
            "DeduplicationScope",
            fifo.is_some_and(|fifo| differs(&given.deduplication_scope, &fifo.deduplication_scope)),
        ),
        (
            "FifoThroughputLimit",
            fifo.is_some_and(|fifo| {
                differs(&given.fifo_throughput_limit, &fifo.fifo_throughput_limit)
            }),
        ),
    ];
    differences
        .into_iter()
        .find_map(|(name, differs)| differs.then_some(name))
}

/// The first given attribute that only a FIFO queue has.
pub(super) fn first_fifo_only(given: &AttributeChanges) -> Option<&'static str> {
    let fifo_only = [
        (
            "ContentBasedDeduplication",
            given.content_based_deduplication.is_some(),
        ),
        ("DeduplicationScope", given.deduplication_scope.is_some()),
        ("FifoThroughputLimit", given.fifo_throughput_limit.is_some()),
    ];
    fifo_only
        .into_iter()
        .find_map(|(name, given)| given.then_some(name))
}
