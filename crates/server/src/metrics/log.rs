//! Log, checkpoints and snapshots.

use std::fmt;

use squorum_node::Observation;

use super::sheet::Sheet;

pub(super) fn write(sheet: &mut Sheet<'_>, node: &Observation) -> fmt::Result {
    let log = &node.log;
    sheet.gauge(
        "squorum_log_disk_bytes",
        "Disk that the log holds",
        log.disk_bytes,
    )?;
    sheet.gauge(
        "squorum_log_segments",
        "Segments of the log that are in use",
        log.segments,
    )?;
    sheet.counter(
        "squorum_log_written_bytes",
        "Bytes written to the log",
        log.written_bytes,
    )?;
    sheet.counter(
        "squorum_log_records",
        "Records written to the log",
        log.records,
    )?;
    sheet.counter("squorum_log_syncs", "Syncs of the log", log.syncs)?;
    sheet.durations(
        "squorum_log_sync_duration_seconds",
        "How long batches of records took to write and sync",
        &log.sync_times,
    )?;
    sheet.gauge(
        "squorum_log_sync_in_progress_seconds",
        "For how long the sync in progress has been running",
        log.sync_in_progress.as_secs_f64(),
    )?;
    sheet.gauge(
        "squorum_log_queued_bytes",
        "Bytes that wait to be written to the log",
        log.queued_bytes,
    )?;
    sheet.gauge(
        "squorum_log_tail_bytes",
        "Memory that holds recent entries",
        log.tail_bytes,
    )?;
    sheet.durations(
        "squorum_checkpoint_duration_seconds",
        "How long checkpoints took",
        &node.checkpoints,
    )?;
    snapshots(sheet, node)
}

fn snapshots(sheet: &mut Sheet<'_>, node: &Observation) -> fmt::Result {
    let snapshots = &node.snapshots;
    sheet.counter(
        "squorum_snapshots_sent",
        "Snapshots that this node has sent whole",
        snapshots.sent,
    )?;
    sheet.counter(
        "squorum_snapshots_sent_bytes",
        "Bytes of snapshots that this node has sent",
        snapshots.sent_bytes,
    )?;
    sheet.counter(
        "squorum_snapshots_failed",
        "Snapshots that this node began to send and did not bring to their end",
        snapshots.failed,
    )?;
    sheet.counter(
        "squorum_snapshots_installed",
        "Snapshots that this node has received and installed",
        snapshots.installed,
    )?;
    sheet.counter(
        "squorum_snapshots_installed_bytes",
        "Bytes of snapshots that this node has installed",
        snapshots.installed_bytes,
    )
}
