//! The gateway's side of a shard: numbers operations and brings them through.
//!
//! Whatever arrived while the batches before were under way goes into the next one. A batch whose
//! outcome is not known is submitted again under the same numbers, to whoever leads by then, until
//! the hold time is over: so each operation runs once, whatever happens to leaders.

mod answers;
mod numbering;

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use squorum_proto::queue::command::Operation;
use squorum_types::service::ServiceError;
use squorum_types::{Entropy, PartitionId};
use tokio::sync::{mpsc, oneshot, watch};

use self::answers::Proposed;
use self::numbering::{Proposal, session_id};
use super::batch::{Batch, FreshReceive};
use super::numbers::Numbers;
use super::request::{Admission, PendingRelease, Reply, Request};
use super::route::Route;
use crate::shutdown::stopped;

/// Batches under way at once. Two keep the way to the leader and its disk busy together.
const BATCHES_IN_FLIGHT_MAX: usize = 2;
/// Requests that wait, at most; who comes then waits for room.
const REQUESTS_MAX: usize = 4096;

/// Where operations for one shard go. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct SessionHandle {
    requests: mpsc::Sender<Request>,
}

impl SessionHandle {
    /// Has an operation applied and answers its outcome. Dropping the future does not take the
    /// operation back, but undoes a receive.
    pub(crate) async fn propose(
        &self,
        operation: Operation,
        admission: Option<Admission>,
    ) -> Reply {
        self.request(operation, admission, None).await
    }

    /// The same for a receive without a claim on the leader's board: the leader shall look first
    /// whether `partition` has anything.
    pub(crate) async fn propose_fresh(
        &self,
        operation: Operation,
        partition: PartitionId,
    ) -> Reply {
        self.request(operation, None, Some(partition)).await
    }

    async fn request(
        &self,
        operation: Operation,
        admission: Option<Admission>,
        fresh: Option<PartitionId>,
    ) -> Reply {
        let (reply, answer) = oneshot::channel();
        let request = Request {
            operation,
            reply,
            admission,
            fresh,
        };
        let stopped = ServiceError::Unavailable {
            reason: "node is stopping",
        };
        self.requests
            .send(request)
            .await
            .map_err(|_| stopped.clone())?;
        answer.await.unwrap_or(Err(stopped))
    }
}

/// This node's session with one shard. Runs until its handles or the shutdown are gone.
pub(crate) struct Session {
    route: Route,
    entropy: Arc<dyn Entropy>,
    requests: mpsc::Receiver<Request>,
    releases: mpsc::UnboundedReceiver<PendingRelease>,
    release_sender: mpsc::UnboundedSender<PendingRelease>,
    numbers: Arc<Mutex<Numbers>>,
    /// Whether the shard knows the session. Before, one batch is under way at a time: a second one
    /// could overtake the first, which opens it.
    is_open: bool,
}

impl Session {
    pub(crate) fn new(route: Route, entropy: Arc<dyn Entropy>) -> (Session, SessionHandle) {
        let (requests_sender, requests) = mpsc::channel(REQUESTS_MAX);
        let (release_sender, releases) = mpsc::unbounded_channel();
        let numbers = Arc::new(Mutex::new(Numbers::new(session_id(&*entropy))));
        let session = Session {
            route,
            entropy,
            requests,
            releases,
            release_sender,
            numbers,
            is_open: false,
        };
        let requests = requests_sender;
        (session, SessionHandle { requests })
    }

    pub(crate) async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut under_way = FuturesUnordered::new();
        loop {
            let batches_max = if self.is_open {
                BATCHES_IN_FLIGHT_MAX
            } else {
                1
            };
            let room = under_way.len() < batches_max;
            tokio::select! {
                biased;
                Some(proposed) = under_way.next() => {
                    for again in self.finish(proposed) {
                        under_way.push(self.submit(again));
                    }
                }
                Some(release) = self.releases.recv(), if room => {
                    let mut commands = self.opening();
                    commands.extend(self.number_release(release));
                    let proposal = self.gather(commands);
                    under_way.push(self.submit(proposal));
                }
                Some(request) = self.requests.recv(), if room => {
                    let mut commands = self.opening();
                    commands.push(self.number(request));
                    let proposal = self.gather(commands);
                    under_way.push(self.submit(proposal));
                }
                () = stopped(&mut shutdown) => return,
            }
        }
    }

    /// Submits the commands; the future ends with what became of them. Its flag says whether they
    /// were certainly not applied by an earlier try.
    fn submit(&self, proposal: Proposal) -> impl Future<Output = Proposed> + Send + use<> {
        let (session, acknowledgement) = {
            let mut numbers = proposal.numbers.lock();
            (numbers.session, numbers.acknowledgement())
        };
        let commands = proposal.commands.iter().enumerate();
        let fresh = commands.filter_map(|(position, command)| {
            let partition = command.fresh?;
            Some(FreshReceive {
                position,
                partition,
            })
        });
        let batch = Batch {
            session,
            acknowledgement: acknowledgement.clone(),
            fresh_receives: fresh.collect(),
            commands: proposal
                .commands
                .iter()
                .map(|command| command.command.clone())
                .collect(),
        };
        let route = self.route.clone();
        async move {
            let result = route.submit(batch, proposal.deadline).await;
            Proposed {
                proposal,
                acknowledgement,
                result,
            }
        }
    }
}
