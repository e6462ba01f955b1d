//! Where a queue's partitions are.

use comfy_table::Table;
use serde::{Deserialize, Serialize};

use super::{Condition, Output, StatusArguments, ask, table, unanswered};
use crate::admin_client::{AskError, escaped};

/// What `/status/queue` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueLocation {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) partitions: Vec<PartitionLocation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartitionLocation {
    pub(crate) partition: u16,
    pub(crate) shard: u16,
    /// 16 hexadecimal digits; `None` if nobody leads the shard.
    pub(crate) leader: Option<String>,
}

pub(super) fn report(arguments: &StatusArguments, name: &str) -> (String, Condition) {
    let admin = &arguments.admin.admin;
    let path = format!(
        "/status/queue?name={}&account={}&region={}",
        escaped(name),
        escaped(&arguments.account),
        escaped(&arguments.region)
    );
    match ask::<QueueLocation>(admin, &path) {
        Ok((body, queue)) => {
            let condition = condition(&queue);
            let text = match arguments.output {
                Output::Table => rendered(&queue),
                Output::Json => body,
            };
            (text, condition)
        }
        Err(AskError::Unusable(reason)) if reason.starts_with("404") => {
            let reason = format!(
                "there is no queue {name} in account {}\n",
                arguments.account
            );
            (reason, Condition::NoQuorum)
        }
        Err(error) => unanswered(arguments.output, admin, &error),
    }
}

/// A queue is served by the partitions that have leaders.
pub(super) fn condition(queue: &QueueLocation) -> Condition {
    let led = queue.partitions.iter();
    let led = led.filter(|partition| partition.leader.is_some()).count();
    match led {
        0 => Condition::NoQuorum,
        led if led < queue.partitions.len() => Condition::Degraded,
        _ => Condition::Well,
    }
}

pub(super) fn rendered(queue: &QueueLocation) -> String {
    let mut table: Table = table::plain(&["PARTITION", "SHARD", "LEADER"]);
    for partition in &queue.partitions {
        let leader = partition.leader.clone();
        table.add_row([
            partition.partition.to_string(),
            partition.shard.to_string(),
            leader.unwrap_or_else(|| "none".to_owned()),
        ]);
    }
    format!(
        "Queue {} of account {}\n{}",
        queue.name,
        queue.account,
        table::text(&table)
    )
}
