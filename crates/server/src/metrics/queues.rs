//! Operations on their way, messages, and what is refused.

use std::fmt;

use squorum_node::{CommandCounts, Observation};

use super::sheet::Sheet;

pub(super) fn write(sheet: &mut Sheet<'_>, node: &Observation) -> fmt::Result {
    messages(sheet, node)?;
    commands(sheet, &node.commands)?;
    let admission = &node.admission;
    sheet.counters(
        "squorum_admission_refusals",
        "Calls that were throttled because too much is under way on this node",
        [
            ([("operation", "send")], admission.sends_refused),
            ([("operation", "receive")], admission.receives_refused),
        ],
    )?;
    sheet.gauge(
        "squorum_polls_waiting",
        "Receives at this node that wait for messages",
        admission.polls_waiting,
    )
}

fn messages(sheet: &mut Sheet<'_>, node: &Observation) -> fmt::Result {
    let messages = &node.messages;
    sheet.gauges(
        "squorum_messages",
        "Messages in the partitions that this node leads",
        [
            ([("state", "visible")], messages.visible),
            ([("state", "in_flight")], messages.in_flight),
            ([("state", "delayed")], messages.delayed),
        ],
    )?;
    sheet.gauge(
        "squorum_messages_in_transfer",
        "Messages on their way from shards that this node leads to others, such as dead letters",
        messages.in_transfer,
    )?;
    sheet.gauge(
        "squorum_partitions_with_messages",
        "Partitions with messages that this node leads",
        messages.partitions,
    )?;
    sheet.gauge(
        "squorum_oldest_message_age_seconds",
        "Age of the oldest message in the partitions that this node leads, 0 without messages",
        messages.oldest_age.as_secs_f64(),
    )?;
    sheet.gauge(
        "squorum_noisy_tenants",
        "Tenants of standard queues that wait behind quiet ones, once for each partition led here",
        messages.noisy_tenants,
    )
}

fn commands(sheet: &mut Sheet<'_>, commands: &CommandCounts) -> fmt::Result {
    sheet.counter(
        "squorum_entries_proposed",
        "Log entries that this node proposed to shards that it leads",
        commands.entries_proposed,
    )?;
    sheet.counter(
        "squorum_commands_proposed",
        "Commands in those entries",
        commands.commands_proposed,
    )?;
    sheet.counter(
        "squorum_commands_applied",
        "Commands that this node's replicas of the shards have applied",
        commands.commands_applied,
    )?;
    sheet.counters(
        "squorum_batches_resubmitted",
        "Batches of commands that this node had to submit again",
        [
            (
                [("reason", "not_leader")],
                commands.batches_resubmitted_not_leader,
            ),
            (
                [("reason", "unknown_outcome")],
                commands.batches_resubmitted_unknown,
            ),
        ],
    )?;
    sheet.counter(
        "squorum_batches_given_up",
        "Batches of commands that found no leader in time",
        commands.batches_given_up,
    )?;
    sheet.counter(
        "squorum_releases",
        "Receives that were undone because their client had gone",
        commands.releases,
    )?;
    sheet.counter(
        "squorum_sessions_reopened",
        "Sessions of this node that a shard had forgotten",
        commands.sessions_reopened,
    )
}
