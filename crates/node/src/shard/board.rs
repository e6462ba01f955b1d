//! What is known of the partitions that a shard leads, and who waits for their messages.
//!
//! Invariants:
//!
//! 1. A waiter is woken with a [`Claim`], and there are never more claims on a partition than
//!    messages (or message groups) that it could give.
//! 2. A claim that ends, used or not, passes the wake-up on. So none is lost with a waiter that
//!    has gone.
//! 3. Waiters of a partition are woken in the order in which they came.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;
use squorum_queue::PartitionStatus;
use squorum_types::{PartitionId, Timestamp};
use tokio::sync::{Notify, mpsc};

/// The partitions of one shard. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    // Held for short, bounded work; never across an await, and no claim is dropped under it.
    inner: Mutex<Inner>,
    /// The earliest due time may have changed.
    due_changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    partitions: BTreeMap<PartitionId, Slot>,
    due: BTreeSet<(Timestamp, PartitionId)>,
    background_work: bool,
}

/// What the partitions of a board hold together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BoardTotals {
    pub(crate) visible: u64,
    pub(crate) in_flight: u64,
    pub(crate) delayed: u64,
    /// That hold messages.
    pub(crate) partitions: u64,
    pub(crate) oldest_sent_at: Option<Timestamp>,
    /// Once for each partition where one is passed over.
    pub(crate) noisy_tenants: u64,
}

impl BoardTotals {
    fn add(&mut self, status: &PartitionStatus) {
        self.visible += status.visible;
        self.in_flight += status.in_flight;
        self.delayed += status.delayed;
        let messages = status.visible + status.in_flight + status.delayed;
        self.partitions += u64::from(messages > 0);
        self.noisy_tenants += status.noisy_tenants;
        let oldest = [self.oldest_sent_at, status.oldest_sent_at];
        self.oldest_sent_at = oldest.into_iter().flatten().min();
    }
}

/// Partitions that are looked at in one go.
const TOTALS_STEP: usize = 1024;

#[derive(Debug, Default)]
struct Slot {
    status: PartitionStatus,
    waiters: VecDeque<mpsc::Sender<Claim>>,
    claims: u64,
}

/// The right to ask a partition for messages.
#[derive(Debug)]
pub(crate) struct Claim {
    /// `None` if there is no board to tell of the end.
    board: Option<Board>,
    pub(crate) partition: PartitionId,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(board) = self.board.take() {
            board.end_claim(self.partition);
        }
    }
}

/// What a receive should do about a partition.
#[derive(Debug)]
pub(crate) enum Look {
    Claimed(Claim),
    /// There is nothing that is not claimed already.
    Empty,
}

impl Board {
    /// Takes in what an entry did, and wakes waiters.
    pub(crate) fn update(
        &self,
        statuses: Vec<(PartitionId, Option<PartitionStatus>)>,
        background_work: bool,
    ) {
        let mut inner = self.shared.inner.lock();
        let first_due = inner.due.first().copied();
        for (partition, status) in statuses {
            inner.set(partition, status.unwrap_or_default());
            self.wake(&mut inner, partition);
        }
        inner.background_work = background_work;
        if inner.due.first().copied() != first_due || background_work {
            self.shared.due_changed.notify_one();
        }
    }

    /// Takes in what a snapshot brought: the partitions that hold messages. All others hold none now.
    pub(crate) fn replace(
        &self,
        statuses: Vec<(PartitionId, PartitionStatus)>,
        background_work: bool,
    ) {
        let known: Vec<PartitionId> = {
            let inner = self.shared.inner.lock();
            inner.partitions.keys().copied().collect()
        };
        let emptied = known.into_iter().map(|partition| (partition, None));
        let filled = statuses
            .into_iter()
            .map(|(partition, status)| (partition, Some(status)));
        // What is both ends as it came.
        self.update(emptied.chain(filled).collect(), background_work);
    }

    pub(crate) fn status(&self, partition: PartitionId) -> PartitionStatus {
        let inner = self.shared.inner.lock();
        inner
            .partitions
            .get(&partition)
            .map(|slot| slot.status)
            .unwrap_or_default()
    }

    /// Claims messages of a partition if there are any, or if some are due by `now`. Those who
    /// wait go first.
    pub(crate) fn look(&self, partition: PartitionId, now: Timestamp) -> Look {
        let mut inner = self.shared.inner.lock();
        let Some(slot) = inner.partitions.get_mut(&partition) else {
            return Look::Empty;
        };
        let due = slot.status.next_due.is_some_and(|due| due <= now);
        let free = slot.status.deliverable > slot.claims && slot.waiters.is_empty();
        if free || (due && slot.claims == 0) {
            slot.claims += 1;
            return Look::Claimed(Claim {
                board: Some(self.clone()),
                partition,
            });
        }
        Look::Empty
    }

    /// Lets `waiter` have a claim when there is something for it.
    pub(crate) fn wait(&self, partition: PartitionId, waiter: mpsc::Sender<Claim>) {
        let mut inner = self.shared.inner.lock();
        inner
            .partitions
            .entry(partition)
            .or_default()
            .waiters
            .push_back(waiter);
        self.wake(&mut inner, partition);
    }

    /// Forgets waiters of a partition whose receivers are gone.
    pub(crate) fn forget_waiters(&self, partition: PartitionId) {
        let mut inner = self.shared.inner.lock();
        if let Some(slot) = inner.partitions.get_mut(&partition) {
            slot.waiters.retain(|waiter| !waiter.is_closed());
        }
        inner.tidy(partition);
    }

    fn end_claim(&self, partition: PartitionId) {
        let mut inner = self.shared.inner.lock();
        if let Some(slot) = inner.partitions.get_mut(&partition) {
            slot.claims -= 1;
        }
        self.wake(&mut inner, partition);
        inner.tidy(partition);
    }

    fn wake(&self, inner: &mut Inner, partition: PartitionId) {
        let Some(slot) = inner.partitions.get_mut(&partition) else {
            return;
        };
        while slot.claims < slot.status.deliverable {
            let Some(waiter) = slot.waiters.pop_front() else {
                return;
            };
            slot.claims += 1;
            let claim = Claim {
                board: Some(self.clone()),
                partition,
            };
            if let Err(refused) = waiter.try_send(claim) {
                // The waiter has gone or has a claim on another partition. Dropping the claim
                // would lock the board again, so it is undone by hand.
                let (mpsc::error::TrySendError::Full(mut claim)
                | mpsc::error::TrySendError::Closed(mut claim)) = refused;
                claim.board = None;
                slot.claims -= 1;
            }
        }
    }

    /// The partitions with something due by `now`, at most `count`, and when the next is due.
    pub(crate) fn due(
        &self,
        now: Timestamp,
        count: usize,
    ) -> (Vec<PartitionId>, Option<Timestamp>) {
        let inner = self.shared.inner.lock();
        let due = inner
            .due
            .iter()
            .take_while(|(at, _)| *at <= now)
            .take(count);
        let due: Vec<_> = due.map(|(_, partition)| *partition).collect();
        let next = inner.due.iter().map(|(at, _)| *at).find(|at| *at > now);
        (due, next)
    }

    /// What all partitions hold together. The board is given back to others after every
    /// [`TOTALS_STEP`] partitions, so partitions may change meanwhile.
    pub(crate) fn totals(&self) -> BoardTotals {
        let mut totals = BoardTotals::default();
        let mut after = Bound::Unbounded;
        loop {
            let inner = self.shared.inner.lock();
            let mut last = None;
            for (partition, slot) in inner
                .partitions
                .range((after, Bound::Unbounded))
                .take(TOTALS_STEP)
            {
                totals.add(&slot.status);
                last = Some(*partition);
            }
            match last {
                Some(partition) => after = Bound::Excluded(partition),
                None => return totals,
            }
        }
    }

    pub(crate) fn has_background_work(&self) -> bool {
        self.shared.inner.lock().background_work
    }

    /// Returns when the earliest due time may have changed since the last call.
    pub(crate) async fn due_changed(&self) {
        self.shared.due_changed.notified().await;
    }
}

impl Inner {
    fn set(&mut self, partition: PartitionId, status: PartitionStatus) {
        let slot = self.partitions.entry(partition).or_default();
        let old = std::mem::replace(&mut slot.status, status);
        if old.next_due != status.next_due {
            if let Some(due) = old.next_due {
                self.due.remove(&(due, partition));
            }
            if let Some(due) = status.next_due {
                self.due.insert((due, partition));
            }
        }
        self.tidy(partition);
    }

    /// An empty partition that nobody waits for takes no memory.
    fn tidy(&mut self, partition: PartitionId) {
        let idle = |slot: &Slot| {
            slot.status == PartitionStatus::default() && slot.claims == 0 && slot.waiters.is_empty()
        };
        if self.partitions.get(&partition).is_some_and(idle) {
            self.partitions.remove(&partition);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use squorum_types::QueueId;

    use super::*;

    const PARTITION: PartitionId = PartitionId {
        queue: QueueId(1),
        index: 0,
    };

    fn visible(board: &Board, deliverable: u64) {
        let status = PartitionStatus {
            visible: deliverable,
            deliverable,
            ..PartitionStatus::default()
        };
        board.update(vec![(PARTITION, Some(status))], false);
    }

    fn waiter(board: &Board) -> mpsc::Receiver<Claim> {
        let (sender, receiver) = mpsc::channel(1);
        board.wait(PARTITION, sender);
        receiver
    }

    #[test]
    fn wakes_in_order_and_no_more_than_there_are_messages() {
        let board = Board::default();
        let (mut first, mut second, mut third) = (waiter(&board), waiter(&board), waiter(&board));
        visible(&board, 2);
        let claims = (first.try_recv().unwrap(), second.try_recv().unwrap());
        assert!(third.try_recv().is_err());
        visible(&board, 0);
        drop(claims);
        assert!(third.try_recv().is_err());
        visible(&board, 1);
        assert!(third.try_recv().is_ok());
    }

    #[test]
    fn a_waiter_that_has_gone_passes_its_claim_on() {
        let board = Board::default();
        let (first, second) = (waiter(&board), waiter(&board));
        let mut third = waiter(&board);
        drop(first);
        visible(&board, 1);
        // The second one has the claim and goes without using it.
        drop(second);
        assert!(third.try_recv().is_ok());
    }

    #[test]
    fn who_comes_later_does_not_overtake() {
        let board = Board::default();
        let mut first = waiter(&board);
        visible(&board, 1);
        assert!(matches!(board.look(PARTITION, Timestamp(0)), Look::Empty));
        drop(first.try_recv().unwrap());
        assert!(matches!(
            board.look(PARTITION, Timestamp(0)),
            Look::Claimed(_)
        ));
    }

    #[test]
    fn what_a_snapshot_does_not_bring_is_gone() {
        let board = Board::default();
        visible(&board, 3);
        let other = PartitionId {
            index: 1,
            ..PARTITION
        };
        let brought = PartitionStatus {
            visible: 2,
            ..PartitionStatus::default()
        };
        board.replace(vec![(other, brought)], false);
        assert_eq!(board.status(PARTITION), PartitionStatus::default());
        assert_eq!(board.status(other), brought);
        assert_eq!(board.totals().visible, 2);
        board.replace(vec![(other, brought)], false);
        assert_eq!(board.status(other), brought);
    }

    #[test]
    fn totals_are_of_all_partitions() {
        let board = Board::default();
        let count = 2 * TOTALS_STEP as u64 + 1;
        for number in 0..count {
            let partition = PartitionId {
                queue: QueueId(number),
                index: 0,
            };
            let status = PartitionStatus {
                visible: 3,
                delayed: u64::from(number == 7),
                oldest_sent_at: Some(Timestamp(10_000 - number)),
                noisy_tenants: u64::from(number == 8),
                ..PartitionStatus::default()
            };
            board.update(vec![(partition, Some(status))], false);
        }
        // Somebody waits for messages of a partition that has none.
        let _waiter = waiter(&board);
        visible(&board, 0);
        let expected = BoardTotals {
            visible: 3 * (count - 1),
            in_flight: 0,
            delayed: 1,
            partitions: count - 1,
            oldest_sent_at: Some(Timestamp(10_000 - (count - 1))),
            noisy_tenants: 1,
        };
        assert_eq!(board.totals(), expected);
    }

    #[test]
    fn forgets_what_is_idle() {
        let board = Board::default();
        drop(waiter(&board));
        board.forget_waiters(PARTITION);
        visible(&board, 1);
        visible(&board, 0);
        assert!(board.shared.inner.lock().partitions.is_empty());
    }
}
