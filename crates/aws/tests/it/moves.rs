//! Move tasks: handles, lists, errors.

use serde_json::{Value, json};

use crate::client::Running;

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:dead";
/// Base64 of `{"taskId":"07070707-0707-0707-0707-070707070707","sourceArn":"…:dead"}`.
const HANDLE: &str = "eyJ0YXNrSWQiOiIwNzA3MDcwNy0wNzA3LTA3MDctMDcwNy0wNzA3MDcwNzA3MDciLCJzb3VyY2VBcm4iOiJhcm46YXdzOnNxczp1cy1lYXN0LTE6MDAwMDAwMDAwMDAwOmRlYWQifQ==";

#[tokio::test]
async fn a_task_is_known_by_its_handle() {
    let running = Running::start().await;
    let mut client = running.client().await;
    client
        .call("CreateQueue", json!({"QueueName": "dead"}).to_string())
        .await;
    let start = json!({"SourceArn": ARN, "MaxNumberOfMessagesPerSecond": 3}).to_string();
    let started = client.call("StartMessageMoveTask", start).await;
    assert_eq!(started.json(), json!({"TaskHandle": HANDLE}));
    let cancel = json!({"TaskHandle": HANDLE}).to_string();
    let cancelled = client.call("CancelMessageMoveTask", cancel).await;
    assert_eq!(
        cancelled.json(),
        json!({"ApproximateNumberOfMessagesMoved": 2})
    );
}

#[tokio::test]
async fn one_task_is_listed_unless_more_are_asked_for() {
    let running = Running::start().await;
    let mut client = running.client().await;
    client
        .call("CreateQueue", json!({"QueueName": "dead"}).to_string())
        .await;
    let list = |count: Value| json!({"SourceArn": ARN, "MaxResults": count}).to_string();
    let listed = client.call("ListMessageMoveTasks", list(Value::Null)).await;
    let running = json!({
        "TaskHandle": HANDLE,
        "Status": "RUNNING",
        "SourceArn": ARN,
        "ApproximateNumberOfMessagesMoved": 2,
        "ApproximateNumberOfMessagesToMove": 5,
        "StartedTimestamp": 1_700_000_000_000_u64,
    });
    assert_eq!(listed.json(), json!({"Results": [running]}));
    let listed = client.call("ListMessageMoveTasks", list(json!(10))).await;
    let failed = json!({
        "Status": "FAILED",
        "SourceArn": ARN,
        "DestinationArn": ARN,
        "MaxNumberOfMessagesPerSecond": 9,
        "ApproximateNumberOfMessagesMoved": 2,
        "ApproximateNumberOfMessagesToMove": 5,
        "FailureReason": "AWS.SimpleQueueService.NonExistentQueue",
        "StartedTimestamp": 1_700_000_000_000_u64,
    });
    assert_eq!(listed.json()["Results"][1], failed);
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let running = Running::start().await;
    let mut client = running.client().await;
    client
        .call("CreateQueue", json!({"QueueName": "dead"}).to_string())
        .await;
    let missing = ARN.replace("dead", "none");
    let elsewhere = ARN.replace("us-east-1", "eu-west-1");
    let other = HANDLE.replace("MDcw", "MDgw");
    let gone = "The resource that you specified for the SourceArn parameter doesn't exist.";
    for (action, body, status, message) in [
        (
            "StartMessageMoveTask",
            json!({"SourceArn": missing}),
            404,
            gone,
        ),
        (
            "ListMessageMoveTasks",
            json!({"SourceArn": elsewhere}),
            404,
            gone,
        ),
        (
            "CancelMessageMoveTask",
            json!({"TaskHandle": "x"}),
            400,
            "Value for parameter TaskHandle is invalid.",
        ),
        (
            "CancelMessageMoveTask",
            json!({"TaskHandle": other}),
            404,
            "Task does not exist.",
        ),
        (
            "StartMessageMoveTask",
            json!({}),
            400,
            "The request must contain the parameter SourceArn.",
        ),
        (
            "ListMessageMoveTasks",
            json!({"SourceArn": ARN, "MaxResults": 11}),
            400,
            "Value 11 for parameter MaxResults is invalid. Reason: Must be between 1 and 10, if \
             provided.",
        ),
    ] {
        let reply = client.call(action, body.to_string()).await;
        assert_eq!(
            (reply.status, &reply.json()["message"]),
            (status, &message.into()),
            "{body}"
        );
    }
}
