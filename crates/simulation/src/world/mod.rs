//! Three machines, a network between them, and what goes wrong with both.

mod fault;
mod links;
mod network;
mod tally;

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, pending};
use std::time::Duration;

use squorum_store::Random;
use turmoil::Sim;

pub use self::fault::{CLOCK_OFFSET_MS_MAX, Fault, Planned, plan, trouble_ms};
use self::fault::{NodeNumber, Trouble};
use self::links::{LATENCY_MS_MAX, Links};
pub use self::network::{PEER_PORT, SimDialer, address_of, listen};
use self::tally::Tally;
use crate::Trace;
use crate::machine::{Death, Machine};
use crate::oracle::{Rule, Violation};
use crate::trace::event;

pub const NODE_NAMES: [&str; 3] = ["node1", "node2", "node3"];

/// How long simulations may take at most, in simulated time.
const SIMULATED_MAX: Duration = Duration::from_secs(600);

/// After a node has ended by itself, until it is started again.
const RESTART_PAUSE_MS: u64 = 100;

/// What the process on a machine is.
pub type Outcome = turmoil::Result;

pub struct World {
    sim: Sim<'static>,
    machines: Vec<Machine>,
    links: Links,
    /// Nodes that are down, and when they start again.
    down: Vec<Option<u64>>,
    /// Nodes whose power goes in the middle of something, and how long they are down then.
    doomed: Vec<Option<u64>>,
    /// To come, by their time.
    faults: VecDeque<Planned>,
    trace: Trace,
    tally: Tally,
}

impl World {
    /// A world in which every machine runs `software`, and `clients` use it.
    pub fn new<S, R>(
        random: &mut Random,
        trace: Trace,
        software: S,
        clients: impl Future<Output = Outcome> + 'static,
    ) -> World
    where
        S: Fn(Machine) -> R + Clone + 'static,
        R: Future<Output = Outcome> + 'static,
    {
        let mut sim = turmoil::Builder::new()
            .rng_seed(random.next_u64())
            .simulation_duration(SIMULATED_MAX)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(LATENCY_MS_MAX))
            // A full buffer would be an error, not backpressure.
            .tcp_capacity(1 << 16)
            .enable_random_order()
            .build();
        let machines: Vec<Machine> = NODE_NAMES
            .iter()
            .enumerate()
            .map(|(number, name)| Machine::new(name, number, random.next_u64()))
            .collect();
        for machine in &machines {
            let (machine, software) = (machine.clone(), software.clone());
            sim.host(machine.name, move || {
                let machine = machine.clone();
                let process = software(machine.clone());
                async move {
                    let Err(error) = process.await else {
                        return Ok(());
                    };
                    // The machine's power may be gone: whoever looks after it finds out.
                    machine.fail_to_start(error.to_string());
                    pending().await
                }
            });
        }
        sim.client("clients", clients);
        World {
            sim,
            links: Links::default(),
            down: vec![None; machines.len()],
            doomed: vec![None; machines.len()],
            machines,
            faults: VecDeque::new(),
            trace,
            tally: Tally::default(),
        }
    }

    /// What will go wrong from now on.
    pub fn plan(&mut self, faults: Vec<Planned>) {
        self.faults = faults.into();
    }

    pub fn now_ms(&self) -> u64 {
        self.sim.elapsed().as_millis() as u64
    }

    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// What went wrong so far.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        self.tally.facts().into_iter()
    }

    /// How many times [`lose_disk`](Self::lose_disk) struck.
    pub fn lost_disks(&self) -> u64 {
        self.tally.lost_disks()
    }

    /// One millisecond. True when the clients are done.
    ///
    /// # Errors
    ///
    /// A process that failed, or ended in another way than planned.
    pub fn step(&mut self) -> Result<bool, Violation> {
        let now_ms = self.now_ms();
        while let Some(planned) = self.faults.pop_front_if(|planned| planned.at_ms <= now_ms) {
            self.strike(planned.fault);
        }
        for (from, to) in self.links.end(&self.sim, &NODE_NAMES, now_ms) {
            let (from, to) = (NODE_NAMES[from], NODE_NAMES[to]);
            event!(self.trace, now_ms, "link {from}-{to} is well again");
        }
        for node in 0..self.machines.len() {
            if self.down[node].is_some_and(|until_ms| until_ms <= now_ms) {
                self.start(node);
            }
        }
        let stepped = self.sim.step();
        let done = stepped.map_err(|error| Violation::new(Rule::Process, error.to_string()))?;
        for node in 0..self.machines.len() {
            self.look_after(node)?;
        }
        Ok(done)
    }

    /// Ends the process on a machine; when it starts again, it has nothing on disk.
    pub fn lose_disk(&mut self, node: usize, down_ms: u64) {
        if self.down[node].is_some() {
            return;
        }
        event!(
            self.trace,
            self.now_ms(),
            "{} loses its disk",
            NODE_NAMES[node]
        );
        self.end(node, Death::Kill, down_ms);
        self.machines[node].lose_disk();
        self.tally.lost_disk();
    }

    /// Ends everything that is wrong, now.
    pub fn heal(&mut self) {
        event!(self.trace, self.now_ms(), "all is well again");
        self.faults.clear();
        self.links.end_all(&self.sim, &NODE_NAMES);
        for node in 0..self.machines.len() {
            self.machines[node].clock.set_offset_ms(0);
            if self.doomed[node].take().is_some() {
                self.machines[node].keep_power();
            }
            if self.down[node].is_some() {
                self.start(node);
            }
        }
    }

    fn strike(&mut self, fault: Fault) {
        let now_ms = self.now_ms();
        event!(self.trace, now_ms, "{fault:?}");
        match fault {
            Fault::Restart {
                node,
                death,
                down_ms,
            } => self.end(node, death, down_ms),
            Fault::RestartAll { death, down_ms } => {
                self.tally.end_of_all();
                for node in 0..self.machines.len() {
                    self.end(node, death, down_ms);
                }
            }
            Fault::PowerCutSoon {
                node,
                moment,
                down_ms,
            } => {
                // If it is down: while the next process starts.
                if self.doomed[node].is_none() {
                    self.machines[node].cut_power_at(moment);
                    self.doomed[node] = Some(down_ms);
                }
            }
            Fault::Link {
                from,
                to,
                trouble,
                for_ms,
            } => self.trouble(from, to, trouble, now_ms + for_ms),
            Fault::Isolate {
                node,
                trouble,
                for_ms,
            } => {
                for other in (0..self.machines.len()).filter(|other| *other != node) {
                    self.trouble(node, other, trouble, now_ms + for_ms);
                }
            }
            Fault::ClockStep { node, offset_ms } => {
                self.tally.clock_step();
                self.machines[node].clock.set_offset_ms(offset_ms);
            }
        }
    }

    fn trouble(&mut self, from: NodeNumber, to: NodeNumber, trouble: Trouble, until_ms: u64) {
        let link = (from, to);
        let links = &mut self.links;
        if links.begin(&self.sim, &NODE_NAMES, link, trouble, until_ms) {
            self.tally.trouble(trouble);
        }
    }

    /// Ends the process on a machine.
    fn end(&mut self, node: NodeNumber, death: Death, down_ms: u64) {
        if self.down[node].is_some() {
            return;
        }
        let machine = &self.machines[node];
        // First the disk: destructors of the process must not write any more.
        machine.end(death);
        self.doomed[node] = None;
        if death == Death::PowerCut {
            self.silence(node);
        }
        self.sim.crash(NODE_NAMES[node]);
        self.down[node] = Some(self.now_ms() + down_ms);
        self.tally.death(death);
    }

    /// Nobody hears a machine's last words whose power is gone: connections end without a packet.
    fn silence(&self, node: NodeNumber) {
        let others = (0..self.machines.len()).filter(|other| *other != node);
        for other in others.filter(|other| !self.links.is_troubled(node, *other)) {
            let (a, b) = (NODE_NAMES[node], NODE_NAMES[other]);
            self.sim.partition(a, b);
        }
    }

    fn start(&mut self, node: NodeNumber) {
        event!(self.trace, self.now_ms(), "{} starts", NODE_NAMES[node]);
        let others = (0..self.machines.len()).filter(|other| *other != node);
        for other in others.filter(|other| !self.links.is_troubled(node, *other)) {
            self.sim.repair(NODE_NAMES[node], NODE_NAMES[other]);
        }
        self.down[node] = None;
        self.sim.bounce(NODE_NAMES[node]);
    }

    /// Ends the process of a machine whose power has gone, and reports one that failed.
    fn look_after(&mut self, node: NodeNumber) -> Result<(), Violation> {
        let name = NODE_NAMES[node];
        if self.down[node].is_some() {
            // What it said last, it said because it was ended.
            self.machines[node].take_failures();
            return Ok(());
        }
        if !self.machines[node].is_powered() {
            let down_ms = self.doomed[node].take().unwrap_or(RESTART_PAUSE_MS);
            event!(self.trace, self.now_ms(), "{name} lost its power");
            self.end(node, Death::PowerCut, down_ms);
            self.tally.power_cut_within_operation();
            self.machines[node].take_failures();
            return Ok(());
        }
        let failure = self.machines[node].take_failures().into_iter().next();
        match failure {
            Some(failure) => Err(failure),
            None if !self.sim.is_host_running(name) => {
                Err(Violation::new(Rule::Process, format!("{name} ended")))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("now_ms", &self.now_ms())
            .finish_non_exhaustive()
    }
}
