//! What the server counts of its requests.

use std::sync::atomic::Ordering;

use serde_json::json;
use squorum_aws::AnswerClass;
use squorum_types::service::ServiceError;

use crate::client::{QUEUE, Running, eventually, head};

impl Running {
    /// How many requests of an action ended in a class.
    pub(crate) fn count(&self, action: &str, class: AnswerClass) -> u64 {
        let requests = self.handle.requests();
        let counts = requests.iter().find(|counts| counts.action == action);
        let answers = counts.into_iter().flat_map(|counts| &counts.answers);
        let of_class = answers.filter(|(known, _)| *known == class);
        of_class.map(|(_, count)| count).sum()
    }
}

#[tokio::test]
async fn requests_are_counted_by_what_came_of_them() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    assert_eq!(running.count("CreateQueue", AnswerClass::Success), 2);

    let failures = [
        (ServiceError::Throttled, AnswerClass::Throttled),
        (ServiceError::OverLimit, AnswerClass::ClientError),
        (ServiceError::QueueDoesNotExist, AnswerClass::ClientError),
        (
            ServiceError::Unavailable { reason: "test" },
            AnswerClass::Unavailable,
        ),
        (
            ServiceError::Internal {
                reason: "test".to_owned(),
            },
            AnswerClass::Internal,
        ),
    ];
    for (failure, class) in failures {
        let before = running.count("ListQueues", class);
        running.fake.state().failure = Some(failure);
        client.call("ListQueues", "{}").await;
        assert_eq!(running.count("ListQueues", class), before + 1);
    }

    client.call("Nonsense", "{}").await;
    client.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(running.count("unknown", AnswerClass::ClientError), 2);
    let all = running.handle.requests();
    let timed: u64 = all.iter().map(|counts| counts.durations.total()).sum();
    assert_eq!(timed, 2 + 5 + 2);
}

#[tokio::test]
async fn a_client_that_hangs_up_is_counted_as_gone() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let body = json!({"QueueUrl": QUEUE, "WaitTimeSeconds": 20}).to_string();
    let request = [head("ReceiveMessage", "", body.len()), body].concat();
    tokio::io::AsyncWriteExt::write_all(&mut client.stream, request.as_bytes())
        .await
        .unwrap();
    let parked = running.fake.counts.clone();
    eventually("poll parks", || parked.parked.load(Ordering::SeqCst) == 1).await;
    drop(client);
    let abandoned = || running.count("ReceiveMessage", AnswerClass::Abandoned) == 1;
    eventually("poll is abandoned", abandoned).await;
    assert_eq!(running.count("ReceiveMessage", AnswerClass::Success), 0);
}
