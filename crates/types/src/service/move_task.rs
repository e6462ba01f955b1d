use crate::{QueueArn, Timestamp};

/// A task that sends a dead-letter queue's messages on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveTask {
    /// A UUID, for clients.
    pub id: [u8; 16],
    /// Rises with the tasks of a queue, from 1 on.
    pub number: u64,
    /// `None`: each message goes back to the queue that it came from.
    pub destination: Option<QueueArn>,
    pub messages_per_second_max: Option<u32>,
    pub status: MoveStatus,
    /// Messages there were when it started.
    pub to_move: u64,
    /// Messages that have arrived.
    pub moved: u64,
    pub started_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveStatus {
    Running,
    Cancelling,
    Completed,
    Cancelled,
    Failed(MoveFailure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveFailure {
    /// The destination, or a queue that messages came from, is gone.
    NoSuchQueue,
    /// A message was sent to the dead-letter queue directly, so there is nowhere it came from.
    NoSource,
}

impl MoveStatus {
    pub fn is_active(self) -> bool {
        matches!(self, MoveStatus::Running | MoveStatus::Cancelling)
    }
}

/// A task to start.
#[derive(Clone, Debug)]
pub struct StartMove {
    pub destination: Option<QueueArn>,
    pub messages_per_second_max: Option<u32>,
}
