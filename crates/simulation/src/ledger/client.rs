//! Clients of the ledgers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use squorum_store::Random;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Call, GROUPS, Proposed, Read, Refusal, Shared, note};
use crate::Trace;
use crate::door::Answer;
use crate::seams::elapsed_ms;
use crate::world::NODE_NAMES;

const CLIENTS: u64 = 6;
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries of what has to succeed at last.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

struct Client {
    shared: Shared,
    random: Random,
    trace: Trace,
    number: u64,
    /// Who led each group when it was last found out.
    leaders: [usize; GROUPS.len()],
    next: u64,
}

/// Runs until the troubles are over and every group took one more entry through its leader.
pub(super) async fn run(shared: Shared, seed: u64, trace: Trace) -> turmoil::Result {
    let mut random = Random::new(seed);
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let client = Client {
            shared: shared.clone(),
            random: Random::new(random.next_u64()),
            trace: trace.clone(),
            number,
            leaders: [number as usize % NODE_NAMES.len(); GROUPS.len()],
            next: 0,
        };
        clients.spawn(client.run());
    }
    while let Some(ended) = clients.join_next().await {
        ended?;
    }
    Ok(())
}

impl Client {
    async fn run(mut self) {
        while !self.shared.is_healed.load(Ordering::Relaxed) {
            let pause_ms = self.random.below(40);
            sleep(Duration::from_millis(pause_ms)).await;
            let group = self.random.below(GROUPS.len() as u64) as usize;
            let anyone = self.random.below(NODE_NAMES.len() as u64) as usize;
            match self.random.below(40) {
                0 => self.transfer(group, anyone).await,
                1..6 => self.read(group, anyone, true).await,
                6..9 => self.read(group, self.leaders[group], false).await,
                _ => {
                    self.propose(group).await;
                }
            }
        }
        for group in 0..GROUPS.len() {
            while !self.propose(group).await {
                sleep(RETRY_PAUSE).await;
            }
        }
    }

    /// True if the entry was acknowledged.
    async fn propose(&mut self, group: usize) -> bool {
        self.next += 1;
        let number = self.next * CLIENTS + self.number;
        let began_ms = elapsed_ms();
        let door = &self.shared.doors[self.leaders[group]];
        let make = |answer| Call::Propose {
            group,
            number,
            answer,
        };
        let result = match door.call(PATIENCE, make).await {
            Answer::Answered(result) => result,
            Answer::Refused => Err(Refusal::Nowhere),
            Answer::Broken | Answer::Silent => Err(Refusal::Unknown),
        };
        let ended_ms = elapsed_ms();
        note(
            &self.trace,
            ended_ms,
            format_args!("entry {number} of group {group}: {result:?}"),
        );
        if result.is_err() {
            self.leaders[group] = self.random.below(NODE_NAMES.len() as u64) as usize;
        }
        self.shared.ledgers.lock().proposals.push(Proposed {
            group,
            number,
            began_ms,
            ended_ms,
            result,
        });
        result.is_ok()
    }

    async fn read(&mut self, group: usize, node: usize, is_local: bool) {
        let began_ms = elapsed_ms();
        let make = |answer| match is_local {
            true => Call::ReadLocally { group, answer },
            false => Call::ReadByQuorum { group, answer },
        };
        let answer = self.shared.doors[node].call(PATIENCE, make).await;
        let ended_ms = elapsed_ms();
        if let Answer::Answered(Some(index)) = answer {
            note(
                &self.trace,
                ended_ms,
                format_args!("group {group} is at {index}, local: {is_local}"),
            );
            self.shared.ledgers.lock().reads.push(Read {
                group,
                began_ms,
                ended_ms,
                index,
                is_local,
            });
        }
    }

    async fn transfer(&mut self, group: usize, to: usize) {
        let door = &self.shared.doors[self.leaders[group]];
        let make = |answer| Call::Transfer { group, to, answer };
        let answer = door.call(PATIENCE, make).await;
        let at_ms = elapsed_ms();
        note(
            &self.trace,
            at_ms,
            format_args!("group {group} asked to move to {to}: {answer:?}"),
        );
    }
}
