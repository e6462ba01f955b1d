//! Drives the tasks that send the messages of dead-letter queues on, on the node that leads meta.
//!
//! Which tasks there are is meta's state, how far each is in a partition is its shard's. So another
//! node goes on where this one stops, and everything proposed here may be repeated.

mod origins;
mod pace;
mod routes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use squorum_meta::Command;
use squorum_meta::command::ReportMove;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{MoveMessages, MoveProgress, MoveRoute, Refusal};
use squorum_queue::StoredMessage;
use squorum_store::Store;
use squorum_types::service::{MoveFailure, MoveStatus, MoveTask, QueueInfo, ServiceError};
use squorum_types::{PartitionId, QueueId};
use tokio::sync::watch;
use tokio::time::Instant;

use self::pace::Pace;
use crate::error::unavailable;
use crate::meta::MetaHandle;
use crate::routing;
use crate::shard::{Answer, ShardHandle};
use crate::shutdown::stopped;

/// Tasks of one round, at most; the others wait until some have ended.
const TASKS_MAX: usize = 64;
/// Between two steps of a task.
const STEP: Duration = Duration::from_millis(100);
/// Without news.
const ROUND_INTERVAL: Duration = Duration::from_secs(10);

pub(crate) struct Mover<S> {
    meta: MetaHandle<S>,
    shards: Arc<[ShardHandle]>,
    /// Of the tasks that this node drives, by queue and number.
    paces: BTreeMap<(QueueId, u64), Pace>,
}

impl<S: Store> Mover<S> {
    pub(crate) fn new(meta: MetaHandle<S>, shards: Arc<[ShardHandle]>) -> Mover<S> {
        Mover {
            meta,
            shards,
            paces: BTreeMap::new(),
        }
    }

    pub(crate) async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = self.round() => {}
                () = stopped(&mut shutdown) => return,
            }
        }
    }

    async fn round(&mut self) {
        let mut leadership = self.meta.group.watch_leadership();
        let leads = leadership.wait_for(|leadership| leadership.ready_to_serve);
        if leads.await.is_err() {
            return std::future::pending().await;
        }
        let tasks = self.active_tasks().unwrap_or_else(|error| {
            tracing::warn!(%error, "move tasks cannot be read");
            Vec::new()
        });
        let mut paces = BTreeMap::new();
        for (info, task) in &tasks {
            let key = (info.id, task.number);
            paces.insert(key, self.paces.remove(&key).unwrap_or_default());
        }
        self.paces = paces;
        if tasks.is_empty() {
            let _ = tokio::time::timeout(ROUND_INTERVAL, self.meta.moves_changed()).await;
            return;
        }
        let next = Instant::now() + STEP;
        let (meta, shards) = (&self.meta, &self.shards);
        let paces = self.paces.values_mut();
        // Both are in the order of the queues.
        let steps = tasks.iter().zip(paces).map(|((info, task), pace)| {
            let drive = Drive {
                meta,
                shards,
                info,
                task,
            };
            async move {
                if let Err(error) = drive.step(pace).await {
                    tracing::debug!(queue = %info.id, %error, "move task is tried again");
                }
            }
        });
        join_all(steps).await;
        tokio::time::sleep_until(next).await;
    }

    fn active_tasks(&self) -> Result<Vec<(Arc<QueueInfo>, MoveTask)>, ServiceError> {
        let mut active = Vec::new();
        for queue in self.meta.active_moves(TASKS_MAX)? {
            let tasks = self.meta.move_tasks(queue)?;
            let task = tasks.into_iter().find(|task| task.status.is_active());
            active.extend(self.meta.live_queue(queue)?.zip(task));
        }
        Ok(active)
    }
}

/// One task, for one step.
struct Drive<'a, S> {
    meta: &'a MetaHandle<S>,
    shards: &'a [ShardHandle],
    info: &'a QueueInfo,
    task: &'a MoveTask,
}

impl<S: Store> Drive<'_, S> {
    async fn step(&self, pace: &mut Pace) -> Result<(), ServiceError> {
        let cancelling = self.task.status == MoveStatus::Cancelling;
        let routes = self.routes(pace).await?;
        let failure = routes.as_ref().err().copied();
        let may_move = !cancelling && failure.is_none() && pace.failure.is_none();
        let count = if may_move { pace.count(self.task) } else { 0 };
        let steps = self.move_messages(pace, count, routes.unwrap_or_default());
        let steps = steps.await?;
        pace.set_left(steps.iter().map(|(progress, _)| progress.left));
        for (progress, message) in &steps {
            if let Some(unrouted) = progress.unrouted
                && !self.learn_origin(pace, unrouted, message.as_ref()).await?
            {
                pace.failure = Some(MoveFailure::NoSource);
            }
        }
        let figures = steps.iter().map(|(progress, _)| progress);
        let sum = |figure: fn(&MoveProgress) -> u64| figures.clone().map(figure).sum::<u64>();
        let moved = sum(|it| it.moved);
        // Nothing is said to be over while something is on its way.
        let settled = sum(|it| it.in_transfer) == 0;
        let end = if !settled {
            None
        } else if cancelling {
            Some(MoveStatus::Cancelled)
        } else if let Some(failure) = failure.or(pace.failure) {
            Some(MoveStatus::Failed(failure))
        } else {
            (sum(|it| it.left) == 0).then_some(MoveStatus::Completed)
        };
        if end.is_some() || pace.report_is_due(moved) {
            self.report(moved, end).await?;
        }
        Ok(())
    }

    async fn report(&self, moved: u64, end: Option<MoveStatus>) -> Result<(), ServiceError> {
        let report = ReportMove {
            queue: self.info.id,
            number: self.task.number,
            moved,
            end,
        };
        self.meta.propose(&Command::ReportMove(report)).await?;
        Ok(())
    }

    /// Has every partition send its share of `count` messages on. Also answers the messages that have
    /// no route, where they are known.
    async fn move_messages(
        &self,
        pace: &mut Pace,
        count: u32,
        routes: Vec<MoveRoute>,
    ) -> Result<Vec<(MoveProgress, Option<StoredMessage>)>, ServiceError> {
        let partitions: Vec<_> = routing::partitions(self.info).collect();
        let shares = pace.shares(count, partitions.len());
        let moves = partitions.into_iter().zip(shares);
        let moves = moves.map(|(partition, count)| {
            let command = MoveMessages {
                task: self.task.number,
                partition: Some(partition.into()),
                count,
                routes: routes.clone(),
            };
            self.move_in(partition, command)
        });
        try_join_all(moves).await
    }

    async fn move_in(
        &self,
        partition: PartitionId,
        command: MoveMessages,
    ) -> Result<(MoveProgress, Option<StoredMessage>), ServiceError> {
        let shard = partition.shard(self.shards.len() as u16);
        let shard = self.shards.get(usize::from(shard.0));
        let session = &shard.ok_or(unavailable("shard is not known"))?.session;
        let operation = Operation::MoveMessages(command);
        let answer = session.propose(operation, None).await?;
        let Answer::Applied {
            outcome, messages, ..
        } = answer
        else {
            return Err(unavailable("shard did not look into the log"));
        };
        match outcome.kind {
            Some(Kind::Progress(progress)) => Ok((progress, messages.into_iter().next())),
            Some(Kind::Refused(refused)) if refused.refusal() == Refusal::VersionUnknown => {
                let configure = self.meta.configure(self.info)?;
                session.propose(configure, None).await?;
                Err(unavailable("queue is not known to the shard yet"))
            }
            Some(Kind::Refused(refused)) if refused.refusal() == Refusal::WindowFull => {
                Err(ServiceError::Throttled)
            }
            other => Err(ServiceError::Internal {
                reason: format!("shard answered {other:?}"),
            }),
        }
    }
}
