//! Tasks that send a dead-letter queue's messages on. Meta keeps them, the mover drives them.

use std::sync::Arc;

use squorum_meta::command::{
    CancelMove, CancelMoveOutcome, RequestId, StartMove as StartMoveCommand, StartMoveOutcome,
};
use squorum_meta::{Command, Outcome};
use squorum_store::Store;
use squorum_types::MessageId;
use squorum_types::service::{MoveTask, QueueInfo, ServiceError, StartMove};

use super::call::internal;
use crate::node::Inner;

impl<S: Store> Inner<S> {
    pub(crate) async fn start_move(
        &self,
        queue: &Arc<QueueInfo>,
        start: StartMove,
    ) -> Result<MoveTask, ServiceError> {
        let to_move = self.describe_queue(queue).await?.counters.visible;
        let RequestId(random) = self.request_id();
        let command = StartMoveCommand {
            queue: queue.id,
            destination: start.destination,
            messages_per_second_max: start.messages_per_second_max,
            to_move,
            request_id: RequestId(MessageId::from_random(random).0),
        };
        let command = Command::StartMove(Box::new(command));
        match self.meta.propose(&command).await? {
            Outcome::StartMove(StartMoveOutcome::Started(task)) => Ok(*task),
            Outcome::StartMove(StartMoveOutcome::AlreadyRunning) => {
                Err(ServiceError::MoveIsRunning)
            }
            Outcome::StartMove(StartMoveOutcome::NotADeadLetterQueue) => {
                Err(ServiceError::NotADeadLetterQueue)
            }
            Outcome::StartMove(StartMoveOutcome::NoSuchDestination) => {
                Err(ServiceError::DestinationDoesNotExist)
            }
            Outcome::StartMove(StartMoveOutcome::NoSuchQueue) => {
                Err(ServiceError::QueueDoesNotExist)
            }
            other => Err(internal(&format!("meta answered {other:?}"))),
        }
    }

    pub(crate) async fn list_moves(
        &self,
        queue: &QueueInfo,
    ) -> Result<Vec<MoveTask>, ServiceError> {
        self.meta.confirm().await?;
        self.meta.move_tasks(queue.id)
    }

    pub(crate) async fn cancel_move(
        &self,
        queue: &QueueInfo,
        task_id: [u8; 16],
    ) -> Result<MoveTask, ServiceError> {
        let cancel = CancelMove {
            queue: queue.id,
            task_id,
        };
        match self.meta.propose(&Command::CancelMove(cancel)).await? {
            Outcome::CancelMove(CancelMoveOutcome::Cancelling(task)) => Ok(*task),
            Outcome::CancelMove(CancelMoveOutcome::NotRunning) => {
                Err(ServiceError::MoveIsNotRunning)
            }
            Outcome::CancelMove(CancelMoveOutcome::NoSuchTask) => {
                Err(ServiceError::MoveDoesNotExist)
            }
            other => Err(internal(&format!("meta answered {other:?}"))),
        }
    }
}
