//! Three members of one group in one process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use squorum_consensus::testing::{HeldLog, Outcome};
use squorum_consensus::{
    ApplyOn, Group, GroupOptions, InitializeError, Leadership, ProposeError, RaftTransport, Timings,
};
use squorum_peer::{Peers, Services, serve};
use squorum_types::NodeId;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::harness::{GROUP, Node, PATIENCE, until};
use crate::links::{LinkDialer, Links};

pub(crate) const IDS: [u64; 3] = [1, 2, 3];
pub(crate) const CLUSTER: [u8; 16] = [9; 16];

pub(crate) struct Cluster {
    pub(crate) links: Arc<Links>,
    pub(crate) members: BTreeMap<u64, Member>,
    tweak: fn(&mut GroupOptions),
}

pub(crate) struct Member {
    pub(crate) node: Node,
    run: Option<Run>,
}

struct Run {
    log: Arc<HeldLog>,
    transport: Arc<RaftTransport>,
    group: Group<Outcome>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Cluster {
    /// Started and founded.
    pub(crate) async fn new() -> Cluster {
        Cluster::with(|_| {}).await
    }

    pub(crate) async fn with(tweak: fn(&mut GroupOptions)) -> Cluster {
        let cluster = Cluster::unfounded(tweak).await;
        for id in IDS {
            match cluster.group(id).initialize(IDS.map(NodeId)).await {
                // Another member was faster, and leads already.
                Ok(()) | Err(InitializeError::AlreadyInitialized) => {}
                Err(error) => panic!("{error}"),
            }
        }
        cluster.leader().await;
        cluster
    }

    pub(crate) async fn unfounded(tweak: fn(&mut GroupOptions)) -> Cluster {
        let members = IDS.map(|id| {
            let node = Node::with_id(NodeId(id));
            (id, Member { node, run: None })
        });
        let mut cluster = Cluster {
            links: Arc::default(),
            members: members.into(),
            tweak,
        };
        for id in IDS {
            cluster.start(id).await;
        }
        cluster
    }

    pub(crate) fn peers(&self, id: u64) -> Peers {
        let links = Arc::clone(&self.links);
        let dialer = LinkDialer { links, from: id };
        let peers = Peers::new(NodeId(id), 1, Arc::new(dialer));
        peers.set_cluster(CLUSTER);
        for other in IDS {
            peers.set_address(NodeId(other), other.to_string());
        }
        peers
    }

    pub(crate) async fn start(&mut self, id: u64) {
        let peers = self.peers(id);
        let transport = RaftTransport::new(peers.clone(), 64 << 20);
        let services = Services::new().for_members(transport.service());
        let (stop, stopped) = oneshot::channel::<()>();
        let incoming = self.links.listen(id);
        let served = tokio::spawn(serve(peers, incoming, services, async {
            let _ = stopped.await;
        }));
        let member = self.members.get_mut(&id).unwrap();
        let mut options = member.node.options();
        (self.tweak)(&mut options);
        let log = Arc::new(HeldLog::new(member.node.log.clone()));
        let entries = Arc::new(Arc::clone(&log));
        let group = member
            .node
            .start_over(options, entries, Arc::clone(&transport));
        let group = group.await.unwrap();
        member.run = Some(Run {
            log,
            transport,
            group,
            stop,
            served,
        });
    }

    /// As by SIGKILL: nobody hears any more of the node, and its unflushed state is lost in part.
    pub(crate) async fn kill(&mut self, id: u64) {
        self.links.kill(id);
        let member = self.members.get_mut(&id).unwrap();
        let run = member.run.take().unwrap();
        let _ = run.stop.send(());
        run.group.shutdown().await;
        run.served.await.unwrap();
        let empty = Node::with_id(NodeId(id));
        let node = std::mem::replace(&mut member.node, empty);
        member.node = node.crash(id);
    }

    pub(crate) fn group(&self, id: u64) -> &Group<Outcome> {
        &self.members[&id].run.as_ref().unwrap().group
    }

    pub(crate) fn log(&self, id: u64) -> &HeldLog {
        &self.members[&id].run.as_ref().unwrap().log
    }

    pub(crate) fn transport(&self, id: u64) -> &RaftTransport {
        &self.members[&id].run.as_ref().unwrap().transport
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = u64> {
        let running = self.members.iter().filter(|(_, m)| m.run.is_some());
        running.map(|(id, _)| *id)
    }

    /// The running member that is ready to serve in the highest term, once there is one.
    pub(crate) async fn leader(&self) -> u64 {
        self.leader_but(None).await
    }

    /// The same, without one member.
    pub(crate) async fn leader_but(&self, but: Option<u64>) -> u64 {
        let started = Instant::now();
        loop {
            let ready = self
                .running()
                .filter(|id| Some(*id) != but)
                .map(|id| (self.group(id).leadership(), id))
                .filter(|(leadership, _)| leadership.ready_to_serve);
            if let Some((_, id)) = ready.max_by_key(|(leadership, _)| leadership.term) {
                return id;
            }
            assert!(started.elapsed() < PATIENCE, "{:?}", self.leaderships());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn leaderships(&self) -> Vec<(u64, Leadership)> {
        let all = self.running().map(|id| (id, self.group(id).leadership()));
        all.collect()
    }

    /// Proposes at whoever leads until it is applied. May apply it more than once.
    pub(crate) async fn propose(&self, entry: &Bytes, but: Option<u64>) -> Outcome {
        loop {
            let leader = self.leader_but(but).await;
            match self.group(leader).propose(entry.clone()).await {
                Ok(outcome) => return outcome,
                Err(ProposeError::NotLeader { .. } | ProposeError::OutcomeUnknown { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until all running members have applied what the leader has now.
    pub(crate) async fn catch_up(&self) {
        let leader = self.leader().await;
        let index = self.group(leader).last_log_index();
        for id in self.running() {
            let group = self.group(id);
            until("a member to catch up", || group.applied_index() >= index).await;
        }
    }

    /// Waits until all running members have applied the same entries, of which no more may come.
    /// Answers their summary.
    pub(crate) async fn converge(&self) -> (u64, u64) {
        self.catch_up().await;
        let summaries: Vec<_> = self
            .running()
            .map(|id| self.members[&id].node.ledger().summary())
            .collect();
        assert!(
            summaries.iter().all(|summary| *summary == summaries[0]),
            "{summaries:?}"
        );
        summaries[0]
    }

    pub(crate) async fn checkpoint(&self, id: u64) {
        crate::harness::checkpoint(&self.members[&id].node, self.group(id)).await;
    }

    pub(crate) async fn shutdown(mut self) {
        for (id, member) in &mut self.members {
            if let Some(run) = member.run.take() {
                self.links.kill(*id);
                let _ = run.stop.send(());
                run.group.shutdown().await;
                run.served.await.unwrap();
            }
            let failures = member.node.failures.lock();
            assert!(failures.is_empty(), "{failures:?}");
        }
    }
}

/// The longest election timeout, and the lease, of a [`patient`] group.
pub(crate) const PATIENT_LEASE: Duration = Duration::from_secs(2);

/// Timeouts that no moment ends in which a busy machine runs nobody: a leader must not be deposed
/// because it is slow.
pub(crate) fn patient(options: &mut GroupOptions) {
    options.timings = Timings {
        heartbeat_interval_ms: 250,
        election_timeout_min_ms: 1500,
        election_timeout_max_ms: PATIENT_LEASE.as_millis() as u64,
    };
}

/// No threads, as in simulations. All members share one worker then, which makes them slow.
pub(crate) fn inline(options: &mut GroupOptions) {
    options.apply_on = ApplyOn::Caller;
    patient(options);
}

/// Watches that no two members serve from their own state at the same time.
pub(crate) struct LeaseWatch {
    task: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Drop for LeaseWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl LeaseWatch {
    pub(crate) fn start(cluster: &Cluster) -> LeaseWatch {
        let groups: Vec<_> = cluster
            .running()
            .map(|id| cluster.group(id).clone())
            .collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::task::spawn_blocking(move || {
            while !stopped.load(Ordering::Relaxed) {
                for first in &groups {
                    for second in &groups {
                        // The first serves before and after, so also while the second does.
                        let both = first.node() != second.node()
                            && first.can_serve_locally()
                            && second.can_serve_locally()
                            && first.can_serve_locally();
                        assert!(!both, "{first:?} and {second:?} serve in {GROUP:?}");
                    }
                }
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        LeaseWatch {
            task: Some(task),
            stop,
        }
    }

    pub(crate) async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.task.take().unwrap().await.unwrap();
    }
}
