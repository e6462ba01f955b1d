use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::batch::call_batch;
use crate::connection::Connection;
use crate::measurement::record;
use crate::request::SendRequest;
use crate::run::Run;
use crate::tag::Tag;

const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// The numbers and groups of one producer: numbers ≡ index (mod producers), groups likewise, so
/// that a group's order is the order of its numbers.
#[derive(Debug)]
pub(crate) struct Lane {
    run: u32,
    index: u64,
    producers: u64,
    groups: u64,
    sent: u64,
    limit: u64,
}

impl Lane {
    /// `messages` are those of all producers together; `None` for as many as time allows.
    pub(crate) fn new(
        run: u32,
        index: u64,
        producers: u64,
        groups: u64,
        messages: Option<u64>,
    ) -> Lane {
        let limit = messages.map_or(u64::MAX, |messages| {
            (messages + producers - 1 - index) / producers
        });
        let groups = if groups == 0 {
            0
        } else {
            (groups + producers - 1 - index) / producers
        };
        Lane {
            run,
            index,
            producers,
            groups,
            sent: 0,
            limit,
        }
    }

    /// The next `batch` tags; fewer at the end, none when all are sent.
    fn next(&mut self, batch: u64, tags: &mut Vec<Tag>) {
        tags.clear();
        while (tags.len() as u64) < batch && self.sent < self.limit {
            let group_turn = if self.groups == 0 {
                0
            } else {
                self.sent % self.groups
            };
            let group = if self.groups == 0 {
                0
            } else {
                group_turn * self.producers + self.index
            };
            let number = self.sent * self.producers + self.index;
            tags.push(Tag {
                run: self.run,
                group,
                number,
            });
            self.sent += 1;
        }
    }
}

/// Sends until the lane is at its end or the run stops. What fails is sent again.
pub(crate) async fn produce(run: Rc<Run>, mut lane: Lane) {
    let mut connection = Connection::new(run.address.clone());
    let mut request = SendRequest::new(&run.address, &run.queue_url, &run.options);
    let mut tags = Vec::new();
    loop {
        lane.next(run.options.batch, &mut tags);
        if tags.is_empty() {
            return;
        }
        if (tags.len() as u64) < run.options.batch {
            let mut options = run.options.clone();
            options.batch = tags.len() as u64;
            request = SendRequest::new(&run.address, &run.queue_url, &options);
        }
        if !run.reserve_backlog(tags.len() as u64).await {
            return;
        }
        let bytes = request.with_tags(&tags);
        while !send(&run, &mut connection, bytes, &tags).await {
            if run.producers_stopped() {
                run.release_backlog(tags.len() as u64);
                return;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}

/// Whether the call was answered with 200 and no entry failed.
async fn send(run: &Run, connection: &mut Connection, bytes: &[u8], tags: &[Tag]) -> bool {
    let started = Instant::now();
    let outcome = call_batch(connection, bytes).await;
    let mut measurement = run.measurement.borrow_mut();
    match outcome {
        Ok(()) => {
            record(&mut measurement.send_us, started.elapsed());
            let mut ledger = run.ledger.borrow_mut();
            tags.iter().for_each(|tag| ledger.acknowledge(tag));
            true
        }
        Err(error) => {
            measurement.fail(format!("send: {error}"));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_share_numbers_and_groups_without_overlap() {
        let (mut numbers, mut groups) = (Vec::new(), Vec::new());
        for index in 0..3 {
            let mut lane = Lane::new(1, index, 3, 7, Some(100));
            let mut tags = Vec::new();
            loop {
                lane.next(10, &mut tags);
                if tags.is_empty() {
                    break;
                }
                numbers.extend(tags.iter().map(|tag| tag.number));
                groups.extend(tags.iter().map(|tag| tag.group));
            }
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
        groups.sort_unstable();
        groups.dedup();
        assert_eq!(groups, (0..7).collect::<Vec<_>>());
    }
}
