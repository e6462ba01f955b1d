//! One file a command: what it does to the shard, and its outcome.

mod accept_transfers;
mod change_visibility;
mod configure;
mod delete;
mod drop_queue;
mod move_messages;
mod purge;
mod receive;
mod release;
mod send;
mod tick;
mod truncate_outbox;

use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{
    Command, Done, EntryResult, EntryResults, Outcome, Partition as PartitionName, Refusal, Refused,
};
use squorum_store::{StoreError, Txn};
use squorum_types::PartitionId;

use crate::partition::Partition;
use crate::queues::LiveQueue;
use crate::shard::Shard;
use crate::step::Step;
use crate::stored_message::StoredMessage;

/// Transfers of one command, at most.
const TRANSFERS_MAX: usize = 1024;

/// An outcome, and the bodies that it owes.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    pub(crate) messages: Vec<StoredMessage>,
}

impl From<Outcome> for Ran {
    fn from(outcome: Outcome) -> Ran {
        Ran {
            outcome,
            messages: Vec::new(),
        }
    }
}

/// Runs a command that has not run before.
pub(crate) fn run<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    session: u64,
    command: &Command,
    owed: bool,
) -> Result<Ran, StoreError> {
    match &command.operation {
        Some(Operation::OpenSession(_)) => Ok(done().into()),
        Some(Operation::Tick(tick)) => tick::run(shard, txn, tick).map(Ran::from),
        Some(Operation::Configure(configure)) => {
            configure::run(shard, txn, configure).map(Ran::from)
        }
        Some(Operation::Drop(drop)) => drop_queue::run(shard, txn, drop).map(Ran::from),
        Some(Operation::Purge(purge)) => purge::run(shard, txn, purge).map(Ran::from),
        Some(Operation::Send(send)) => with_partition(
            shard,
            txn,
            &send.partition,
            send.version,
            owed,
            |partition, step| send::run(partition, step, send),
        ),
        Some(Operation::Receive(receive)) => {
            let (name, version) = (&receive.partition, receive.version);
            with_partition(shard, txn, name, version, owed, |partition, step| {
                receive::run(partition, step, receive)
            })
        }
        Some(Operation::Delete(delete)) => with_partition(
            shard,
            txn,
            &delete.partition,
            delete.version,
            owed,
            |partition, step| delete::run(partition, step, delete),
        ),
        Some(Operation::ChangeVisibility(change)) => with_partition(
            shard,
            txn,
            &change.partition,
            change.version,
            owed,
            |partition, step| change_visibility::run(partition, step, change),
        ),
        Some(Operation::Release(release)) => {
            release::run(shard, txn, session, command.number, release).map(Ran::from)
        }
        Some(Operation::AcceptTransfers(accept)) => {
            accept_transfers::run(shard, txn, accept).map(Ran::from)
        }
        Some(Operation::TruncateOutbox(truncate)) => {
            truncate_outbox::run(shard, txn, truncate).map(Ran::from)
        }
        Some(Operation::MoveMessages(command)) => move_messages::run(shard, txn, command, owed),
        None => Ok(refused(Refusal::Malformed).into()),
    }
}

/// Runs `operation` on a partition after time has done its work there, unless the queue or the
/// version assumed for it is not as the gateway thought.
fn with_partition<T: Txn>(
    shard: &mut Shard,
    txn: &mut T,
    name: &Option<PartitionName>,
    version: u64,
    owed: bool,
    operation: impl FnOnce(&mut Partition, &mut Step<'_, T>) -> Result<Outcome, StoreError>,
) -> Result<Ran, StoreError> {
    let Some(Ok(id)) = name.as_ref().map(PartitionId::try_from) else {
        return Ok(refused(Refusal::Malformed).into());
    };
    let queue = shard.queues.get(txn, shard.keys, id.queue)?;
    if queue.as_ref().is_some_and(|queue| queue.dropped) {
        return Ok(refused(Refusal::QueueDropped).into());
    }
    let Some(queue) = queue.and_then(LiveQueue::new) else {
        return Ok(refused(Refusal::VersionUnknown).into());
    };
    if queue.version() != version {
        let old = queue.version() > version;
        let refusal = if old {
            Refusal::VersionOld
        } else {
            Refusal::VersionUnknown
        };
        return Ok(refused_at(refusal, queue.version()).into());
    }
    shard.in_partition(txn, id, &queue, owed, operation)
}

pub(crate) fn done() -> Outcome {
    Outcome {
        kind: Some(Kind::Done(Done {})),
    }
}

pub(crate) fn released() -> Outcome {
    Outcome {
        kind: Some(Kind::Released(Done {})),
    }
}

pub(crate) fn refused(refusal: Refusal) -> Outcome {
    refused_at(refusal, 0)
}

fn refused_at(refusal: Refusal, version: u64) -> Outcome {
    Outcome {
        kind: Some(Kind::Refused(Refused {
            refusal: refusal.into(),
            version,
        })),
    }
}

fn entry_results(results: Vec<EntryResult>) -> Outcome {
    let results = results.into_iter().map(i32::from).collect();
    Outcome {
        kind: Some(Kind::Results(EntryResults { results })),
    }
}
