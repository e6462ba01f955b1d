//! Tags of queues on the wire.

use serde_json::{Value, json};

use crate::client::{Client, QUEUE, Running};

async fn refused(client: &mut Client, action: &str, body: Value) -> (String, String) {
    let reply = client.call(action, body.to_string()).await;
    let text = |name: &str| reply.json()[name].as_str().unwrap().to_owned();
    assert_eq!(reply.status, 400, "{body}");
    (text("__type"), text("message"))
}

#[tokio::test]
async fn tags_come_and_go() {
    let running = Running::start().await;
    let mut client = running.client().await;
    let body = json!({"QueueName": "orders", "tags": {"b": "1", "ä ö": "", "a": 7}}).to_string();
    assert_eq!(client.call("CreateQueue", body).await.status, 200);
    let list = json!({"QueueUrl": QUEUE}).to_string();
    let found = client.call("ListQueueTags", &list).await;
    let expected = r#"{"Tags":{"a":"7","b":"1","ä ö":""}}"#;
    assert_eq!(found.text(), expected, "in the order of their keys");
    let tag = json!({"QueueUrl": QUEUE, "Tags": {"b": "2", "_.:/=+-@": "_.:/=+-@"}}).to_string();
    let tagged = client.call("TagQueue", tag).await;
    assert_eq!((tagged.status, tagged.text().as_str()), (200, ""));
    let keys = ["a", "b", "b", "none", "ä ö", "aws:none"];
    let untag = json!({"QueueUrl": QUEUE, "TagKeys": keys}).to_string();
    let untagged = client.call("UntagQueue", untag).await;
    assert_eq!((untagged.status, untagged.text().as_str()), (200, ""));
    let found = client.call("ListQueueTags", &list).await;
    assert_eq!(found.json(), json!({"Tags": {"_.:/=+-@": "_.:/=+-@"}}));
    let untag = json!({"QueueUrl": QUEUE, "TagKeys": ["_.:/=+-@"]}).to_string();
    client.call("UntagQueue", untag).await;
    let found = client.call("ListQueueTags", &list).await;
    assert_eq!(found.json(), json!({}), "no empty map");
}

#[tokio::test]
async fn wrong_tags_are_refused() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let key_length = "Tag keys must be between 1 and 128 characters in length.";
    let value_length = "Tag values must be between 0 and 256 characters in length.";
    let reserved = "Tag keys and values must not begin with the reserved prefix aws:";
    let characters = "Tag keys and values can only include letters, digits, whitespace and the \
                      characters _ . : / = + - @";
    let many: Value = (0..51).map(|it| (it.to_string(), json!(""))).collect();
    let invalid = "com.amazon.coral.service#InvalidParameterValueException";
    for (tags, message) in [
        (json!({"": "v"}), key_length),
        (json!({"ä".repeat(129): "v"}), key_length),
        (json!({"k": "ä".repeat(257)}), value_length),
        (json!({"k": "v", "aws:k": "v"}), reserved),
        (json!({"AWS:k": "v"}), reserved),
        (json!({"k": "Aws:v"}), reserved),
        (json!({"k#": "v"}), characters),
        (json!({"k": "\u{0}"}), characters),
        (many, "Too many tags added for queue orders."),
    ] {
        let body = json!({"QueueUrl": QUEUE, "Tags": tags});
        let expected = (invalid.to_owned(), message.to_owned());
        assert_eq!(refused(&mut client, "TagQueue", body).await, expected);
        let body = json!({"QueueName": "orders", "tags": tags});
        assert_eq!(refused(&mut client, "CreateQueue", body).await, expected);
    }
    let longest = json!({"ä".repeat(128): "ä".repeat(256), "aws": "aws"});
    let body = json!({"QueueUrl": QUEUE, "Tags": longest}).to_string();
    assert_eq!(client.call("TagQueue", body).await.status, 200);
    let missing = (
        "com.amazon.coral.service#MissingRequiredParameterException".to_owned(),
        "The request must contain the parameter Tags.".to_owned(),
    );
    for body in [
        json!({"QueueUrl": QUEUE}),
        json!({"QueueUrl": QUEUE, "Tags": {}}),
    ] {
        assert_eq!(refused(&mut client, "TagQueue", body).await, missing);
    }
    let many: Vec<_> = (0..129).map(|it| it.to_string()).collect();
    let too_many = "Too many elements in parameter TagKeys.";
    for (keys, message) in [
        (json!([]), key_length),
        (json!(null), key_length),
        (json!([""]), key_length),
        (json!(["k".repeat(129)]), key_length),
        (json!(many), too_many),
    ] {
        let body = json!({"QueueUrl": QUEUE, "TagKeys": keys});
        let expected = (invalid.to_owned(), message.to_owned());
        assert_eq!(refused(&mut client, "UntagQueue", body).await, expected);
    }
}
