//! Queues: creating, finding, listing, deleting; who the caller is; how a queue is named.

use serde_json::json;

use crate::client::{FIFO, QUEUE, Running};

#[tokio::test]
async fn queues_are_created_found_listed_and_deleted() {
    let running = Running::start().await;
    let mut client = running.client().await;
    let body = json!({"QueueName": "b", "Attributes": {}, "tags": {}}).to_string();
    let created = client.call("CreateQueue", &body).await;
    assert_eq!(created.status, 200);
    assert_eq!(
        created.header("content-type"),
        Some("application/x-amz-json-1.0")
    );
    assert_eq!(created.header("x-amzn-requestid").map(str::len), Some(36));
    let url = "http://localhost:9324/000000000000/b";
    assert_eq!(created.json(), json!({"QueueUrl": url}));
    assert_eq!(
        client.call("CreateQueue", &body).await.json(),
        json!({"QueueUrl": url})
    );
    let found = client.call("GetQueueUrl", r#"{"QueueName":"b"}"#).await;
    assert_eq!(found.json(), json!({"QueueUrl": url}));
    for name in ["a", "c", "bb"] {
        let body = json!({"QueueName": name}).to_string();
        assert_eq!(client.call("CreateQueue", body).await.status, 200);
    }
    let url = |name: &str| format!("http://localhost:9324/000000000000/{name}");
    let all = client.call("ListQueues", "{}").await;
    assert_eq!(
        all.json(),
        json!({"QueueUrls": [url("a"), url("b"), url("bb"), url("c")]})
    );
    let none = client
        .call("ListQueues", r#"{"QueueNamePrefix":"x"}"#)
        .await;
    assert_eq!(none.json(), json!({}), "an empty list is absent");
    let some = client
        .call("ListQueues", r#"{"QueueNamePrefix":"b"}"#)
        .await;
    assert_eq!(some.json(), json!({"QueueUrls": [url("b"), url("bb")]}));
    let gone = client
        .call("DeleteQueue", json!({"QueueUrl": url("b")}).to_string())
        .await;
    assert_eq!((gone.status, gone.text().as_str()), (200, ""));
    assert_eq!(
        client
            .call("GetQueueUrl", r#"{"QueueName":"b"}"#)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn pages_follow_each_other() {
    let running = Running::start().await;
    let mut client = running.client().await;
    for name in ["a", "b", "c", "d"] {
        client
            .call("CreateQueue", json!({"QueueName": name}).to_string())
            .await;
    }
    let mut seen = Vec::new();
    let mut request = json!({"MaxResults": "2", "QueueNamePrefix": ""});
    loop {
        let page = client.call("ListQueues", request.to_string()).await.json();
        seen.extend(page["QueueUrls"].as_array().unwrap().clone());
        match page.get("NextToken") {
            Some(token) => request["NextToken"] = token.clone(),
            None => break,
        }
    }
    let url = |name: &str| format!("http://localhost:9324/000000000000/{name}");
    assert_eq!(seen, [url("a"), url("b"), url("c"), url("d")]);
    // Who does not ask for pages gets no token.
    let all = client.call("ListQueues", "").await.json();
    assert_eq!(all.get("NextToken"), None);
}

#[tokio::test]
async fn the_caller_is_who_signed() {
    let running = Running::start().await;
    let mut client = running.client().await;
    let authorization = "Authorization: AWS4-HMAC-SHA256 Credential=111122223333/20261124/eu-west-1/\
                         sqs/aws4_request, SignedHeaders=host, Signature=0\r\n";
    let body = r#"{"QueueName":"mine"}"#;
    let created = client.call_with("CreateQueue", authorization, body).await;
    let url = "http://localhost:9324/111122223333/mine";
    assert_eq!(created.json(), json!({"QueueUrl": url}));
    let caller = running.fake.state().caller.clone().unwrap();
    assert_eq!(caller.account.as_str(), "111122223333");
    assert_eq!(caller.region.as_str(), "eu-west-1");
    assert_eq!(
        Some(caller.request_id.as_str()),
        created.header("x-amzn-requestid")
    );
    assert!(caller.source_address.is_loopback());
    // Another account finds it by its URL and by its owner, but not by name.
    let stranger = authorization.replace("111122223333", "444455556666");
    let get =
        |owner: &str| json!({"QueueName": "mine", "QueueOwnerAWSAccountId": owner}).to_string();
    let found = client
        .call_with("GetQueueUrl", &stranger, get("111122223333"))
        .await;
    assert_eq!(found.json(), json!({"QueueUrl": url}));
    assert_eq!(
        client
            .call_with("GetQueueUrl", &stranger, get(""))
            .await
            .status,
        400
    );
    let send = json!({"QueueUrl": url, "MessageBody": "x"}).to_string();
    assert_eq!(
        client
            .call_with("SendMessage", &stranger, &send)
            .await
            .status,
        200
    );
    // Queues of another region are others.
    let elsewhere = authorization.replace("eu-west-1", "us-west-2");
    assert_eq!(
        client
            .call_with("SendMessage", &elsewhere, &send)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_queue_is_named_by_url_name_or_path() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    for url in [
        QUEUE,
        "orders",
        "https://sqs.us-east-1.amazonaws.com/000000000000/orders",
        "/000000000000/orders",
    ] {
        let body = json!({"QueueUrl": url, "MessageBody": "x"}).to_string();
        assert_eq!(client.call("SendMessage", body).await.status, 200, "{url}");
    }
    let body = r#"{"MessageBody":"x"}"#;
    let head = crate::client::head("SendMessage", "", body.len());
    let head = head.replacen("POST / ", "POST /000000000000/orders ", 1);
    let sent = client.raw(format!("{head}{body}").as_bytes()).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    let body = json!({"QueueUrl": FIFO}).to_string();
    assert_eq!(client.call("PurgeQueue", body).await.text(), "");
}

#[tokio::test]
async fn what_asks_for_nothing() {
    let running = Running::start().await;
    let mut client = running.client().await;
    for request in [
        "GET /000000000000/orders HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 3\r\n\r\na=b",
    ] {
        let reply = client.raw(request.as_bytes()).await;
        assert_eq!(
            (reply.status, reply.text().trim()),
            (404, "<UnknownOperationException/>")
        );
    }
}
