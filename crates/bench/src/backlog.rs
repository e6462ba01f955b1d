use std::cell::Cell;

use tokio::sync::Notify;

/// Messages sent or being sent and not yet deleted, and how many there may be.
#[derive(Debug)]
pub(crate) struct Backlog {
    messages: Cell<u64>,
    /// `None` when nothing is received, so that nothing would make room.
    messages_max: Option<u64>,
    shrunk: Notify,
    is_closed: Cell<bool>,
}

impl Backlog {
    pub(crate) fn new(messages_max: Option<u64>) -> Backlog {
        Backlog {
            messages: Cell::new(0),
            messages_max,
            shrunk: Notify::new(),
            is_closed: Cell::new(false),
        }
    }

    /// Waits for room; false when the run sends no more.
    pub(crate) async fn reserve(&self, messages: u64) -> bool {
        while let Some(max) = self.messages_max
            && self.messages.get() + messages > max.max(messages)
            && !self.is_closed.get()
        {
            self.shrunk.notified().await;
        }
        if self.is_closed.get() {
            return false;
        }
        self.messages.set(self.messages.get() + messages);
        // One wakes at a time and passes it on, or all would wake for every delete.
        if self
            .messages_max
            .is_some_and(|max| self.messages.get() < max)
        {
            self.shrunk.notify_one();
        }
        true
    }

    pub(crate) fn release(&self, messages: u64) {
        self.messages
            .set(self.messages.get().saturating_sub(messages));
        self.shrunk.notify_one();
    }

    pub(crate) fn close(&self) {
        self.is_closed.set(true);
        self.shrunk.notify_waiters();
    }

    pub(crate) fn messages(&self) -> u64 {
        self.messages.get()
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tokio::task::{LocalSet, spawn_local, yield_now};

    use super::*;

    #[tokio::test]
    async fn producers_wait_for_room_and_all_get_it() {
        LocalSet::new()
            .run_until(async {
                let backlog = Rc::new(Backlog::new(Some(10)));
                let tasks: Vec<_> = (0..5)
                    .map(|_| {
                        let backlog = backlog.clone();
                        spawn_local(async move { backlog.reserve(4).await })
                    })
                    .collect();
                yield_now().await;
                assert_eq!(backlog.messages(), 8);
                backlog.release(8);
                yield_now().await;
                yield_now().await;
                assert_eq!(backlog.messages(), 8, "one delete makes room for two");
                backlog.close();
                let mut granted = 0;
                for task in tasks {
                    granted += u32::from(task.await.expect("no panic"));
                }
                assert_eq!(granted, 4);
            })
            .await;
    }

    #[tokio::test]
    async fn a_batch_above_the_bound_goes_alone() {
        let backlog = Backlog::new(Some(5));
        assert!(backlog.reserve(10).await);
        assert_eq!(backlog.messages(), 10);
    }
}
