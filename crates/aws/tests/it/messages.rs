//! Messages: sent, received, deleted, changed, one by one and in batches.

use serde_json::{Value, json};
use squorum_types::Timestamp;
use squorum_types::service::MessageError;

use crate::client::{Client, FIFO, QUEUE, Running};

async fn ok(client: &mut Client, action: &str, body: Value) -> Value {
    let reply = client.call(action, body.to_string()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    if reply.body.is_empty() {
        Value::Null
    } else {
        reply.json()
    }
}

#[tokio::test]
async fn a_message_comes_back_as_it_was_sent() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let text = "tab\t newline\n quote \" backslash \\ ü € 😀 \u{7f}";
    let sent = ok(
        &mut client,
        "SendMessage",
        json!({
            "QueueUrl": QUEUE, "MessageBody": text, "DelaySeconds": "3",
            "MessageGroupId": "tenant",
            "MessageAttributes": {
                "z": {"DataType": "Binary.png", "BinaryValue": "AP8="},
                "größe": {"DataType": "Number.int", "StringValue": "-12.5e3"},
            },
            "MessageSystemAttributes": {
                "AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"},
            },
        }),
    )
    .await;
    assert_eq!(sent.as_object().unwrap().len(), 4, "{sent}");
    let entry = running.fake.state().sent[0].clone();
    assert_eq!(entry.body, text.as_bytes());
    assert_eq!(
        (entry.delay_seconds, entry.group_id.as_str()),
        (Some(3), "tenant")
    );
    assert_eq!(entry.deduplication_id, "");
    let received = ok(
        &mut client,
        "ReceiveMessage",
        json!({
            "QueueUrl": QUEUE, "MessageAttributeNames": ["All"], "AttributeNames": ["SenderId"],
            "MessageSystemAttributeNames": ["All"], "VisibilityTimeout": 0, "WaitTimeSeconds": 20,
        }),
    )
    .await;
    let message = &received["Messages"][0];
    assert_eq!(message["Body"], text);
    assert_eq!(message["MD5OfBody"], sent["MD5OfMessageBody"]);
    assert_eq!(
        message["MD5OfMessageAttributes"],
        sent["MD5OfMessageAttributes"]
    );
    assert_eq!(message["MessageId"], sent["MessageId"]);
    assert_eq!(
        message["MessageAttributes"],
        json!({
            "z": {"DataType": "Binary.png", "BinaryValue": "AP8="},
            "größe": {"DataType": "Number.int", "StringValue": "-12.5e3"},
        })
    );
    assert_eq!(
        message["Attributes"],
        json!({
            "SenderId": "AIDSENDER",
            "SentTimestamp": "1700000000456",
            "ApproximateReceiveCount": "1",
            "ApproximateFirstReceiveTimestamp": "1700000000789",
            "MessageGroupId": "tenant",
            "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
        })
    );
    let request = running.fake.state().received.clone().unwrap();
    assert_eq!(request.visibility_timeout_seconds, Some(0));
    assert_eq!(
        (request.wait_time_seconds, request.messages_max),
        (Some(20), 1)
    );
    let empty = ok(&mut client, "ReceiveMessage", json!({"QueueUrl": QUEUE})).await;
    assert_eq!(empty, json!({}), "no messages are an absent list");
}

#[tokio::test]
async fn a_receive_shows_what_it_asked_for_and_hashes_that() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let attributes = json!({
        "attribName1": {"DataType": "String", "StringValue": "attribValue 1"},
        "customNumberTypeAttrib":
            {"DataType": "Number.float", "StringValue": "4563442423554324324264524243.32543234"},
        "binaryAttribute": {"DataType": "Binary", "BinaryValue": "SGVsbG8gYmluYXJ5IHdvcmxkIQ=="},
    });
    let send =
        json!({"QueueUrl": QUEUE, "MessageBody": "Test Message", "MessageAttributes": attributes});
    let sent = ok(&mut client, "SendMessage", send).await;
    assert_eq!(sent["MD5OfMessageBody"], "d1d4180b7e411c4be86b00fb2ee103eb");
    assert_eq!(
        sent["MD5OfMessageAttributes"],
        "c932db14a896c663f83c260297d594ff"
    );
    for (names, shown, digest) in [
        (vec![], vec![], None),
        (vec!["nothing"], vec![], None),
        (
            vec!["attribName1"],
            vec!["attribName1"],
            Some("19e27d4e946b072f3f58da80d94fd778"),
        ),
        (
            vec!["custom.*"],
            vec!["customNumberTypeAttrib"],
            Some("9fe1b90bbd9965bdf77bac517c7d2495"),
        ),
        (
            vec!["bin*"],
            vec!["binaryAttribute"],
            Some("31a92b15d92f8db860eda32aceb656c3"),
        ),
        (
            vec![".*"],
            vec!["attribName1", "binaryAttribute", "customNumberTypeAttrib"],
            Some("c932db14a896c663f83c260297d594ff"),
        ),
    ] {
        let receive = json!({"QueueUrl": QUEUE, "MessageAttributeNames": names});
        let received = ok(&mut client, "ReceiveMessage", receive).await;
        let message = &received["Messages"][0];
        let keys = message
            .get("MessageAttributes")
            .map(|map| map.as_object().unwrap().keys());
        let keys: Vec<_> = keys.into_iter().flatten().collect();
        assert_eq!(keys, shown, "{names:?}");
        let shown = message
            .get("MD5OfMessageAttributes")
            .map(|text| text.as_str().unwrap());
        assert_eq!(shown, digest, "{names:?}");
        assert_eq!(message.get("Attributes"), None);
        let handle = &message["ReceiptHandle"];
        let back = json!({"QueueUrl": QUEUE, "ReceiptHandle": handle, "VisibilityTimeout": 0});
        ok(&mut client, "ChangeMessageVisibility", back).await;
    }
}

#[tokio::test]
async fn system_attributes_are_hashed_apart() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let trace = json!({"AWSTraceHeader": {"DataType": "String", "StringValue": "some-trace-id"}});
    let send = json!({"QueueUrl": QUEUE, "MessageBody": "x", "MessageSystemAttributes": trace});
    let sent = ok(&mut client, "SendMessage", send).await;
    assert_eq!(
        sent["MD5OfMessageSystemAttributes"],
        "fdce4f2818803f2f73becc09a54792c0"
    );
    assert_eq!(sent.get("MD5OfMessageAttributes"), None);
    assert_eq!(running.fake.state().sent[0].trace_header, "some-trace-id");
    // Without one, the request's own header is taken, and not hashed.
    let body = json!({"QueueUrl": QUEUE, "MessageBody": "x"}).to_string();
    let sent = client
        .call_with("SendMessage", "X-Amzn-Trace-Id: Root=7\r\n", body)
        .await;
    assert_eq!(sent.json().get("MD5OfMessageSystemAttributes"), None);
    assert_eq!(running.fake.state().sent[0].trace_header, "Root=7");
}

#[tokio::test]
async fn fifo_messages_have_ids_and_numbers() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let send = json!({
        "QueueUrl": FIFO, "MessageBody": "x", "MessageGroupId": "g!~", "DelaySeconds": 0,
        "MessageDeduplicationId": "d",
    });
    let sent = ok(&mut client, "SendMessage", send).await;
    let number = sent["SequenceNumber"].as_str().unwrap();
    assert_eq!(number.len(), 20);
    let entry = running.fake.state().sent[0].clone();
    assert_eq!(entry.delay_seconds, None, "zero means the queue's delay");
    assert_eq!(
        (entry.group_id.as_str(), entry.deduplication_id.as_str()),
        ("g!~", "d")
    );
    assert!(!entry.deduplicates_by_content);
    let receive = json!({
        "QueueUrl": FIFO, "ReceiveRequestAttemptId": "attempt",
        "AttributeNames": ["SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader"],
    });
    let received = ok(&mut client, "ReceiveMessage", receive).await;
    assert_eq!(
        received["Messages"][0]["Attributes"],
        json!({"SequenceNumber": number, "MessageDeduplicationId": "d", "MessageGroupId": "g!~"})
    );
    assert_eq!(
        running.fake.state().received.as_ref().unwrap().attempt_id,
        "attempt"
    );
    // An id of the content: SHA-256 of the body alone.
    let content = json!({"QueueUrl": FIFO, "Attributes": {"ContentBasedDeduplication": "true"}});
    ok(&mut client, "SetQueueAttributes", content).await;
    let send = json!({
        "QueueUrl": FIFO, "MessageBody": "abc", "MessageGroupId": "g",
        "MessageAttributes": {"a": {"DataType": "String", "StringValue": "x"}},
    });
    ok(&mut client, "SendMessage", send).await;
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let entry = running.fake.state().sent[0].clone();
    assert_eq!(entry.deduplication_id, sha256);
    assert!(entry.deduplicates_by_content);
    let counted = "abc".len() + "a".len() + "String".len() + "x".len();
    assert_eq!(entry.size_bytes, counted);
}

#[tokio::test]
async fn a_time_of_delivery_is_an_attribute_like_any_other() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let number = json!({"squorum.deliver-at":
        {"DataType": "Number", "StringValue": "1803891600000"}});
    let text = json!({"squorum.deliver-at":
        {"DataType": "String", "StringValue": "2027-03-01T09:00:00Z"}});
    let send = json!({
        "QueueUrl": QUEUE, "MessageBody": "x", "MessageAttributes": number, "DelaySeconds": 0,
    });
    let sent = ok(&mut client, "SendMessage", send).await;
    let at = Some(Timestamp(1_803_891_600_000));
    assert_eq!(running.fake.state().sent[0].deliver_at, at);
    let received = ok(
        &mut client,
        "ReceiveMessage",
        json!({"QueueUrl": QUEUE, "MessageAttributeNames": ["All"]}),
    )
    .await;
    let message = &received["Messages"][0];
    assert_eq!(message["MessageAttributes"], number);
    let digest = &message["MD5OfMessageAttributes"];
    assert_eq!(*digest, sent["MD5OfMessageAttributes"]);

    let beyond = MessageError::DeliveryBeyondRetention {
        deliver_at: Timestamp(1_803_891_600_000),
        retention_seconds: 345_600,
    };
    running.fake.state().message_failure = Some(beyond);
    let send = json!({"QueueUrl": QUEUE, "Entries": [
        {"Id": "a", "MessageBody": "x"},
        {"Id": "b", "MessageBody": "x", "MessageAttributes": text},
    ]});
    let answer = ok(&mut client, "SendMessageBatch", send).await;
    assert_eq!(
        answer["Failed"][1],
        json!({"Id": "b", "SenderFault": true, "Code": "InvalidParameterValue", "Message":
            "Value 1803891600000 for parameter squorum.deliver-at is invalid. Reason: The message \
             would be gone by then: the queue's MessageRetentionPeriod is 345600 seconds."})
    );
    let entries = running.fake.state().sent.clone();
    let times: Vec<_> = entries.iter().map(|entry| entry.deliver_at).collect();
    assert_eq!(times, [None, at]);
}

#[tokio::test]
async fn batches_answer_per_entry() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let small = json!({"QueueUrl": QUEUE, "Attributes": {"MaximumMessageSize": "1024"}});
    ok(&mut client, "SetQueueAttributes", small).await;
    let send = json!({"QueueUrl": QUEUE, "Entries": [
        {"Id": "a", "MessageBody": "Test Message"},
        {"Id": "b", "MessageBody": "x".repeat(1025)},
        {"Id": "c", "MessageBody": "\u{1}"},
        {"Id": "d", "MessageBody": "x", "DelaySeconds": 901},
        {"Id": "e", "MessageBody": "x".repeat(1024)},
        {"Id": "f", "MessageBody": "x".repeat(1015), "MessageAttributes": {
            "name": {"DataType": "String", "StringValue": "12"}}},
    ]});
    let sent = ok(&mut client, "SendMessageBatch", send).await;
    let ids: Vec<_> = sent["Successful"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["Id"])
        .collect();
    assert_eq!(ids, ["a", "e"]);
    assert_eq!(
        sent["Successful"][0]["MD5OfMessageBody"],
        "d1d4180b7e411c4be86b00fb2ee103eb"
    );
    assert_eq!(
        sent["Successful"][0]["MessageId"].as_str().unwrap().len(),
        36
    );
    let too_long = "One or more parameters cannot be validated. Reason: Message must be shorter \
                    than 1024 bytes.";
    let invalid = "InvalidParameterValue";
    let expected = json!([
        {"Id": "b", "SenderFault": true, "Code": invalid, "Message": too_long},
        {"Id": "c", "SenderFault": true, "Code": "InvalidMessageContents", "Message":
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to \
             #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"},
        {"Id": "d", "SenderFault": true, "Code": invalid, "Message":
            "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 \
             and <= 900."},
        {"Id": "f", "SenderFault": true, "Code": invalid, "Message": too_long},
    ]);
    assert_eq!(sent["Failed"], expected);
    let receive = json!({"QueueUrl": QUEUE, "MaxNumberOfMessages": 10});
    let received = ok(&mut client, "ReceiveMessage", receive).await;
    let handles: Vec<_> = received["Messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["ReceiptHandle"].clone())
        .collect();
    let change = json!({"QueueUrl": QUEUE, "Entries": [
        {"Id": "a", "ReceiptHandle": handles[0], "VisibilityTimeout": 43200},
        {"Id": "b", "ReceiptHandle": handles[1], "VisibilityTimeout": 43201},
        {"Id": "c", "ReceiptHandle": "garbage", "VisibilityTimeout": 0},
    ]});
    let changed = ok(&mut client, "ChangeMessageVisibilityBatch", change).await;
    assert_eq!(changed["Successful"], json!([{"Id": "a"}]));
    let failed: Vec<_> = changed["Failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["Code"])
        .collect();
    assert_eq!(failed, [invalid, "ReceiptHandleIsInvalid"]);
    let delete = json!({"QueueUrl": QUEUE, "Entries": [
        {"Id": "a", "ReceiptHandle": handles[0]},
        {"Id": "b", "ReceiptHandle": "garbage"},
    ]});
    let deleted = ok(&mut client, "DeleteMessageBatch", delete).await;
    assert_eq!(deleted["Successful"], json!([{"Id": "a"}]));
    assert_eq!(
        deleted["Failed"],
        json!([{"Id": "b", "SenderFault": true, "Code": "ReceiptHandleIsInvalid", "Message":
            "The input receipt handle \"garbage\" is not a valid receipt handle."}])
    );
    // Nothing failed, nothing succeeded: either list is absent.
    let delete = json!({"QueueUrl": QUEUE, "Entries": [{"Id": "a", "ReceiptHandle": handles[1]}]});
    assert_eq!(
        ok(&mut client, "DeleteMessageBatch", delete.clone()).await,
        json!({"Successful": [{"Id": "a"}]})
    );
    let again = ok(&mut client, "DeleteMessageBatch", delete).await;
    assert_eq!(again.get("Successful"), None);
    running.fake.state().message_failure = Some(MessageError::Unavailable);
    let send = json!({"QueueUrl": QUEUE, "Entries": [{"Id": "a", "MessageBody": "x"}]});
    let sent = ok(&mut client, "SendMessageBatch", send).await;
    assert_eq!(sent["Failed"][0]["SenderFault"], false);
}
