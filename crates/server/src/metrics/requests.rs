//! What clients asked for.

use std::fmt;

use super::Requests;
use super::sheet::Sheet;

pub(super) fn write(sheet: &mut Sheet<'_>, requests: &Requests) -> fmt::Result {
    sheet.gauge(
        "squorum_connections",
        "Open connections of clients",
        requests.connections as u64,
    )?;
    let answers = requests.actions.iter().flat_map(|counts| {
        counts.answers.iter().map(|(class, count)| {
            let labels = [("action", counts.action), ("answer", class.as_str())];
            (labels, *count)
        })
    });
    sheet.counters(
        "squorum_requests",
        "Requests of clients by action and by how they were answered",
        answers,
    )?;
    let durations = requests.actions.iter();
    let durations = durations.map(|counts| ([("action", counts.action)], &counts.durations));
    sheet.duration_series(
        "squorum_request_duration_seconds",
        "From a request's last byte to its answer, the waiting of long polls included",
        durations,
    )
}
