//! Move tasks.

use squorum_proto::queue as proto;

use super::Desk;
use super::partition::{Partition, State};

impl Partition {
    /// The position of a message that it found and has no route for.
    pub(super) fn send_on(
        &mut self,
        desk: &mut Desk<'_>,
        fifo: bool,
        command: &proto::MoveMessages,
    ) -> Option<u64> {
        if command.task > self.progress.map_or(0, |progress| progress.task) {
            self.progress = Some(proto::MoveProgress {
                task: command.task,
                left: self.status().visible,
                ..Default::default()
            });
        }
        for _ in 0..command.count {
            let progress = self.progress.unwrap();
            let full = desk.outbox.len() >= desk.rules.outbox_max;
            if progress.task != command.task || progress.left == 0 || full {
                return None;
            }
            let chosen = if fifo {
                self.choose_or_bury(desk, 1).pop()
            } else {
                self.first_or_bury(desk)
            };
            let progress = self.progress.as_mut().unwrap();
            let Some(seq) = chosen else {
                progress.left = 0;
                return None;
            };
            let at = self.position_of(seq).unwrap();
            let origin = self.messages[at].source.map_or(0, |source| source.queue);
            let routes = command.routes.iter();
            let mut fitting = routes.filter(|route| [0, origin].contains(&route.origin));
            let progress = self.progress.as_mut().unwrap();
            let Some(route) = fitting.next() else {
                progress.unrouted = Some(proto::Unrouted { origin });
                // It was taken and is put back.
                self.messages[at].state = State::Chosen;
                self.show(at);
                return Some(seq);
            };
            progress.unrouted = None;
            progress.left -= 1;
            progress.in_transfer += 1;
            let message = self.leaving(desk, at, String::new());
            let message = proto::TransferredMessage {
                r#move: Some(proto::Move {
                    task: command.task,
                    origin: self.messages[at].source,
                }),
                ..message
            };
            desk.outbox.push(&route.target.unwrap(), seq, message);
            self.remove(at);
        }
        None
    }

    /// The first visible message of a standard queue that was not received too often.
    fn first_or_bury(&mut self, desk: &mut Desk<'_>) -> Option<u64> {
        loop {
            let seq = self.next_in_fairness(desk.rules)?;
            if !self.bury(desk, seq) {
                return Some(seq);
            }
        }
    }
}
