//! Tasks that send a dead-letter queue's messages on: started and cancelled by clients, reported by
//! the leader's mover.

use squorum_proto::{MalformedError, meta as proto};
use squorum_store::{Cursor, StoreError, View};
use squorum_types::service::{MoveStatus, MoveTask};
use squorum_types::{QueueArn, QueueId};

use super::request_id::RequestId;
use crate::context::Context;
use crate::{QueueKey, QueueRecord, keys, rows};

/// Tasks of one queue that are remembered, the active one included.
const TASKS_MAX: usize = 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartMove {
    /// The dead-letter queue.
    pub queue: QueueId,
    /// `None`: each message goes back to the queue that it came from.
    pub destination: Option<QueueArn>,
    pub messages_per_second_max: Option<u32>,
    /// Messages there are.
    pub to_move: u64,
    /// Becomes the task's id.
    pub request_id: RequestId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartMoveOutcome {
    /// By this command or an earlier one of the same call.
    Started(Box<MoveTask>),
    AlreadyRunning,
    /// No queue's dead letters go there.
    NotADeadLetterQueue,
    /// There is none, or it is another kind of queue.
    NoSuchDestination,
    NoSuchQueue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelMove {
    pub queue: QueueId,
    pub task_id: [u8; 16],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelMoveOutcome {
    /// By this command, or by another call.
    Cancelling(Box<MoveTask>),
    NotRunning,
    NoSuchTask,
}

/// How far the active task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportMove {
    pub queue: QueueId,
    pub number: u64,
    pub moved: u64,
    /// `None`: it goes on.
    pub end: Option<MoveStatus>,
}

impl From<&StartMove> for proto::StartMove {
    fn from(start: &StartMove) -> Self {
        proto::StartMove {
            queue: start.queue.0,
            destination_arn: start.destination.as_ref().map(QueueArn::to_string),
            messages_per_second_max: start.messages_per_second_max,
            to_move: start.to_move,
            request_id: start.request_id.encode(),
        }
    }
}

impl From<&CancelMove> for proto::CancelMove {
    fn from(cancel: &CancelMove) -> Self {
        proto::CancelMove {
            queue: cancel.queue.0,
            task_id: cancel.task_id.to_vec().into(),
        }
    }
}

impl From<&ReportMove> for proto::ReportMove {
    fn from(report: &ReportMove) -> Self {
        proto::ReportMove {
            queue: report.queue.0,
            number: report.number,
            moved: report.moved,
            end: report
                .end
                .map_or(proto::MoveStatus::Unspecified, Into::into)
                .into(),
        }
    }
}

impl StartMove {
    pub(super) fn decode(start: &proto::StartMove) -> Result<StartMove, MalformedError> {
        let destination = start.destination_arn.as_ref().map(|text| {
            let arn = QueueArn::parse(text);
            arn.ok_or(MalformedError("queue ARN"))
        });
        Ok(StartMove {
            queue: QueueId(start.queue),
            destination: destination.transpose()?,
            messages_per_second_max: start.messages_per_second_max,
            to_move: start.to_move,
            request_id: RequestId::decode(&start.request_id)?,
        })
    }

    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
    ) -> Result<StartMoveOutcome, StoreError> {
        let Some(record) = context.live_queue(self.queue)? else {
            return Ok(StartMoveOutcome::NoSuchQueue);
        };
        let mut tasks = rows::get_move_tasks(&context.txn, self.queue)?;
        if let Some(known) = tasks.iter().find(|task| task.id == self.request_id.0) {
            return Ok(StartMoveOutcome::Started(Box::new(known.clone())));
        }
        if !is_dead_letter_queue(context, &record)? {
            return Ok(StartMoveOutcome::NotADeadLetterQueue);
        }
        if !self.may_go_there(context, &record)? {
            return Ok(StartMoveOutcome::NoSuchDestination);
        }
        if tasks.iter().any(|task| task.status.is_active()) {
            return Ok(StartMoveOutcome::AlreadyRunning);
        }
        let task = MoveTask {
            id: self.request_id.0,
            number: tasks.first().map_or(0, |last| last.number) + 1,
            destination: self.destination,
            messages_per_second_max: self.messages_per_second_max,
            status: MoveStatus::Running,
            to_move: self.to_move,
            moved: 0,
            started_at: context.state.clock,
        };
        tasks.insert(0, task.clone());
        tasks.truncate(TASKS_MAX);
        rows::put_move_tasks(&mut context.txn, self.queue, &tasks);
        context.applied.moves_changed = true;
        Ok(StartMoveOutcome::Started(Box::new(task)))
    }

    fn may_go_there<V: View>(
        &self,
        context: &Context<'_, V>,
        source: &QueueRecord,
    ) -> Result<bool, StoreError> {
        let Some(destination) = &self.destination else {
            return Ok(true);
        };
        let key = keys::name_of(&QueueKey::from(destination));
        let Some(queue) = rows::get_name(&context.txn, &key)? else {
            return Ok(false);
        };
        let target = context.live_queue(queue)?;
        let kind = source.info.attributes.is_fifo();
        Ok(target.is_some_and(|target| target.info.attributes.is_fifo() == kind))
    }
}

fn is_dead_letter_queue<V: View>(
    context: &Context<'_, V>,
    record: &QueueRecord,
) -> Result<bool, StoreError> {
    let range = keys::dead_letter_sources(&QueueKey::of(&record.info), None);
    let mut cursor = context.txn.scan(&range.start..&range.end)?;
    cursor.advance()
}

impl CancelMove {
    pub(super) fn decode(cancel: &proto::CancelMove) -> Result<CancelMove, MalformedError> {
        let task_id = cancel.task_id.as_ref().try_into();
        Ok(CancelMove {
            queue: QueueId(cancel.queue),
            task_id: task_id.map_err(|_| MalformedError("task id"))?,
        })
    }

    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
    ) -> Result<CancelMoveOutcome, StoreError> {
        let mut tasks = rows::get_move_tasks(&context.txn, self.queue)?;
        let Some(task) = tasks.iter_mut().find(|task| task.id == self.task_id) else {
            return Ok(CancelMoveOutcome::NoSuchTask);
        };
        if !task.status.is_active() {
            return Ok(CancelMoveOutcome::NotRunning);
        }
        task.status = MoveStatus::Cancelling;
        let task = Box::new(task.clone());
        rows::put_move_tasks(&mut context.txn, self.queue, &tasks);
        context.applied.moves_changed = true;
        Ok(CancelMoveOutcome::Cancelling(task))
    }
}

impl ReportMove {
    pub(super) fn decode(report: &proto::ReportMove) -> Result<ReportMove, MalformedError> {
        let end = match report.end() {
            proto::MoveStatus::Unspecified => None,
            status => Some(MoveStatus::try_from(status)?),
        };
        if end.is_some_and(MoveStatus::is_active) {
            return Err(MalformedError("end of a task"));
        }
        Ok(ReportMove {
            queue: QueueId(report.queue),
            number: report.number,
            moved: report.moved,
            end,
        })
    }

    /// Without effect on a task that has ended, or is gone with its queue.
    pub(super) fn apply<V: View>(self, context: &mut Context<'_, V>) -> Result<(), StoreError> {
        let mut tasks = rows::get_move_tasks(&context.txn, self.queue)?;
        let task = tasks.iter_mut().find(|task| task.number == self.number);
        let Some(task) = task.filter(|task| task.status.is_active()) else {
            return Ok(());
        };
        task.moved = task.moved.max(self.moved);
        task.status = self.end.unwrap_or(task.status);
        rows::put_move_tasks(&mut context.txn, self.queue, &tasks);
        Ok(())
    }
}
