//! What clients ask of a node, in a front end's place.

use std::net::{IpAddr, Ipv4Addr};

use squorum_node::Node;
use squorum_store::memory::MemoryStore;
use squorum_types::service::{
    ChangeVisibilityEntry, CreateQueue, MessageError, QueueService, ReceiveRequest,
    ReceivedMessage, SendEntry, SentMessage, ServiceError, StartMove,
};
use squorum_types::{AccountId, Caller, QueueName, Region};
use tokio::sync::oneshot;

use super::plan::QueuePlan;
use crate::door::answer;

pub(super) type To<T> = oneshot::Sender<Result<T, ServiceError>>;
pub(super) type PerMessage<T> = Vec<Result<T, MessageError>>;

#[derive(Debug)]
pub(super) enum Call {
    Create {
        queue: QueuePlan,
        answer: To<()>,
    },
    Send {
        queue: QueueName,
        entries: Vec<SendEntry>,
        answer: To<PerMessage<SentMessage>>,
    },
    Receive {
        queue: QueueName,
        request: ReceiveRequest,
        /// The client's connection breaks in the midst of the answer: it has nothing.
        is_torn: bool,
        answer: To<Vec<ReceivedMessage>>,
    },
    Delete {
        queue: QueueName,
        handle: String,
        answer: To<PerMessage<()>>,
    },
    ChangeVisibility {
        queue: QueueName,
        entry: ChangeVisibilityEntry,
        answer: To<PerMessage<()>>,
    },
    /// Sends a dead-letter queue's messages back to where they came from, unless that is under way.
    StartMove {
        queue: QueueName,
        answer: To<()>,
    },
    /// Messages of the queue in any state.
    Count {
        queue: QueueName,
        answer: To<u64>,
    },
}

/// Works on a call until it is answered or its client has gone.
pub(super) async fn serve(node: Node<MemoryStore>, call: Call) {
    let caller = caller();
    match call {
        Call::Create { queue, answer: to } => {
            let request = CreateQueue {
                name: queue.name,
                attributes: queue.attributes,
                given: Default::default(),
                tags: Default::default(),
            };
            answer(to, async {
                node.create_queue(&caller, request).await.map(|_| ())
            })
            .await;
        }
        Call::Send {
            queue,
            entries,
            answer: to,
        } => {
            answer(to, async {
                let queue = node.find_queue(&caller, &caller.account, &queue).await?;
                node.send(&caller, &queue, entries).await
            })
            .await;
        }
        Call::Receive {
            queue,
            request,
            is_torn,
            answer,
        } => receive(&node, &caller, &queue, request, is_torn, answer).await,
        Call::Delete {
            queue,
            handle,
            answer: to,
        } => {
            answer(to, async {
                let queue = node.find_queue(&caller, &caller.account, &queue).await?;
                node.delete(&caller, &queue, vec![handle]).await
            })
            .await;
        }
        Call::ChangeVisibility {
            queue,
            entry,
            answer: to,
        } => {
            answer(to, async {
                let queue = node.find_queue(&caller, &caller.account, &queue).await?;
                node.change_visibility(&caller, &queue, vec![entry]).await
            })
            .await;
        }
        Call::StartMove { queue, answer: to } => {
            answer(to, async {
                let queue = node.find_queue(&caller, &caller.account, &queue).await?;
                let start = StartMove {
                    destination: None,
                    messages_per_second_max: None,
                };
                match node.start_move(&caller, &queue, start).await {
                    Ok(_) | Err(ServiceError::MoveIsRunning) => Ok(()),
                    Err(error) => Err(error),
                }
            })
            .await;
        }
        Call::Count { queue, answer: to } => {
            answer(to, async {
                let queue = node.find_queue(&caller, &caller.account, &queue).await?;
                let counters = node.describe_queue(&caller, &queue).await?.counters;
                Ok(counters.visible + counters.in_flight + counters.delayed)
            })
            .await;
        }
    }
}

async fn receive(
    node: &Node<MemoryStore>,
    caller: &Caller,
    queue: &QueueName,
    request: ReceiveRequest,
    is_torn: bool,
    mut to: To<Vec<ReceivedMessage>>,
) {
    let received = async {
        let queue = node.find_queue(caller, &caller.account, queue).await?;
        node.receive(caller, &queue, request).await
    };
    tokio::select! {
        biased;
        result = received => match result {
            // Dropped without a confirmation: the messages go back.
            Ok(_) if is_torn => {}
            Ok(delivery) => {
                if to.send(Ok(delivery.messages.clone())).is_ok() {
                    delivery.confirm();
                }
            }
            Err(error) => {
                // The client may have gone.
                let _ = to.send(Err(error));
            }
        },
        () = to.closed() => {}
    }
}

fn caller() -> Caller {
    Caller {
        account: AccountId::default(),
        region: Region::default(),
        principal: "simulation".to_owned(),
        source_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        request_id: "simulation".to_owned(),
    }
}
