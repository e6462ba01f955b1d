//! Move tasks: a dead-letter queue's messages go on to other queues, as new ones.

use squorum_proto::queue::{
    Move, MoveMessages, MoveProgress, MoveRoute, TransferTarget, TransferredMessage, Unrouted,
};
use squorum_store::{StoreError, Txn};

use super::dead_letters::choose_target;
use super::{Candidate, Partition};
use crate::rows::corrupt;
use crate::step::Step;
use crate::stored_message::MessageHead;

impl Partition {
    /// Takes note of a task that is new here. An older one that comes late finds nothing to do.
    pub(crate) fn begin_move(&mut self, task: u64) {
        let known = self.row.move_progress.map_or(0, |progress| progress.task);
        if task > known {
            self.row.move_progress = Some(MoveProgress {
                task,
                left: self.row.visible,
                ..MoveProgress::default()
            });
        }
    }

    /// Lets up to the command's count of visible messages leave, each by the route that is for it.
    /// Whoever asked is owed the first message that has none: it tells by name which queue it came
    /// from, and that name may be another queue's by now.
    pub(crate) fn send_on<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        command: &MoveMessages,
    ) -> Result<(), StoreError> {
        for _ in 0..command.count {
            let progress = self.row.move_progress.filter(|it| it.task == command.task);
            let Some(mut progress) = progress.filter(|progress| progress.left > 0) else {
                return Ok(());
            };
            if step.outbox.len() >= step.limits.outbox_max || !step.has_room_to_move() {
                return Ok(());
            }
            let Some(candidate) = self.choose_one(step)? else {
                if !step.has_room_to_move() {
                    return Ok(());
                }
                progress.left = 0;
                self.row.move_progress = Some(progress);
                return Ok(());
            };
            let origin = origin_of(&candidate);
            let Some(target) = route_of(origin, &command.routes) else {
                if step.owed {
                    let stored = self.read_message(step, candidate.lane, candidate.seq)?;
                    step.messages.extend(stored);
                }
                self.put_back(step, &candidate)?;
                progress.unrouted = Some(Unrouted { origin });
                self.row.move_progress = Some(progress);
                return Ok(());
            };
            self.leave_for(step, &candidate, target, command.task)?;
            progress.left -= 1;
            progress.in_transfer += 1;
            progress.unrouted = None;
            self.row.move_progress = Some(progress);
        }
        Ok(())
    }

    /// A message that was sent on has arrived, or was refused and comes back.
    pub(crate) fn settle_move(&mut self, task: u64, arrived: bool) {
        if let Some(progress) = &mut self.row.move_progress
            && progress.task == task
        {
            progress.in_transfer = progress.in_transfer.saturating_sub(1);
            progress.moved += u64::from(arrived);
        }
    }

    fn choose_one<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
    ) -> Result<Option<Candidate>, StoreError> {
        if step.settings.fifo {
            Ok(self.choose_fifo(step, 1)?.0.pop())
        } else {
            Ok(self.choose_standard(step, 1)?.pop())
        }
    }

    /// Undoes the choice. A FIFO message was never taken out of its group.
    fn put_back<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        candidate: &Candidate,
    ) -> Result<(), StoreError> {
        if step.settings.fifo {
            return Ok(());
        }
        let order = candidate
            .delivery
            .as_ref()
            .map_or(candidate.seq, |delivery| delivery.ready_order);
        let place = (order, candidate.seq);
        self.show(step, candidate.tenant, place, candidate.lane)
    }

    /// Moves a chosen message to the outbox.
    fn leave_for<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        candidate: &Candidate,
        target: &TransferTarget,
        task: u64,
    ) -> Result<(), StoreError> {
        let Candidate {
            seq,
            lane,
            tenant,
            delivery,
            group_id,
            ..
        } = candidate;
        let (partition, shard) = choose_target(target, group_id, *seq);
        let stored = self.read_message(step, *lane, *seq)?;
        let stored = stored.ok_or_else(|| corrupt("a chosen message is not there"))?;
        let sent_at = stored.sent_at;
        let known = delivery.clone().unwrap_or_default();
        let message = TransferredMessage {
            envelope: stored.envelope,
            sent_at_ms: sent_at.0,
            group_id: group_id.clone(),
            receive_count: known.receive_count,
            first_received_at_ms: known.first_received_at_ms,
            source: Some(self.id.into()),
            dead_letter_source: String::new(),
            r#move: Some(Move {
                task,
                origin: known.source,
            }),
            tenant: *tenant,
        };
        *step.moved_bytes += message.envelope.len();
        step.outbox.push(step.txn, shard, partition, message);
        match delivery {
            Some(delivery) if step.settings.fifo => {
                self.remove_received(step, *seq, delivery.clone())?;
            }
            None if step.settings.fifo => {
                let head = MessageHead {
                    sent_at,
                    due: sent_at,
                    group_id: group_id.clone(),
                    tenant: 0,
                };
                self.remove_unreceived(step, *lane, *seq, &head)?;
            }
            _ => self.remove_chosen(step, *lane, *seq, &known)?,
        }
        Ok(())
    }
}

/// The queue that a message was transferred from; 0 if it was not.
fn origin_of(candidate: &Candidate) -> u64 {
    let source = candidate.delivery.as_ref().and_then(|row| row.source);
    source.map_or(0, |source| source.queue)
}

fn route_of(origin: u64, routes: &[MoveRoute]) -> Option<&TransferTarget> {
    let fits = |route: &&MoveRoute| route.origin == 0 || route.origin == origin;
    routes.iter().find(fits)?.target.as_ref()
}
