//! Every limit of the protocol in one place. Figures are AWS's (its documentation and recorded
//! answers).

use std::ops::RangeInclusive;

/// A message's body and attributes, and all messages of a batch together.
pub const MESSAGE_BYTES_MAX: usize = 1_048_576;
pub const BATCH_BYTES_MAX: usize = 1_048_576;
pub const BATCH_ENTRIES_MAX: usize = 10;
pub const BATCH_ENTRY_ID_BYTES_MAX: usize = 80;
pub const MESSAGE_ATTRIBUTES_MAX: usize = 10;
pub const MESSAGE_ATTRIBUTE_NAME_BYTES_MAX: usize = 256;
pub const RECEIVE_MESSAGES: RangeInclusive<i64> = 1..=10;
pub const WAIT_TIME_SECONDS: RangeInclusive<i64> = 0..=20;
pub const VISIBILITY_TIMEOUT_SECONDS: RangeInclusive<i64> = 0..=43_200;
pub const DELAY_SECONDS: RangeInclusive<i64> = 0..=900;
pub const MESSAGE_RETENTION_SECONDS: RangeInclusive<i64> = 60..=1_209_600;
pub const MAXIMUM_MESSAGE_BYTES: RangeInclusive<i64> = 1_024..=1_048_576;
pub const KMS_REUSE_SECONDS: RangeInclusive<i64> = 60..=86_400;
/// `maxReceiveCount` of a redrive policy.
pub const RECEIVES_BEFORE_DEAD_LETTER: RangeInclusive<i64> = 1..=1_000;
/// Of a task that sends dead letters on, at most; without a rate it goes as fast as that.
pub const MOVES_PER_SECOND: RangeInclusive<i64> = 1..=500;
pub const MOVE_TASKS_LISTED: RangeInclusive<i64> = 1..=10;
/// Tags of one queue, and the characters of one.
pub const TAGS_MAX: usize = 50;
pub const TAG_KEY_CHARACTERS: RangeInclusive<usize> = 1..=128;
pub const TAG_VALUE_CHARACTERS: RangeInclusive<usize> = 0..=256;
/// A queue's policy.
pub const POLICY_BYTES_MAX: usize = 8_192;
pub const POLICY_STATEMENTS_MAX: usize = 20;
/// Of one statement.
pub const POLICY_CONDITIONS_MAX: usize = 10;
/// What one call adds to a policy, and a statement holds.
pub const PERMISSION_LABEL_BYTES_MAX: usize = 80;
pub const PERMISSION_ACTIONS_MAX: usize = 7;
pub const PERMISSION_ACCOUNTS_MAX: usize = 50;
/// Queues that one redrive allow policy names.
pub const REDRIVE_SOURCES_MAX: usize = 10;
pub const QUEUE_NAME_BYTES_MAX: usize = 80;
/// Message group, deduplication and receive attempt ids.
pub const FIFO_ID_BYTES_MAX: usize = 128;
/// Messages of one queue that may be received and neither deleted nor visible again.
pub const IN_FLIGHT_MAX: u64 = 120_000;
/// Messages that a tenant of a standard queue has in flight, from which on their number may make it
/// noisy.
pub const NOISY_IN_FLIGHT_MIN: u64 = 30;
pub const DEDUPLICATION_WINDOW_MS: u64 = 5 * 60 * 1000;
pub const RECEIVE_ATTEMPT_WINDOW_MS: u64 = 5 * 60 * 1000;
pub const VISIBILITY_TIMEOUT_MS_MAX: u64 = 43_200 * 1000;
/// How long a deleted queue's name stays blocked, and how far apart two purges must be.
pub const QUEUE_DELETED_BLOCK_MS: u64 = 60_000;
pub const PURGE_INTERVAL_MS: u64 = 60_000;
pub const LIST_QUEUES_MAX: usize = 1_000;
