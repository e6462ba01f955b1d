//! What calls came to: a command that is proposed again has the first one's outcome, and no second
//! effect, whatever other calls did in between.
//!
//! Whoever proposes a command does not always hear what became of it, and then proposes it again
//! under the id of its call. The outcome of a command that did something is kept under that id. One
//! that did nothing may as well run anew: nobody can tell it from a call that came later.
//!
//! Invariant: each number from `State::first_call` up to `State::next_call` has a row that names a
//! call, and that call has its row.

mod kept;

use bytes::Bytes;
use squorum_proto::meta::call_row::Outcome as Kept;
use squorum_proto::{MalformedError, meta as proto};
use squorum_store::{StoreError, Txn, View};
use squorum_types::{QueueId, Timestamp};

use crate::command::{Command, CreateQueueOutcome, RequestId};
use crate::context::Context;
use crate::{Outcome, Refusal, keys, rows};

/// How long a call is remembered at least, by the log's time, unless too many come after it. A node
/// proposes a call again for 5 s. What comes later than that has hung in a connection, or in a
/// process that stood still; both end within seconds as well, and the rest is room for clocks that
/// are set right meanwhile.
pub const CALL_MEMORY_MS: u64 = 60_000;

/// Calls that are remembered at most: over 3,000 a second for as long as a node proposes one again,
/// more than meta takes, since every call is an entry of its own and most have shards to tell. At
/// some hundred bytes of rows a call that is a few megabytes, and none of it is held in memory.
pub const CALLS_MAX: u64 = 16_384;

/// Calls that one entry forgets at most, beyond those that it brings.
const SWEEP_CALLS_PER_ENTRY: usize = 64;

const WHAT: &str = "call row";

/// What an earlier command of the call came to, if it did something.
pub(crate) fn outcome_of<V: View>(
    context: &Context<'_, V>,
    call: RequestId,
    command: &Command,
) -> Result<Option<Outcome>, StoreError> {
    let row: Option<proto::CallRow> = rows::get(&context.txn, &keys::call(call), WHAT)?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = |error: MalformedError| rows::corrupt(WHAT, error);
    let kept = row.outcome.ok_or(MalformedError("outcome"));
    let outcome = match kept.map_err(corrupt)? {
        Kept::Created(queue) => match command {
            Command::CreateQueue(create) => {
                let made_at = Timestamp(row.at_ms);
                let record = create.made(context, QueueId(queue), made_at)?;
                Outcome::CreateQueue(CreateQueueOutcome::Created(Box::new(record)))
            }
            // Ids are random: only a broken node uses one twice.
            _ => Outcome::Refused(Refusal::Malformed("call id")),
        },
        other => kept::decode(other).map_err(corrupt)?,
    };
    Ok(Some(outcome))
}

/// Keeps what a command came to, if it did something.
pub(crate) fn keep<V: View>(
    context: &mut Context<'_, V>,
    call: RequestId,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let Some(outcome) = kept::encode(outcome) else {
        return Ok(());
    };
    let row = proto::CallRow {
        at_ms: context.state.clock.0,
        outcome: Some(outcome),
    };
    rows::put(&mut context.txn, keys::call(call), &row);
    let number = context.state.next_call;
    context.state.next_call += 1;
    context.txn.put(&keys::call_number(number), &call.0);
    if context.state.next_call - context.state.first_call > CALLS_MAX {
        let (oldest, _) = oldest(context)?;
        forget_oldest(context, oldest);
    }
    Ok(())
}

/// Forgets calls whose time is over, some of them: `background_work` says that there are more.
pub(crate) fn sweep<V: View>(context: &mut Context<'_, V>) -> Result<(), StoreError> {
    let mut forgotten = 0;
    while context.state.first_call < context.state.next_call {
        let (call, at) = oldest(context)?;
        if context.state.clock.ms_since(at) < CALL_MEMORY_MS {
            return Ok(());
        }
        if forgotten == SWEEP_CALLS_PER_ENTRY {
            context.applied.background_work = true;
            return Ok(());
        }
        forget_oldest(context, call);
        forgotten += 1;
    }
    Ok(())
}

/// The call that came first, and when. There is one.
fn oldest<V: View>(context: &Context<'_, V>) -> Result<(RequestId, Timestamp), StoreError> {
    let missing = || rows::corrupt(WHAT, "it is missing");
    let number = keys::call_number(context.state.first_call);
    let id: Option<Bytes> = context.txn.get(&number)?;
    let call = RequestId::decode(&id.ok_or_else(missing)?);
    let call = call.map_err(|error| rows::corrupt(WHAT, error))?;
    let row: Option<proto::CallRow> = rows::get(&context.txn, &keys::call(call), WHAT)?;
    Ok((call, Timestamp(row.ok_or_else(missing)?.at_ms)))
}

fn forget_oldest<V: View>(context: &mut Context<'_, V>, call: RequestId) {
    let number = keys::call_number(context.state.first_call);
    context.txn.delete(&number);
    context.txn.delete(&keys::call(call));
    context.state.first_call += 1;
}
