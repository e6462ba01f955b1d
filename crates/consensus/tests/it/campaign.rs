use squorum_consensus::testing::Outcome;
use squorum_consensus::{ApplyOn, Group};
use squorum_store::Store;

use crate::harness::{Node, check, checkpoint, found, propose_all, ready};

/// Seeds: `SQUORUM_SEEDS`, else 300 with `SQUORUM_LONG`, else 8.
fn seeds() -> u64 {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok())
    };
    let default = if number("SQUORUM_LONG").is_some() {
        300
    } else {
        8
    };
    number("SQUORUM_SEEDS").unwrap_or(default)
}

/// A small generator, so that a seed replays.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Proposals, flushes and checkpoints in any order, with crashes that take any part of what was
/// not flushed: nothing acknowledged is ever lost, doubled or reordered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_between_flushes_and_checkpoints_lose_nothing() {
    for seed in 0..seeds() {
        let mut random = Random(seed);
        let mut node = Node::new();
        if seed % 4 == 3 {
            node.apply_on = ApplyOn::Caller;
        }
        let mut group = node.start().await;
        found(&group).await;
        let (mut summary, mut next) = ((0, 0), 0);
        for _ in 0..12 {
            match random.below(6) {
                0 => node.store.flush().unwrap(),
                1 => checkpoint(&node, &group).await,
                2 => {
                    // The flush happened, but the crash comes before the group hears of it.
                    let _forgotten = group.begin_checkpoint();
                    node.store.flush().unwrap();
                    group = crash(&mut node, group, random.below(u64::MAX)).await;
                }
                3 => group = crash(&mut node, group, random.below(u64::MAX)).await,
                _ => {
                    let last = next + random.below(60);
                    let outcomes = propose_all(&group, next..last, 1 + random.below(16)).await;
                    summary = check(summary, &outcomes);
                    next = last;
                }
            }
            assert_eq!(node.ledger().summary(), summary, "seed {seed}");
        }
        group.shutdown().await;
        assert!(
            node.failures.lock().is_empty(),
            "seed {seed}: {:?}",
            node.failures.lock()
        );
    }
}

async fn crash(node: &mut Node, group: Group<Outcome>, seed: u64) -> Group<Outcome> {
    group.shutdown().await;
    let old = std::mem::replace(node, Node::new());
    *node = old.crash(seed);
    let group = node.start().await;
    ready(&group).await;
    group
}
