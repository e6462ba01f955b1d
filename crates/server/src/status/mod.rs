//! `squorum status`: how the cluster is, in tables or JSON, with a verdict as the exit code.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | well |
//! | 1 | degraded: all is served, but the next failure may not be survived |
//! | 2 | no quorum, or nobody could be asked; the text says which |

mod queue;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::de::DeserializeOwned;
use squorum_node::{ClusterStatus, Verdict};
use squorum_types::{AccountId, Region};

pub(crate) use self::queue::{PartitionLocation, QueueLocation};
pub(crate) use self::table::{plain as plain_table, text as table_text};
use crate::admin_client::{self, AdminArguments, AdminUrl, AskError};

const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    admin: AdminArguments,

    /// How to show it
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,

    /// Show where a queue's partitions are instead
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,

    /// The account of that queue
    #[arg(
        long,
        requires = "queue",
        value_name = "NUMBER",
        default_value = AccountId::DEFAULT
    )]
    account: String,

    /// The region of that queue
    #[arg(
        long,
        requires = "queue",
        value_name = "NAME",
        default_value = Region::DEFAULT
    )]
    region: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Well,
    Degraded,
    NoQuorum,
}

impl From<Condition> for ExitCode {
    fn from(condition: Condition) -> ExitCode {
        ExitCode::from(match condition {
            Condition::Well => 0,
            Condition::Degraded => 1,
            Condition::NoQuorum => 2,
        })
    }
}

pub(crate) fn run(arguments: &StatusArguments) -> ExitCode {
    let (text, condition) = match &arguments.queue {
        Some(name) => queue::report(arguments, name),
        None => report(arguments),
    };
    // A pipe that was closed early is no failure of the cluster.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
    condition.into()
}

fn report(arguments: &StatusArguments) -> (String, Condition) {
    let admin = &arguments.admin.admin;
    let (body, status) = match ask::<ClusterStatus>(admin, "/status") {
        Ok(answer) => answer,
        Err(error) => return unanswered(arguments.output, admin, &error),
    };
    let text = match arguments.output {
        Output::Table => table::cluster(&status),
        Output::Json => body,
    };
    let condition = match status.verdict {
        Verdict::Well => Condition::Well,
        Verdict::Degraded => Condition::Degraded,
        Verdict::NoQuorum => Condition::NoQuorum,
    };
    (text, condition)
}

/// What the node wrote, and what it says.
pub(crate) fn ask<T: DeserializeOwned>(
    admin: &AdminUrl,
    path: &str,
) -> Result<(String, T), AskError> {
    let answer = admin_client::get(admin, path, TIMEOUT)?;
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    if answer.status != 200 {
        let reason = format!("{} {}", answer.status, body.trim());
        return Err(AskError::Unusable(reason.trim().to_owned()));
    }
    match serde_json::from_slice(&answer.body) {
        Ok(value) => Ok((body, value)),
        Err(error) => Err(AskError::Unusable(error.to_string())),
    }
}

fn unanswered(output: Output, admin: &AdminUrl, error: &AskError) -> (String, Condition) {
    let next_step = "ask another node with --admin; see whether this one runs, and read its log";
    let text = match output {
        Output::Table => {
            format!("UNREACHABLE: {admin} did not answer: {error}.\n  Next step: {next_step}.\n")
        }
        Output::Json => {
            let error = error.to_string();
            let answer = serde_json::json!({
                "verdict": "unreachable",
                "admin": admin.to_string(),
                "error": error,
                "next_step": next_step,
            });
            format!("{answer}\n")
        }
    };
    (text, Condition::NoQuorum)
}

#[cfg(test)]
pub(crate) mod tests;
