//! How much of the consumers' time went to one tenant of late: the time in flight of its messages and
//! that of all messages, since it has had visible messages without a break.
//!
//! A share is told from chance by a number of messages: while a tenant has one of three in flight, it has
//! a third, however seldom that is. So as many messages as there are tenants with this share tell
//! nothing, until the sample is long.

use squorum_proto::queue::{Flight, TenantRow};
use squorum_types::Timestamp;

/// A sample so long weighs half from then on, so that what was long ago fades.
const SAMPLE_MS_MAX: u64 = 60_000;
/// A sample so long tells something with few messages too: then they take long.
const SAMPLE_MS_LONG: u64 = SAMPLE_MS_MAX / 2;

/// The part of a tenant's row that is the sample.
pub(super) struct Sample;

impl Sample {
    /// The time in flight of a partition's messages together, until now.
    pub(super) fn sum(flight: &Flight, in_flight: u64, now: Timestamp) -> u64 {
        flight.message_ms + in_flight * (now.0 - flight.at_ms)
    }

    /// Starts anew. `flight_ms` is the partition's sum of time in flight.
    pub(super) fn begin(row: &mut TenantRow, flight_ms: u64, now: Timestamp) {
        (row.held_ms, row.of_ms) = (0, 0);
        (row.since_ms, row.at_ms, row.flight_ms) = (now.0, now.0, flight_ms);
        row.messages = row.in_flight;
    }

    /// Adds what has passed since the last count.
    pub(super) fn count(row: &mut TenantRow, flight_ms: u64, now: Timestamp) {
        (row.held_ms, row.of_ms) = Sample::until(row, flight_ms, now);
        (row.at_ms, row.flight_ms) = (now.0, flight_ms);
        if now.0 - row.since_ms >= SAMPLE_MS_MAX {
            row.held_ms /= 2;
            row.of_ms /= 2;
            row.since_ms = now.0 - SAMPLE_MS_LONG;
        }
    }

    /// Whether the tenant had more than one in `share` of the time.
    pub(super) fn exceeds(row: &TenantRow, share: u64, flight_ms: u64, now: Timestamp) -> bool {
        let (held_ms, of_ms) = Sample::until(row, flight_ms, now);
        let is_long = now.0 - row.since_ms >= SAMPLE_MS_LONG;
        let telling = match is_long {
            true => row.messages,
            false => row.messages.saturating_sub(share),
        };
        let [held_ms, of_ms, share] = [held_ms, of_ms, share].map(u128::from);
        let [telling, messages] = [telling, row.messages].map(u128::from);
        held_ms * share * telling > of_ms * messages
    }

    /// The tenant's share of the time, in millionths.
    pub(super) fn share(row: &TenantRow, flight_ms: u64, now: Timestamp) -> u64 {
        let (held_ms, of_ms) = Sample::until(row, flight_ms, now);
        let share = u128::from(held_ms) * 1_000_000 / u128::from(of_ms.max(1));
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// The time in flight of the tenant's messages, and that of all, until now.
    fn until(row: &TenantRow, flight_ms: u64, now: Timestamp) -> (u64, u64) {
        let held_ms = row.held_ms + row.in_flight * (now.0 - row.at_ms);
        (held_ms, row.of_ms + (flight_ms - row.flight_ms))
    }
}
