//! The links between nodes and what is wrong with them. A link has one trouble at a time, because
//! turmoil cannot combine them.

use std::collections::BTreeMap;
use std::time::Duration;

use turmoil::Sim;

use super::fault::{NodeNumber, Trouble};

/// Milliseconds that a message takes where nothing is wrong, at most.
pub(super) const LATENCY_MS_MAX: u64 = 3;

#[derive(Debug, Default)]
pub(super) struct Links {
    /// By the two ends, in the order in which the trouble names them.
    troubled: BTreeMap<(NodeNumber, NodeNumber), Troubled>,
}

#[derive(Clone, Copy, Debug)]
struct Troubled {
    trouble: Trouble,
    until_ms: u64,
}

impl Links {
    pub(super) fn is_troubled(&self, a: NodeNumber, b: NodeNumber) -> bool {
        self.troubled.contains_key(&(a, b)) || self.troubled.contains_key(&(b, a))
    }

    /// False if there is trouble with the link already.
    pub(super) fn begin(
        &mut self,
        sim: &Sim<'_>,
        names: &[&'static str],
        (from, to): (NodeNumber, NodeNumber),
        trouble: Trouble,
        until_ms: u64,
    ) -> bool {
        if self.is_troubled(from, to) {
            return false;
        }
        let (a, b) = (names[from], names[to]);
        match trouble {
            Trouble::Cut => sim.partition(a, b),
            Trouble::CutTo => sim.partition_oneway(a, b),
            Trouble::CutFrom => sim.partition_oneway(b, a),
            Trouble::Hold => sim.hold(a, b),
            Trouble::Slow { latency_ms } => {
                sim.set_link_latency(a, b, Duration::from_millis(latency_ms));
            }
        }
        let troubled = Troubled { trouble, until_ms };
        self.troubled.insert((from, to), troubled);
        true
    }

    /// Ends the troubles whose time is over. Answers the links.
    pub(super) fn end(
        &mut self,
        sim: &Sim<'_>,
        names: &[&'static str],
        now_ms: u64,
    ) -> Vec<(NodeNumber, NodeNumber)> {
        let over: Vec<_> = self
            .troubled
            .extract_if(.., |_, troubled| troubled.until_ms <= now_ms)
            .collect();
        for ((from, to), troubled) in &over {
            let (a, b) = (names[*from], names[*to]);
            match troubled.trouble {
                // Both directions: a power cut may have silenced the other one meanwhile.
                Trouble::Cut | Trouble::CutTo | Trouble::CutFrom => sim.repair(a, b),
                Trouble::Hold => sim.release(a, b),
                Trouble::Slow { .. } => {
                    sim.set_link_latency(a, b, Duration::from_millis(1));
                    sim.set_link_max_message_latency(a, b, Duration::from_millis(LATENCY_MS_MAX));
                }
            }
        }
        over.into_iter().map(|(link, _)| link).collect()
    }

    /// Ends all of them, and leaves no link cut.
    pub(super) fn end_all(&mut self, sim: &Sim<'_>, names: &[&'static str]) {
        self.end(sim, names, u64::MAX);
        for (position, a) in names.iter().enumerate() {
            for b in &names[position + 1..] {
                sim.repair(*a, *b);
            }
        }
    }
}
