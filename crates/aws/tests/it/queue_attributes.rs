use serde_json::{Value, json};

use crate::client::{Client, FIFO, QUEUE, Running};

async fn attributes(client: &mut Client, url: &str, names: &[&str]) -> Value {
    let body = json!({"QueueUrl": url, "AttributeNames": names}).to_string();
    let reply = client.call("GetQueueAttributes", body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

async fn set(client: &mut Client, url: &str, attributes: Value) {
    let body = json!({"QueueUrl": url, "Attributes": attributes}).to_string();
    let reply = client.call("SetQueueAttributes", body).await;
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, ""),
        "{reply:?}"
    );
}

fn defaults(name: &str) -> Value {
    json!({
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "CreatedTimestamp": "1700000000",
        "DelaySeconds": "0",
        "LastModifiedTimestamp": "1700000000",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "QueueArn": format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
    })
}

#[tokio::test]
async fn all_shows_what_aws_shows() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let standard = attributes(&mut client, QUEUE, &["All"]).await;
    assert_eq!(standard, json!({"Attributes": defaults("orders")}));
    let mut expected = defaults("orders.fifo");
    for (name, value) in [
        ("FifoQueue", "true"),
        ("ContentBasedDeduplication", "false"),
        ("DeduplicationScope", "queue"),
        ("FifoThroughputLimit", "perQueue"),
    ] {
        expected[name] = value.into();
    }
    let fifo = attributes(&mut client, FIFO, &["All"]).await;
    assert_eq!(fifo, json!({"Attributes": expected}));
    assert_eq!(attributes(&mut client, QUEUE, &[]).await, json!({}));
    let unset = ["Policy", "RedrivePolicy", "KmsMasterKeyId", "FifoQueue"];
    assert_eq!(attributes(&mut client, QUEUE, &unset).await, json!({}));
    let two = attributes(
        &mut client,
        QUEUE,
        &["DelaySeconds", "QueueArn", "DelaySeconds"],
    )
    .await;
    let arn = "arn:aws:sqs:us-east-1:000000000000:orders";
    assert_eq!(
        two,
        json!({"Attributes": {"DelaySeconds": "0", "QueueArn": arn}})
    );
}

#[tokio::test]
async fn what_is_set_is_echoed() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let given = json!({
        "DelaySeconds": "900",
        "MaximumMessageSize": "1024",
        "MessageRetentionPeriod": "60",
        "ReceiveMessageWaitTimeSeconds": "20",
        "VisibilityTimeout": "43200",
        "Policy": "{\"Version\": \"2012-10-17\",  \"Statement\":[]}",
        "KmsDataKeyReusePeriodSeconds": "60",
    });
    set(&mut client, QUEUE, given.clone()).await;
    let names: Vec<_> = given
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        attributes(&mut client, QUEUE, &names).await,
        json!({"Attributes": given})
    );
    // Back to where they are hidden; an empty redrive policy is one that is not there.
    let hidden = json!({"Policy": "", "KmsDataKeyReusePeriodSeconds": "300", "RedrivePolicy": ""});
    set(&mut client, QUEUE, hidden).await;
    let names = ["Policy", "KmsDataKeyReusePeriodSeconds", "RedrivePolicy"];
    assert_eq!(attributes(&mut client, QUEUE, &names).await, json!({}));
    let fifo = json!({
        "ContentBasedDeduplication": "True",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
        "FifoQueue": "TRUE",
    });
    set(&mut client, FIFO, fifo).await;
    let names = [
        "ContentBasedDeduplication",
        "DeduplicationScope",
        "FifoThroughputLimit",
    ];
    let expected = json!({
        "ContentBasedDeduplication": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
    });
    assert_eq!(
        attributes(&mut client, FIFO, &names).await,
        json!({"Attributes": expected})
    );
    // A key turns the managed encryption off, and it stays off when the key is gone.
    let names = ["KmsMasterKeyId", "SqsManagedSseEnabled"];
    set(&mut client, QUEUE, json!({"KmsMasterKeyId": "alias/k"})).await;
    let with_key = json!({"KmsMasterKeyId": "alias/k", "SqsManagedSseEnabled": "false"});
    assert_eq!(
        attributes(&mut client, QUEUE, &names).await,
        json!({"Attributes": with_key})
    );
    set(&mut client, QUEUE, json!({"KmsMasterKeyId": ""})).await;
    let without = json!({"SqsManagedSseEnabled": "false"});
    assert_eq!(
        attributes(&mut client, QUEUE, &names).await,
        json!({"Attributes": without})
    );
}

#[tokio::test]
async fn wrong_attributes_are_refused_in_awss_words() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let name = "InvalidAttributeName";
    let value = "InvalidAttributeValue";
    let kinds_of_encryption = "You can use one type of server-side encryption (SSE) at one time. \
                               You can either enable KMS SSE or SQS SSE.";
    let scope_only = "You can specify the DeduplicationScope only when FifoQueue is set to true.";
    let limit_only = "You can specify the FifoThroughputLimit only when FifoQueue is set to true.";
    let key_and_managed = json!({"KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"});
    for (url, attributes, code, message) in [
        (
            QUEUE,
            json!({"Foobar": "1"}),
            name,
            "Unknown Attribute Foobar.",
        ),
        (QUEUE, json!({"All": "1"}), name, "Unknown Attribute All."),
        (
            QUEUE,
            json!({"QueueArn": "1"}),
            name,
            "Unknown Attribute QueueArn.",
        ),
        (
            QUEUE,
            json!({"FifoQueue": "false"}),
            name,
            "Unknown Attribute FifoQueue.",
        ),
        (
            QUEUE,
            json!({"FifoQueue": "true"}),
            name,
            "Unknown Attribute FifoQueue.",
        ),
        (
            QUEUE,
            json!({"ContentBasedDeduplication": "false"}),
            name,
            "Unknown Attribute ContentBasedDeduplication.",
        ),
        (
            QUEUE,
            json!({"DeduplicationScope": "queue"}),
            name,
            scope_only,
        ),
        (
            QUEUE,
            json!({"FifoThroughputLimit": "perQueue"}),
            name,
            limit_only,
        ),
        (QUEUE, key_and_managed, name, kinds_of_encryption),
        (
            FIFO,
            json!({"FifoQueue": "false"}),
            value,
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
        ),
        (
            FIFO,
            json!({"FifoThroughputLimit": "perMessageGroupId"}),
            value,
            "Invalid value for the parameter FifoThroughputLimit. Reason: The perMessageGroupId value \
             is allowed only when the value for DeduplicationScope is messageGroup.",
        ),
    ] {
        let body = json!({"QueueUrl": url, "Attributes": attributes}).to_string();
        let reply = client.call("SetQueueAttributes", body).await;
        let shown = reply.json();
        assert_eq!(reply.status, 400, "{attributes}");
        assert_eq!(
            shown["__type"],
            format!("com.amazonaws.sqs#{code}"),
            "{attributes}"
        );
        assert_eq!(shown["message"], message, "{attributes}");
    }
    for (attribute, values) in [
        ("DelaySeconds", &["-1", "901", "x", ""][..]),
        ("MaximumMessageSize", &["1023", "1048577"]),
        ("MessageRetentionPeriod", &["59", "1209601"]),
        ("ReceiveMessageWaitTimeSeconds", &["-1", "21"]),
        (
            "VisibilityTimeout",
            &["-1", "43201", "99999999999999999999"],
        ),
        ("KmsDataKeyReusePeriodSeconds", &["59", "86401"]),
        ("SqsManagedSseEnabled", &["yes"]),
        ("ContentBasedDeduplication", &["1"]),
        ("DeduplicationScope", &["group", ""]),
        ("FifoThroughputLimit", &["perqueue"]),
        ("Policy", &["x", "[1]", "{\"a\":}"]),
    ] {
        for wrong in values {
            let body = json!({"QueueUrl": FIFO, "Attributes": {attribute: wrong}}).to_string();
            let reply = client.call("SetQueueAttributes", body).await;
            assert_eq!(reply.status, 400, "{attribute} {wrong}");
            let message = format!("Invalid value for the parameter {attribute}.");
            assert_eq!(reply.json()["message"], message, "{wrong}");
        }
    }
}

#[tokio::test]
async fn names_and_kinds_of_queues_belong_together() {
    let running = Running::start().await;
    let mut client = running.client().await;
    let standard = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in \
                    length";
    let fifo = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
                underscores, must end with .fifo suffix and be 1 to 80 in length.";
    let long = "x".repeat(81);
    let long_fifo = format!("{}.fifo", "x".repeat(76));
    for (name, is_fifo, message) in [
        ("a b", None, standard),
        (long.as_str(), None, standard),
        ("a.fifo", None, standard),
        ("a.fifo", Some("false"), standard),
        ("a", Some("true"), fifo),
        (long_fifo.as_str(), Some("True"), fifo),
        ("a", Some("false"), "Unknown Attribute FifoQueue."),
        ("a", Some("x"), "Unknown Attribute FifoQueue."),
        (
            "a.fifo",
            Some("x"),
            "Invalid value for the parameter FifoQueue.",
        ),
    ] {
        let attributes = is_fifo.map(|value| json!({"FifoQueue": value}));
        let body = json!({"QueueName": name, "Attributes": attributes}).to_string();
        let reply = client.call("CreateQueue", body).await;
        assert_eq!(
            (reply.status, &reply.json()["message"]),
            (400, &message.into()),
            "{name}"
        );
    }
    for policy in ["RedrivePolicy", "RedriveAllowPolicy"] {
        let body = json!({"QueueName": "a", "Attributes": {policy: "{}"}}).to_string();
        let reply = client.call("CreateQueue", body).await;
        assert_eq!(
            reply.json()["__type"],
            "com.amazon.coral.service#InvalidParameterValueException"
        );
    }
    assert_eq!(
        client.call("ListQueues", "{}").await.json(),
        json!({}),
        "nothing was created"
    );
}
