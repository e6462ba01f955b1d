//! `squorum node`: nodes are taken into the cluster, replaced and taken out.
//!
//! The command returns when it is done, which takes as long as a new node needs to catch up; it may be
//! interrupted and given again.

mod progress;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use squorum_types::NodeId;

use self::progress::{Goal, follow};
use crate::admin_client::{self, AdminArguments, AskError};

/// Longer than the node holds what it cannot decide.
const TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Debug, Args)]
pub(crate) struct NodeArguments {
    #[command(flatten)]
    admin: AdminArguments,

    /// Return when it is decided, before it is done
    #[arg(long, global = true)]
    no_wait: bool,

    #[command(subcommand)]
    change: Change,
}

#[derive(Clone, Debug, Subcommand)]
enum Change {
    /// Take a node in that waits, as one more member.
    Add {
        #[arg(value_parser = node_id)]
        node: NodeId,
    },
    /// Put a node that waits in the place of a member that is lost.
    Replace {
        /// The member that does not come back
        #[arg(value_parser = node_id)]
        lost: NodeId,
        /// The node that waits, if several do
        #[arg(long, value_parser = node_id)]
        with: Option<NodeId>,
    },
    /// Have a member leave that is alive: leaderships first, then replicas; its process ends.
    Drain {
        #[arg(value_parser = node_id)]
        node: NodeId,
    },
    /// Take a member out that is lost, without a replacement.
    Remove {
        #[arg(value_parser = node_id)]
        node: NodeId,
    },
}

/// What `POST /nodes` is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub(crate) enum NodeChange {
    Add { node: String },
    Replace { lost: String, with: Option<String> },
    Drain { node: String },
    Remove { node: String },
}

/// What it answers when it is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeChanged {
    /// The node that comes or goes.
    pub(crate) node: String,
}

impl From<&Change> for NodeChange {
    fn from(change: &Change) -> Self {
        match change {
            Change::Add { node } => NodeChange::Add {
                node: node.to_string(),
            },
            Change::Replace { lost, with } => NodeChange::Replace {
                lost: lost.to_string(),
                with: with.map(|node| node.to_string()),
            },
            Change::Drain { node } => NodeChange::Drain {
                node: node.to_string(),
            },
            Change::Remove { node } => NodeChange::Remove {
                node: node.to_string(),
            },
        }
    }
}

pub(crate) fn run(arguments: &NodeArguments) -> ExitCode {
    match change(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("squorum: {error}");
            ExitCode::FAILURE
        }
    }
}

fn change(arguments: &NodeArguments) -> Result<(), AskError> {
    let admin = &arguments.admin.admin;
    let request = NodeChange::from(&arguments.change);
    let answer = admin_client::post(admin, "/nodes", &request, TIMEOUT)?;
    if answer.status != 200 {
        let reason = String::from_utf8_lossy(&answer.body).trim().to_owned();
        return Err(AskError::Refused(reason));
    }
    let changed: NodeChanged = serde_json::from_slice(&answer.body)
        .map_err(|error| AskError::Unusable(error.to_string()))?;
    let goal = match arguments.change {
        Change::Add { .. } | Change::Replace { .. } => Goal::Active,
        Change::Drain { .. } | Change::Remove { .. } => Goal::Gone,
    };
    if arguments.no_wait {
        println!("Decided; `squorum status` shows how far it is.");
        return Ok(());
    }
    follow(admin, &changed.node, goal)
}

/// 16 hexadecimal digits, as everything prints it.
pub(crate) fn node_id(text: &str) -> Result<NodeId, String> {
    let is_id = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = is_id.then(|| u64::from_str_radix(text, 16).ok());
    let id = id.flatten().map(NodeId);
    id.ok_or_else(|| "a node's id has 16 hexadecimal digits; `squorum status` shows it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_status_shows() {
        let id = NodeId(0xab);
        assert_eq!(node_id(&id.to_string()), Ok(id));
        for wrong in ["", "ab", "00000000000000zz", "+0000000000000ab"] {
            assert!(node_id(wrong).is_err(), "{wrong}");
        }
    }
}
