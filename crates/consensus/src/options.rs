use std::path::PathBuf;

use openraft::{Config, SnapshotPolicy};
use squorum_types::{GroupId, NodeId};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::error::StartError;

/// Settings of one group on one node. All members must have the same timings.
#[derive(Debug, Clone)]
pub struct GroupOptions {
    pub group: GroupId,
    pub node: NodeId,
    /// Directory on the store's file system for snapshots under construction. Need not exist yet.
    pub scratch: PathBuf,
    pub timings: Timings,
    /// Most proposals of this node that may be outstanding; more are refused.
    pub proposals_max: usize,
    /// Largest entry that may be proposed, in bytes. Must be below what the log accepts.
    pub entry_bytes_max: usize,
    pub apply_on: ApplyOn,
    /// Of the entries that a checkpoint covers, so many bytes stay in the log, for followers that
    /// are a little behind, unless a mark gives them up. Who is further behind gets a snapshot.
    pub log_bytes_kept: u64,
}

/// Where a group's state is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyOn {
    /// A thread of the group's own, because the store may block.
    OwnThread,
    /// The asynchronous worker that brings the entries: for simulations, which must not depend on
    /// what threads do.
    Caller,
}

impl ApplyOn {
    /// Does what may block, off the asynchronous workers unless no threads may be used.
    pub async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match self {
            ApplyOn::OwnThread => match tokio::task::spawn_blocking(work).await {
                Ok(result) => result,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The runtime ends, and with it whoever waits here.
                    Err(_) => std::future::pending().await,
                },
            },
            ApplyOn::Caller => work(),
        }
    }

    /// Does here what may block. The other tasks of this worker go on elsewhere.
    pub(crate) fn run_here<T>(self, work: impl FnOnce() -> T) -> T {
        let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
        match (self, flavor) {
            (ApplyOn::OwnThread, Ok(RuntimeFlavor::MultiThread)) => {
                tokio::task::block_in_place(work)
            }
            _ => work(),
        }
    }
}

/// How fast a group notices that its leader is gone.
///
/// An outage lasts one lease (`election_timeout_max_ms`) and one election timeout, plus the votes'
/// round trips and syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    pub heartbeat_interval_ms: u64,
    pub election_timeout_min_ms: u64,
    /// Also the length of a leader's lease.
    pub election_timeout_max_ms: u64,
}

impl Default for Timings {
    fn default() -> Timings {
        Timings {
            heartbeat_interval_ms: 50,
            election_timeout_min_ms: 150,
            election_timeout_max_ms: 200,
        }
    }
}

impl GroupOptions {
    pub fn new(group: GroupId, node: NodeId, scratch: PathBuf) -> GroupOptions {
        GroupOptions {
            group,
            node,
            scratch,
            timings: Timings::default(),
            proposals_max: 1024,
            entry_bytes_max: 8 << 20,
            apply_on: ApplyOn::OwnThread,
            log_bytes_kept: 0,
        }
    }

    pub(crate) fn config(&self) -> Result<Config, StartError> {
        if self.timings.heartbeat_interval_ms >= self.timings.election_timeout_min_ms {
            let reason = "heartbeats must come more often than elections";
            return Err(StartError::Options(reason.into()));
        }
        if self.group.0 == u32::MAX {
            return Err(StartError::Options(
                "the group's id must be below u32::MAX".into(),
            ));
        }
        if !(1..=API_CHANNEL_SIZE as usize / 2).contains(&self.proposals_max) {
            let reason = format!("proposals_max must be from 1 to {}", API_CHANNEL_SIZE / 2);
            return Err(StartError::Options(reason));
        }
        let timings = self.timings;
        let config = Config {
            cluster_name: format!("group {}", self.group.0),
            // All groups of a node send theirs together: see `transport::pulse`.
            enable_heartbeat: false,
            // What is left of it: a group looks at its clocks 64/13 times in this interval, which
            // costs an idle node most of its time if it is short.
            heartbeat_interval: timings.election_timeout_min_ms * 2 / 3,
            election_timeout_min: timings.election_timeout_min_ms,
            election_timeout_max: timings.election_timeout_max_ms,
            // A group that hears nobody must not depose a leader that others hear.
            enable_pre_vote: Some(true),
            // The state is not on disk when `apply` returns, so a leader may not simply go on after
            // a restart: it is elected again, and applies an entry of its new term first.
            enable_leader_restore: Some(false),
            // A leader that nobody hears must be silent for a while, or it would block elections for ever.
            // The pulse sees to it: openraft goes by answers, and so calls elections while a disk hangs.
            quorum_loss_probe_interval: None,
            // The checkpointer says when, because it alone knows what is on disk.
            snapshot_policy: SnapshotPolicy::Never,
            // Nor does it purge by itself: what is kept is counted in bytes.
            max_in_snapshot_log_to_keep: u64::MAX,
            // The default waits 200 ms to 1 s after a single failure.
            backoff: "10ms 20ms ...250ms".to_string(),
            // 1 costs two thirds of the throughput.
            api_batch_linger_ms: 0,
            api_channel_size: Some(API_CHANNEL_SIZE),
            install_snapshot_timeout: SNAPSHOT_TIMEOUT_MS,
            ..Config::default()
        };
        config
            .validate()
            .map_err(|error| StartError::Options(error.to_string()))
    }
}

/// Room for messages to openraft's core: proposals take half of it at most, so that the rest
/// always gets through.
const API_CHANNEL_SIZE: u64 = 4096;

/// Until a peer has to have a whole snapshot, in milliseconds.
const SNAPSHOT_TIMEOUT_MS: u64 = 600_000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn timings_that_contradict_each_other_are_refused() {
        let mut options = GroupOptions::new(GroupId(1), NodeId(1), PathBuf::new());
        assert!(options.config().is_ok());
        options.timings.heartbeat_interval_ms = 300;
        assert!(matches!(options.config(), Err(StartError::Options(_))));
    }
}
