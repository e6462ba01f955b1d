//! What is not a request: an error of the client's, always, and never the end of anything.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::client::{Client, FIFO, PATIENCE, QUEUE, Running};

const SERIALIZATION: &str = "com.amazon.coral.service#SerializationException";

/// Runs of each random test; `SQUORUM_LONG=1` makes them many.
fn cases() -> u32 {
    match std::env::var_os("SQUORUM_LONG") {
        Some(_) => 20_000,
        None => 300,
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_or_have_wrong_types() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let deep = format!("{{\"x\":{}", "[".repeat(1_000_000));
    let nested = format!("{{\"MessageBody\":{}{}}}", "[".repeat(200), "]".repeat(200));
    for (body, message) in [
        (
            "{",
            "Request body is not valid JSON: EOF while parsing an object",
        ),
        ("[]", "Request body is not a JSON object"),
        ("\"x\"", "Request body is not a JSON object"),
        ("null", "Request body is not a JSON object"),
        (
            "{} {}",
            "Request body is not valid JSON: trailing characters",
        ),
        (
            "{\"a\":1,}",
            "Request body is not valid JSON: trailing comma",
        ),
        (deep.as_str(), "Request body is not valid JSON: "),
        (nested.as_str(), "Start of list found where not expected"),
        (
            r#"{"MessageBody":{}}"#,
            "Start of structure or map found where not expected.",
        ),
        (
            r#"{"DelaySeconds":"x"}"#,
            "STRING_VALUE can not be converted to an Integer",
        ),
        (
            r#"{"DelaySeconds":1.5}"#,
            "DECIMAL_VALUE can not be converted to an Integer",
        ),
        (
            r#"{"DelaySeconds":true}"#,
            "TRUE_VALUE can not be converted to an Integer",
        ),
        (
            r#"{"DelaySeconds":[]}"#,
            "Start of list found where not expected",
        ),
        (
            r#"{"MessageAttributes":[]}"#,
            "Start of list found where not expected",
        ),
        (r#"{"MessageAttributes":"x"}"#, "Expected map or null"),
        (
            r#"{"MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"?"}}}"#,
            "Blob is not valid base64",
        ),
    ] {
        let reply = client.call("SendMessage", body).await;
        let shown = reply.json();
        assert_eq!(
            (reply.status, &shown["__type"]),
            (400, &SERIALIZATION.into()),
            "{message}"
        );
        let text = shown["message"].as_str().unwrap();
        assert!(text.starts_with(message), "{text} instead of {message}");
    }
    let reply = client.call("SendMessageBatch", r#"{"Entries":"x"}"#).await;
    assert_eq!(reply.json()["message"], "Expected list or null");
    // Bytes that are no text.
    let body = b"{\"MessageBody\":\"\xff\xfe\",\"QueueUrl\":\"orders\"}";
    let reply = client.call("SendMessage", body).await;
    assert_eq!(
        (reply.status, reply.json()["__type"].as_str()),
        (400, Some(SERIALIZATION))
    );
    // Half of a surrogate pair, and what no message may contain.
    for character in [
        "\\ud800", "\\udc00x", "\\u0000", "\\u001f", "\\ufffe", "\\uffff",
    ] {
        let body = format!("{{\"QueueUrl\":\"orders\",\"MessageBody\":\"a{character}\"}}");
        let reply = client.call("SendMessage", body).await;
        let shown = reply.json();
        assert_eq!(reply.status, 400);
        assert_eq!(
            shown["__type"], "com.amazonaws.sqs#InvalidMessageContents",
            "{character}"
        );
    }
    // What AWS takes as a text or a number, whatever it is in JSON.
    let body = r#"{"QueueUrl":"orders","MessageBody":0,"DelaySeconds":"7","Unknown":[{}]}"#;
    assert_eq!(client.call("SendMessage", body).await.status, 200);
    assert_eq!(running.fake.state().sent[0].body, "0");
}

#[tokio::test]
async fn actions_that_do_not_exist() {
    let running = Running::start().await;
    let mut client = running.client().await;
    for target in ["FooBar", "sendMessage", ""] {
        let reply = client.call(target, "{}").await;
        let shown = reply.json();
        assert_eq!(reply.status, 400);
        assert_eq!(
            shown["__type"],
            "com.amazon.coral.service#UnknownOperationException"
        );
        let message = format!("The action {target} is not valid for this endpoint.");
        assert_eq!(shown["message"], message);
        assert_eq!(
            reply.header("x-amzn-query-error"),
            Some("InvalidAction;Sender")
        );
    }
    let request = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n\
                   Content-Length: 2\r\n\r\n{}";
    assert_eq!(client.raw(request.as_bytes()).await.status, 400);
}

/// Bytes that come instead of an HTTP request: an error or the end, and others are served on.
#[tokio::test]
async fn bytes_that_are_no_http() {
    let running = Running::start().await;
    let runner = &mut TestRunner::deterministic();
    let bytes = prop::collection::vec(any::<u8>(), 1..200);
    for _ in 0..cases() {
        let bytes = bytes.new_tree(runner).unwrap().current();
        let mut client = running.client().await;
        use tokio::io::AsyncWriteExt;
        client.stream.write_all(&bytes).await.unwrap();
        let _ = client.stream.shutdown().await;
        let reply = tokio::time::timeout(PATIENCE, client.reply())
            .await
            .unwrap();
        assert!(reply.is_none_or(|reply| reply.status < 500));
    }
    let mut client = running.client_with_queues().await;
    assert_eq!(client.call("ListQueues", "{}").await.status, 200);
}

const ACTIONS: [&str; 19] = [
    "AddPermission",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "CreateQueue",
    "DeleteMessage",
    "DeleteMessageBatch",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListQueueTags",
    "ListQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "RemovePermission",
    "SendMessage",
    "SendMessageBatch",
    "SetQueueAttributes",
    "TagQueue",
    "UntagQueue",
];

/// The members of all requests, so that random values meet the code that reads them.
const MEMBERS: [&str; 29] = [
    "QueueUrl",
    "QueueName",
    "Attributes",
    "tags",
    "AttributeNames",
    "MessageSystemAttributeNames",
    "MessageAttributeNames",
    "MaxNumberOfMessages",
    "VisibilityTimeout",
    "ReceiptHandle",
    "ReceiveRequestAttemptId",
    "Entries",
    "Id",
    "MessageBody",
    "DelaySeconds",
    "MessageAttributes",
    "MessageSystemAttributes",
    "MessageGroupId",
    "MessageDeduplicationId",
    "DataType",
    "StringValue",
    "BinaryValue",
    "NextToken",
    "MaxResults",
    "Tags",
    "TagKeys",
    "Label",
    "AWSAccountIds",
    "Actions",
];

/// Parts of the names of the Query protocol.
const QUERY_NAME_PARTS: [&str; 15] = [
    "QueueUrl",
    "QueueName",
    "Attribute",
    "AttributeName",
    "Name",
    "Value",
    "MessageAttribute",
    "MessageSystemAttribute",
    "StringValue",
    "BinaryValue",
    "DataType",
    "SendMessageBatchRequestEntry",
    "DeleteMessageBatchRequestEntry",
    "Id",
    "MessageBody",
];

/// Values of any type and depth, often under names and with texts that mean something.
fn value() -> impl Strategy<Value = Value> {
    let known = prop::sample::select(vec![
        QUEUE,
        FIFO,
        "",
        "x",
        "String",
        "Number",
        "Binary",
        "All",
        "true",
        "7",
        "AWSTraceHeader",
        "FifoQueue",
        "\0",
        "\u{ffff}",
        "ä",
        "a.fifo",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2i64..50).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        known.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let key = prop_oneof![
        3 => prop::sample::select(MEMBERS.to_vec()).prop_map(str::to_owned),
        1 => known.prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 40, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..12)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

async fn is_answered(client: &mut Client, action: &str, body: &[u8]) {
    let reply = client.call(action, body).await;
    assert!(
        reply.status < 500,
        "{action} {}: {reply:?}",
        String::from_utf8_lossy(body)
    );
    if reply.status != 200 {
        assert!(reply.json()["__type"].is_string());
        assert!(reply.header("x-amzn-query-error").is_some());
    }
}

#[tokio::test]
async fn random_requests_never_break_the_server() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let runner = &mut TestRunner::deterministic();
    let members = prop::collection::vec((prop::sample::select(MEMBERS.to_vec()), value()), 0..8);
    let whole = prop::sample::select(ACTIONS.to_vec());
    for _ in 0..cases() {
        let action = whole.new_tree(runner).unwrap().current();
        let members = members.new_tree(runner).unwrap().current();
        let mut body = json!({"QueueUrl": FIFO, "QueueName": "orders", "WaitTimeSeconds": 0});
        for (name, value) in members {
            body[name] = value;
        }
        is_answered(&mut client, action, body.to_string().as_bytes()).await;
    }
}

/// A good request with some bytes changed.
#[tokio::test]
async fn damaged_requests_never_break_the_server() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let body = json!({"QueueUrl": QUEUE, "WaitTimeSeconds": 0, "Entries": [
        {"Id": "a", "MessageBody": "häßlich \u{1f600} \"x\"", "DelaySeconds": 3, "MessageAttributes": {
            "n": {"DataType": "Number", "StringValue": "1"},
            "b": {"DataType": "Binary", "BinaryValue": "AP8="}}},
        {"Id": "b", "ReceiptHandle": "handle-1", "VisibilityTimeout": 1},
    ]});
    let good = body.to_string().into_bytes();
    let runner = &mut TestRunner::deterministic();
    let changes = prop::collection::vec((0..good.len(), any::<u8>()), 1..6);
    for _ in 0..cases() {
        let mut bytes = good.clone();
        for (position, byte) in changes.new_tree(runner).unwrap().current() {
            bytes[position] = byte;
        }
        // A parked receive would only cost time.
        for action in [
            "SendMessageBatch",
            "DeleteMessageBatch",
            "ChangeMessageVisibilityBatch",
        ] {
            is_answered(&mut client, action, &bytes).await;
        }
    }
}

/// Forms of names that mean something and of any, with any values.
#[tokio::test]
async fn random_forms_never_break_the_server() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let runner = &mut TestRunner::deterministic();
    let part = prop_oneof![
        3 => prop::sample::select(QUERY_NAME_PARTS.to_vec()).prop_map(str::to_owned),
        2 => (0u32..12).prop_map(|number| number.to_string()),
        1 => "[ -~]{0,4}",
    ];
    let name = prop::collection::vec(part, 1..6).prop_map(|parts| parts.join("."));
    let value = prop_oneof![
        prop::sample::select(vec![
            "", "7", "String", "QUEUE", "All", "%", "%zz", "%ff", "a+b"
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,8}",
    ];
    let pairs = prop::collection::vec((name, value), 0..12);
    let action = prop::sample::select(ACTIONS.to_vec());
    for _ in 0..cases() {
        let action = action.new_tree(runner).unwrap().current();
        let pairs = pairs.new_tree(runner).unwrap().current();
        let pairs = pairs.iter().map(|(name, value)| format!("&{name}={value}"));
        let form = format!(
            "Action={action}&QueueUrl=orders{}",
            pairs.collect::<String>()
        );
        let reply = client.form("/", "", &form).await;
        assert!(reply.status < 500, "{form}: {reply:?}");
        assert!(reply.text().starts_with("<?xml"), "{form}: {reply:?}");
    }
}
