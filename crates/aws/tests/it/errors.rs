//! Every error of the front end: status, type, code of the Query protocol, text.

use serde_json::{Value, json};
use squorum_types::QueueName;
use squorum_types::service::{MessageError, ServiceError};

use crate::client::{Client, FIFO, QUEUE, Reply, Running};
use crate::fake::PANIC_QUEUE;

const INVALID: &str = "InvalidParameterValue";
const MISSING: &str = "MissingParameter";

fn check(reply: &Reply, status: u16, json_type: &str, query_code: &str, message: &str) {
    let body = reply.json();
    assert_eq!(body["message"], message);
    assert_eq!(body["__type"], json_type, "{message}");
    assert_eq!(reply.status, status, "{message}");
    let party = if status < 500 { "Sender" } else { "Receiver" };
    let expected = format!("{query_code};{party}");
    assert_eq!(
        reply.header("x-amzn-query-error"),
        Some(expected.as_str()),
        "{message}"
    );
    assert_eq!(
        reply.header("content-type"),
        Some("application/x-amz-json-1.0")
    );
}

fn sqs(shape: &str) -> String {
    format!("com.amazonaws.sqs#{shape}")
}

fn coral(shape: &str) -> String {
    format!("com.amazon.coral.service#{shape}")
}

async fn refused(client: &mut Client, action: &str, body: Value, code: &str, message: &str) {
    let reply = client.call(action, body.to_string()).await;
    let json_type = match code {
        INVALID => coral("InvalidParameterValueException"),
        MISSING => coral("MissingRequiredParameterException"),
        _ => sqs(code.rsplit('.').next().unwrap()),
    };
    check(&reply, 400, &json_type, code, message);
}

#[tokio::test]
async fn what_the_service_refuses() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let prefix = "AWS.SimpleQueueService";
    let orders = QueueName::parse("orders").unwrap();
    for (failure, status, json_type, query_code, message) in [
        (
            ServiceError::QueueDoesNotExist,
            400,
            sqs("QueueDoesNotExist"),
            format!("{prefix}.NonExistentQueue"),
            "The specified queue does not exist.",
        ),
        (
            ServiceError::QueueNameExists {
                attribute: "DelaySeconds",
            },
            400,
            sqs("QueueNameExists"),
            "QueueAlreadyExists".to_owned(),
            "A queue already exists with the same name and a different value for attribute DelaySeconds",
        ),
        (
            ServiceError::QueueTagsDiffer,
            400,
            sqs("QueueNameExists"),
            "QueueAlreadyExists".to_owned(),
            "A queue already exists with the same name and different tags",
        ),
        (
            ServiceError::TooManyTags {
                queue: orders.clone(),
            },
            400,
            coral("InvalidParameterValueException"),
            INVALID.to_owned(),
            "Too many tags added for queue orders.",
        ),
        (
            ServiceError::QueueDeletedRecently,
            400,
            sqs("QueueDeletedRecently"),
            format!("{prefix}.QueueDeletedRecently"),
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        ),
        (
            ServiceError::PurgeInProgress { queue: orders },
            403,
            sqs("PurgeQueueInProgress"),
            format!("{prefix}.PurgeQueueInProgress"),
            "Only one PurgeQueue operation on orders is allowed every 60 seconds.",
        ),
        (
            ServiceError::OverLimit,
            403,
            sqs("OverLimit"),
            "OverLimit".to_owned(),
            "Too many messages are in flight.",
        ),
        (
            ServiceError::Unsupported {
                reason: "No.".to_owned(),
            },
            400,
            sqs("UnsupportedOperation"),
            format!("{prefix}.UnsupportedOperation"),
            "No.",
        ),
        (
            ServiceError::Throttled,
            400,
            coral("ThrottlingException"),
            "ThrottlingException".to_owned(),
            "Rate exceeded",
        ),
        (
            ServiceError::Unavailable {
                reason: "no quorum",
            },
            503,
            coral("ServiceUnavailableException"),
            "ServiceUnavailable".to_owned(),
            "The service is unavailable. Please retry your request.",
        ),
        (
            ServiceError::Internal {
                reason: "secret".to_owned(),
            },
            500,
            coral("InternalFailure"),
            "InternalFailure".to_owned(),
            "We encountered an internal error. Please try again.",
        ),
    ] {
        running.fake.state().failure = Some(failure);
        let reply = client.call("CreateQueue", r#"{"QueueName":"x"}"#).await;
        check(&reply, status, &json_type, &query_code, message);
    }
    let reply = client
        .call("DeleteQueue", json!({"QueueUrl": PANIC_QUEUE}).to_string())
        .await;
    let message = "We encountered an internal error. Please try again.";
    check(
        &reply,
        500,
        &coral("InternalFailure"),
        "InternalFailure",
        message,
    );
    let reply = client
        .call("GetQueueUrl", r#"{"QueueName":"orders"}"#)
        .await;
    assert_eq!(reply.status, 200, "a panic harms nobody else");
}

#[tokio::test]
async fn what_is_refused_of_one_message() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let long = "x".repeat(129);
    let by_queue = format!(
        "Value {long} for parameter MessageGroupId is invalid. Reason: MessageGroupId can \
                            only include alphanumeric and punctuation characters. 1 to 128 in length."
    );
    let need_body = "The request must contain the parameter MessageBody.";
    let need_group = "The request must contain the parameter MessageGroupId.";
    let need_deduplication = "The queue should either have ContentBasedDeduplication enabled or \
                              MessageDeduplicationId provided explicitly";
    let wrong_type = "The request include parameter that is not valid for this queue type.";
    let rule = |value: &str, id: &str| {
        format!(
            "Value {value} for parameter {id} is invalid. Reason: {id} can only include \
                 alphanumeric and punctuation characters. 1 to 128 in length."
        )
    };
    let mebibyte = "x".repeat(1_048_577);
    for (url, request, code, message) in [
        (QUEUE, json!({}), MISSING, need_body),
        (QUEUE, json!({"MessageBody": ""}), MISSING, need_body),
        (QUEUE, json!({"MessageBody": null}), MISSING, need_body),
        (
            QUEUE,
            json!({"MessageBody": mebibyte}),
            INVALID,
            "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
        ),
        (
            QUEUE,
            json!({"MessageBody": "x", "DelaySeconds": -1}),
            INVALID,
            "Value -1 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
        ),
        (
            FIFO,
            json!({"MessageBody": "x", "DelaySeconds": 2, "MessageGroupId": "g", "MessageDeduplicationId": "d"}),
            INVALID,
            &format!("Value 2 for parameter DelaySeconds is invalid. Reason: {wrong_type}"),
        ),
        (
            FIFO,
            json!({"MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d",
                "MessageAttributes": {"squorum.deliver-at": {"DataType": "Number", "StringValue": "0"}}}),
            INVALID,
            &format!("Value 0 for parameter squorum.deliver-at is invalid. Reason: {wrong_type}"),
        ),
        (
            QUEUE,
            json!({"MessageBody": "x", "DelaySeconds": 1,
                "MessageAttributes": {"squorum.deliver-at": {"DataType": "Number", "StringValue": "0"}}}),
            INVALID,
            "Value 1 for parameter DelaySeconds is invalid. Reason: The message attribute \
             squorum.deliver-at says when the message is delivered.",
        ),
        (
            QUEUE,
            json!({"MessageBody": "x",
                "MessageAttributes": {"squorum.deliver-at": {"DataType": "String", "StringValue": "soon"}}}),
            INVALID,
            "Value soon for parameter squorum.deliver-at is invalid. Reason: Must be a Number of \
             milliseconds since the Unix epoch, or a String with such a number or an RFC 3339 time \
             like 2027-03-01T09:00:00Z.",
        ),
        (FIFO, json!({"MessageBody": "x"}), MISSING, need_group),
        (
            FIFO,
            json!({"MessageBody": "x", "MessageGroupId": "g"}),
            INVALID,
            need_deduplication,
        ),
        (
            QUEUE,
            json!({"MessageBody": "x", "MessageGroupId": ""}),
            INVALID,
            &rule("", "MessageGroupId"),
        ),
        (
            QUEUE,
            json!({"MessageBody": "x", "MessageGroupId": "a b"}),
            INVALID,
            &rule("a b", "MessageGroupId"),
        ),
        (
            QUEUE,
            json!({"MessageBody": "x", "MessageGroupId": long}),
            INVALID,
            &by_queue,
        ),
        (
            FIFO,
            json!({"MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "ä"}),
            INVALID,
            &rule("ä", "MessageDeduplicationId"),
        ),
        (
            QUEUE,
            json!({"MessageBody": "x", "MessageDeduplicationId": "d"}),
            INVALID,
            &format!(
                "Value d for parameter MessageDeduplicationId is invalid. Reason: {wrong_type}"
            ),
        ),
    ] {
        let mut request = request;
        request["QueueUrl"] = url.into();
        refused(&mut client, "SendMessage", request, code, message).await;
    }
    let body = json!({"QueueUrl": QUEUE, "MessageBody": "x".repeat(1_048_576)}).to_string();
    assert_eq!(
        client.call("SendMessage", body).await.status,
        200,
        "equal is allowed"
    );
    let none = json!({"QueueUrl": "none", "MessageBody": "x"});
    let reply = client.call("SendMessage", none.to_string()).await;
    let code = "AWS.SimpleQueueService.NonExistentQueue";
    check(
        &reply,
        400,
        &sqs("QueueDoesNotExist"),
        code,
        "The specified queue does not exist.",
    );
    let no_queue = json!({"MessageBody": "x"});
    let message = "The request must contain the parameter QueueUrl.";
    refused(&mut client, "SendMessage", no_queue, MISSING, message).await;
}

#[tokio::test]
async fn what_is_refused_of_message_attributes() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let string = |value: &str| json!({"DataType": "String", "StringValue": value});
    let many = (0..11)
        .map(|number| (format!("a{number}"), string("x")))
        .collect();
    let many = Value::Object(many);
    let long = "x".repeat(257);
    let reserved = "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These \
                    strings are reserved for internal use.";
    let types = "The message attribute 'x' has an invalid message attribute type, the set of \
                 supported type prefixes is Binary, Number, and String.";
    let name_invalid = "Message (user) attribute name 'a..b' is invalid. It can contain letters, \
                        digits, periods, hyphens and underscores, and periods neither at its ends \
                        nor in sequence.";
    for (attributes, message) in [
        (
            many,
            "Number of message attributes [11] exceeds the allowed maximum [10].",
        ),
        (
            json!({"": string("x")}),
            "The request must contain non-empty message (user) attribute names.",
        ),
        (
            json!({&long: string("x")}),
            "Message (user) attribute name must be shorter than 256 bytes.",
        ),
        (json!({"a..b": string("x")}), name_invalid),
        (json!({"aws.x": string("x")}), reserved),
        (json!({"AMAZON.x": string("x")}), reserved),
        (
            json!({"ErrorDetails": string("")}),
            "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.",
        ),
        (
            json!({"x": {"StringValue": "x"}}),
            "The message attribute 'x' must contain non-empty message attribute type.",
        ),
        (
            json!({"x": {"DataType": "string", "StringValue": "x"}}),
            types,
        ),
        (
            json!({"x": {"DataType": "String.", "StringValue": "x"}}),
            types,
        ),
        (
            json!({"x": {"DataType": "Number", "StringValue": "seven"}}),
            "Can't cast the value of message (user) attribute 'x' to a number.",
        ),
        (
            json!({"x": {"DataType": "Binary", "StringValue": "x"}}),
            "The message attribute 'x' with type 'Binary' must use field 'BinaryValue'.",
        ),
    ] {
        let body = json!({"QueueUrl": QUEUE, "MessageBody": "x", "MessageAttributes": attributes});
        refused(&mut client, "SendMessage", body, INVALID, message).await;
    }
    let body =
        json!({"QueueUrl": QUEUE, "MessageBody": "x", "MessageAttributes": {"x": string("\u{b}")}});
    let message = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF \
                   | #xE000 to #xFFFD | #x10000 to #x10FFFF";
    refused(&mut client, "SendMessage", body, INVALID, message).await;
    let body = json!({"QueueUrl": QUEUE, "MessageBody": "x", "MessageSystemAttributes": {"Hello": string("x")}});
    let message = "Message system attribute name 'Hello' is invalid.";
    refused(&mut client, "SendMessage", body, INVALID, message).await;
}

#[tokio::test]
async fn what_is_refused_of_a_batch() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let entries = |count: usize| {
        let entry = |number| json!({"Id": format!("id_{number}"), "MessageBody": "x"});
        Value::Array((0..count).map(entry).collect())
    };
    let prefix = "AWS.SimpleQueueService";
    let half = "x".repeat(524_288);
    let id = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It \
              can be at most 80 letters long.";
    let group = "The request must contain the parameter MessageGroupId.";
    let deduplication = "The queue should either have ContentBasedDeduplication enabled or \
                         MessageDeduplicationId provided explicitly";
    let entry = |id: &str, body: &str| json!({"Id": id, "MessageBody": body});
    for (url, entries, code, message) in [
        (
            QUEUE,
            json!([]),
            format!("{prefix}.EmptyBatchRequest"),
            "There should be at least one SendMessageBatchRequestEntry in the request.",
        ),
        (
            QUEUE,
            entries(20),
            format!("{prefix}.TooManyEntriesInBatchRequest"),
            "Maximum number of entries per request are 10. You have sent 20.",
        ),
        (
            QUEUE,
            entries(500),
            format!("{prefix}.TooManyEntriesInBatchRequest"),
            "Maximum number of entries per request are 10. You have sent 500.",
        ),
        (
            QUEUE,
            json!([entry("id_1", "x"), entry("b", "x"), entry("id_1", "y")]),
            format!("{prefix}.BatchEntryIdsNotDistinct"),
            "Id id_1 repeated.",
        ),
        (
            QUEUE,
            json!([entry("", "x")]),
            format!("{prefix}.InvalidBatchEntryId"),
            id,
        ),
        (
            QUEUE,
            json!([entry("a:b", "x")]),
            format!("{prefix}.InvalidBatchEntryId"),
            id,
        ),
        (
            QUEUE,
            json!([entry(&"x".repeat(81), "x")]),
            format!("{prefix}.InvalidBatchEntryId"),
            id,
        ),
        (
            QUEUE,
            json!([entry("a", &half), entry("b", &half), entry("c", "x")]),
            format!("{prefix}.BatchRequestTooLong"),
            "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
        ),
        (
            QUEUE,
            json!([{"Id": "a"}]),
            MISSING.to_owned(),
            "The request must contain the parameter SendMessageBatchRequestEntry.1.MessageBody.",
        ),
        (FIFO, json!([entry("a", "x")]), INVALID.to_owned(), group),
        (
            FIFO,
            json!([
                {"Id": "a", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"},
                {"Id": "b", "MessageBody": "x", "MessageGroupId": "g"},
            ]),
            INVALID.to_owned(),
            deduplication,
        ),
    ] {
        let body = json!({"QueueUrl": url, "Entries": entries});
        refused(&mut client, "SendMessageBatch", body, &code, message).await;
    }
    assert!(
        running.fake.state().sent.is_empty(),
        "nothing of a refused batch is sent"
    );
    for action in ["DeleteMessageBatch", "ChangeMessageVisibilityBatch"] {
        let code = format!("{prefix}.EmptyBatchRequest");
        let message = format!("There should be at least one {action}RequestEntry in the request.");
        refused(
            &mut client,
            action,
            json!({"QueueUrl": QUEUE}),
            &code,
            &message,
        )
        .await;
    }
}

#[tokio::test]
async fn what_is_refused_of_a_receive() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    for (parameter, value, reason) in [
        (
            "MaxNumberOfMessages",
            0,
            "Must be between 1 and 10, if provided.",
        ),
        (
            "MaxNumberOfMessages",
            11,
            "Must be between 1 and 10, if provided.",
        ),
        (
            "WaitTimeSeconds",
            21,
            "Must be >= 0 and <= 20, if provided.",
        ),
        (
            "WaitTimeSeconds",
            -1,
            "Must be >= 0 and <= 20, if provided.",
        ),
        (
            "VisibilityTimeout",
            43_201,
            "Must be >= 0 and <= 43200, if provided.",
        ),
        (
            "VisibilityTimeout",
            -1,
            "Must be >= 0 and <= 43200, if provided.",
        ),
    ] {
        let message =
            format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}");
        let body = json!({"QueueUrl": QUEUE, parameter: value});
        refused(&mut client, "ReceiveMessage", body, INVALID, &message).await;
    }
    for list in ["AttributeNames", "MessageSystemAttributeNames"] {
        let body = json!({"QueueUrl": QUEUE, list: ["SenderId", "Foobar"]});
        let message = "Unknown Attribute Foobar.";
        refused(
            &mut client,
            "ReceiveMessage",
            body,
            "InvalidAttributeName",
            message,
        )
        .await;
    }
    let body = json!({"QueueUrl": QUEUE, "AttributeNames": ["Foobar"]});
    let message = "Unknown Attribute Foobar.";
    refused(
        &mut client,
        "GetQueueAttributes",
        body,
        "InvalidAttributeName",
        message,
    )
    .await;
    let body = json!({"QueueUrl": FIFO, "ReceiveRequestAttemptId": ""});
    let message = "Value  for parameter ReceiveRequestAttemptId is invalid. Reason: \
                   ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. \
                   1 to 128 in length.";
    refused(&mut client, "ReceiveMessage", body, INVALID, message).await;
    let body = json!({"MaxResults": 0});
    let message = "Value 0 for parameter MaxResults is invalid. Reason: Must be between 1 and 1000, if \
                   provided.";
    refused(&mut client, "ListQueues", body, INVALID, message).await;
    let body = json!({"MaxResults": 1, "NextToken": "?"});
    refused(
        &mut client,
        "ListQueues",
        body,
        INVALID,
        "Invalid or expired next token.",
    )
    .await;
}

#[tokio::test]
async fn what_is_refused_of_a_receipt_handle() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let invalid = "ReceiptHandleIsInvalid";
    let garbage = "The input receipt handle \"garbage\" is not a valid receipt handle.";
    let expired = "Value garbage for parameter ReceiptHandle is invalid. Reason: The receipt handle has \
                   expired.";
    let gone = "Value garbage for parameter ReceiptHandle is invalid. Reason: Message does not exist or \
                is not available for visibility timeout change.";
    let beyond = "Value 7 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for \
                  the message is beyond the limit [43200 seconds]";
    for (failure, action, code, message) in [
        (
            MessageError::ReceiptHandleInvalid,
            "DeleteMessage",
            invalid,
            garbage,
        ),
        (
            MessageError::ReceiptHandleInvalid,
            "ChangeMessageVisibility",
            invalid,
            garbage,
        ),
        (
            MessageError::ReceiptHandleExpired,
            "DeleteMessage",
            INVALID,
            expired,
        ),
        (
            MessageError::MessageNotAvailable,
            "ChangeMessageVisibility",
            INVALID,
            gone,
        ),
        (
            MessageError::VisibilityTimeoutBeyondLimit,
            "ChangeMessageVisibility",
            INVALID,
            beyond,
        ),
    ] {
        running.fake.state().message_failure = Some(failure);
        let body = json!({"QueueUrl": QUEUE, "ReceiptHandle": "garbage", "VisibilityTimeout": 7});
        refused(&mut client, action, body, code, message).await;
    }
    for (action, parameter) in [
        ("DeleteMessage", "ReceiptHandle"),
        ("ChangeMessageVisibility", "ReceiptHandle"),
        ("CreateQueue", "QueueName"),
        ("GetQueueUrl", "QueueName"),
        ("DeleteQueue", "QueueUrl"),
        ("PurgeQueue", "QueueUrl"),
        ("ReceiveMessage", "QueueUrl"),
        ("GetQueueAttributes", "QueueUrl"),
        ("SetQueueAttributes", "Attribute.Name"),
    ] {
        let message = format!("The request must contain the parameter {parameter}.");
        refused(&mut client, action, json!({}), MISSING, &message).await;
    }
    let body = json!({"QueueUrl": QUEUE, "ReceiptHandle": "x"});
    let message = "The request must contain the parameter VisibilityTimeout.";
    refused(
        &mut client,
        "ChangeMessageVisibility",
        body,
        MISSING,
        message,
    )
    .await;
}

/// The node may find that a queue has changed since the message was checked.
#[tokio::test]
async fn what_is_refused_of_a_message_by_newer_attributes() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let shorter = "Message must be shorter than 1024 bytes.";
    let no_id = "The queue should either have ContentBasedDeduplication enabled or \
                 MessageDeduplicationId provided explicitly";
    let refusals = [
        (
            MessageError::TooLong { bytes_max: 1_024 },
            format!("One or more parameters are invalid. Reason: {shorter}"),
            format!("One or more parameters cannot be validated. Reason: {shorter}"),
        ),
        (
            MessageError::NoDeduplicationId,
            no_id.to_owned(),
            no_id.to_owned(),
        ),
    ];
    for (failure, alone, in_batch) in refusals {
        running.fake.state().message_failure = Some(failure.clone());
        let body = json!({"QueueUrl": QUEUE, "MessageBody": "x"});
        refused(&mut client, "SendMessage", body, INVALID, &alone).await;
        running.fake.state().message_failure = Some(failure);
        let entries = json!([{"Id": "a", "MessageBody": "x"}]);
        let body = json!({"QueueUrl": QUEUE, "Entries": entries}).to_string();
        let answer = client.call("SendMessageBatch", body).await.json();
        assert_eq!(answer["Failed"][0]["Message"], in_batch);
        assert_eq!(answer["Failed"][0]["SenderFault"], true);
    }
}
