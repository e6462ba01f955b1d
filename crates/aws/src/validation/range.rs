//! Ranges of numbers, with AWS's words for what lies beyond.

use std::ops::RangeInclusive;

use squorum_types::limits;

use crate::error::ApiError;
use crate::shape::Integer;

fn check(
    value: Option<Integer>,
    range: &RangeInclusive<i64>,
    parameter: &'static str,
    reason: &'static str,
) -> Result<Option<u32>, ApiError> {
    let Some(Integer(value)) = value else {
        return Ok(None);
    };
    match u32::try_from(value) {
        Ok(small) if range.contains(&value) => Ok(Some(small)),
        _ => Err(ApiError::invalid(value, parameter, reason)),
    }
}

pub(crate) fn check_delay_seconds(value: Option<Integer>) -> Result<Option<u32>, ApiError> {
    let reason = "DelaySeconds must be >= 0 and <= 900.";
    check(value, &limits::DELAY_SECONDS, "DelaySeconds", reason)
}

pub(crate) fn check_visibility_timeout(value: Option<Integer>) -> Result<Option<u32>, ApiError> {
    let reason = "Must be >= 0 and <= 43200, if provided.";
    let range = &limits::VISIBILITY_TIMEOUT_SECONDS;
    check(value, range, "VisibilityTimeout", reason)
}

pub(crate) fn check_wait_time(value: Option<Integer>) -> Result<Option<u32>, ApiError> {
    let reason = "Must be >= 0 and <= 20, if provided.";
    check(value, &limits::WAIT_TIME_SECONDS, "WaitTimeSeconds", reason)
}

/// Messages to receive, 1 if not given.
pub(crate) fn check_messages_max(value: Option<Integer>) -> Result<usize, ApiError> {
    let reason = "Must be between 1 and 10, if provided.";
    let range = &limits::RECEIVE_MESSAGES;
    let count = check(value, range, "MaxNumberOfMessages", reason)?;
    Ok(count.unwrap_or(1) as usize)
}

/// Entries of a page, if the client wants pages.
pub(crate) fn check_max_results(value: Option<Integer>) -> Result<Option<usize>, ApiError> {
    let reason = "Must be between 1 and 1000, if provided.";
    let range = 1..=limits::LIST_QUEUES_MAX as i64;
    let count = check(value, &range, "MaxResults", reason)?;
    Ok(count.map(|count| count as usize))
}

pub(crate) fn check_moves_per_second(value: Option<Integer>) -> Result<Option<u32>, ApiError> {
    let reason = "Must be between 1 and 500, if provided.";
    let parameter = "MaxNumberOfMessagesPerSecond";
    check(value, &limits::MOVES_PER_SECOND, parameter, reason)
}

/// Move tasks to list, 1 if not given.
pub(crate) fn check_tasks_listed(value: Option<Integer>) -> Result<usize, ApiError> {
    let reason = "Must be between 1 and 10, if provided.";
    let count = check(value, &limits::MOVE_TASKS_LISTED, "MaxResults", reason)?;
    Ok(count.unwrap_or(1) as usize)
}
