//! The Query protocol: the same actions as in JSON, from forms and from paths' query strings.

use serde_json::json;
use squorum_aws::AnswerClass;

use crate::client::{Client, Reply, Running};

const NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";

impl Client {
    /// Posts a form. `more` are further header lines, each with its end.
    pub(crate) async fn form(&mut self, path: &str, more: &str, form: &str) -> Reply {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost:9324\r\nContent-Type: \
             application/x-www-form-urlencoded; charset=utf-8\r\n{more}Content-Length: {}\r\n\r\n\
             {form}",
            form.len()
        );
        self.raw(request.as_bytes()).await
    }

    async fn get(&mut self, target: &str, more: &str) -> Reply {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost:9324\r\n{more}\r\n");
        self.raw(request.as_bytes()).await
    }
}

/// The result of an answer in XML, without its frame, which is checked.
fn result(reply: &Reply, action: &str) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("text/xml"));
    let id = reply.header("x-amzn-requestid").unwrap();
    let start = format!("<?xml version=\"1.0\"?><{action}Response xmlns=\"{NAMESPACE}\">");
    let end = format!(
        "<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
    );
    let text = reply.text();
    let text = text
        .strip_prefix(&start)
        .and_then(|text| text.strip_suffix(&end));
    text.unwrap_or_else(|| panic!("{}", reply.text()))
        .to_owned()
}

fn check_error(reply: &Reply, status: u16, code: &str, message: &str) {
    let id = reply.header("x-amzn-requestid").unwrap();
    let expected = format!(
        "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message><Detail/></Error><RequestId>{id}</RequestId>\
         </ErrorResponse>"
    );
    assert_eq!((reply.status, reply.text()), (status, expected));
    assert_eq!(reply.header("content-type"), Some("text/xml"));
    assert_eq!(reply.header("x-amzn-query-error"), None);
}

/// Forms and question marks, at the root and at the queue's path.
#[tokio::test]
async fn queues_and_messages() {
    let running = Running::start().await;
    let mut client = running.client().await;
    let created = "Action=CreateQueue&Version=2012-11-05&QueueName=orders\
                   &Attribute.1.Name=DelaySeconds&Attribute.1.Value=5";
    let created = client.form("/", "", created).await;
    let url = "http://localhost:9324/000000000000/orders";
    assert_eq!(
        result(&created, "CreateQueue"),
        format!("<CreateQueueResult><QueueUrl>{url}</QueueUrl></CreateQueueResult>")
    );
    let listed = client
        .get("/?Action=ListQueues&QueueNamePrefix=o", "")
        .await;
    assert_eq!(
        result(&listed, "ListQueues"),
        format!("<ListQueuesResult><QueueUrl>{url}</QueueUrl></ListQueuesResult>")
    );
    let path = "/000000000000/orders";
    let attributes = "Action=GetQueueAttributes&AttributeName.1=DelaySeconds";
    let attributes = client.get(&format!("{path}?{attributes}"), "").await;
    assert_eq!(
        result(&attributes, "GetQueueAttributes"),
        "<GetQueueAttributesResult><Attribute><Name>DelaySeconds</Name><Value>5</Value></Attribute>\
         </GetQueueAttributesResult>"
    );
    let empty = client.form(path, "", "Action=ReceiveMessage").await;
    assert_eq!(result(&empty, "ReceiveMessage"), "<ReceiveMessageResult/>");
    let send = "Action=SendMessage&MessageBody=%3Ca%3E%0D%0A+%C3%A4&MessageAttribute.1.Name=n\
                &MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v";
    let sent = result(&client.form(path, "", send).await, "SendMessage");
    for member in ["MD5OfMessageBody", "MD5OfMessageAttributes", "MessageId"] {
        assert!(sent.contains(&format!("<{member}>")), "{sent}");
    }
    assert_eq!(running.fake.state().sent[0].body, "<a>\r\n \u{e4}");
    let batch = "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a\
                 &SendMessageBatchRequestEntry.1.MessageBody=x\
                 &SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.2.MessageBody=y\
                 &SendMessageBatchRequestEntry.2.DelaySeconds=901";
    let batch = result(&client.form(path, "", batch).await, "SendMessageBatch");
    assert!(
        batch.contains("<SendMessageBatchResultEntry><Id>a</Id>"),
        "{batch}"
    );
    let failed = "<BatchResultErrorEntry><Id>b</Id><SenderFault>true</SenderFault>\
                  <Code>InvalidParameterValue</Code>";
    assert!(batch.contains(failed), "{batch}");
    let deleted = client.form(path, "", "Action=DeleteQueue").await;
    assert_eq!(result(&deleted, "DeleteQueue"), "");
    assert_eq!(running.count("SendMessage", AnswerClass::Success), 1);
}

/// The parameter counts more than the path, the body more than what stands behind the question
/// mark, and a target header nothing at all beside a form.
#[tokio::test]
async fn what_counts_more() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let attributes = "Action=GetQueueAttributes&AttributeName.1=QueueArn&QueueUrl=orders.fifo";
    let reply = client
        .form("/000000000000/orders?QueueUrl=x", "", attributes)
        .await;
    assert!(result(&reply, "GetQueueAttributes").contains(":orders.fifo</Value>"));
    let url = client.get(
        "/000000000000/orders?Action=GetQueueUrl&QueueName=orders.fifo",
        "",
    );
    assert!(result(&url.await, "GetQueueUrl").contains("/orders.fifo</QueueUrl>"));
    let target = "X-Amz-Target: AmazonSQS.DeleteQueue\r\n";
    let reply = client.form("/", target, "Action=ListQueues").await;
    assert!(result(&reply, "ListQueues").contains("/orders.fifo</QueueUrl>"));
}

#[tokio::test]
async fn errors_in_xml() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let missing = "The specified queue does not exist for this wsdl version.";
    let code = "AWS.SimpleQueueService.NonExistentQueue";
    let reply = client
        .form("/", "", "Action=GetQueueUrl&QueueName=none")
        .await;
    check_error(&reply, 400, code, missing);
    let required = "The request must contain the parameter MessageBody.";
    let reply = client
        .form("/", "", "Action=SendMessage&QueueUrl=orders")
        .await;
    check_error(&reply, 400, "MissingParameter", required);
    let unknown = |action: &str| format!("The action {action} is not valid for this endpoint.");
    let reply = client.form("/", "", "Action=FooBar").await;
    check_error(&reply, 400, "InvalidAction", &unknown("FooBar"));
    for action in ["CreateQueue&QueueName=x", "ListQueues"] {
        let target = format!("/000000000000/orders?Action={action}");
        let reply = client.get(&target, "").await;
        let action = action.split('&').next().unwrap();
        check_error(&reply, 400, "InvalidAction", &unknown(action));
    }
    let escaped = unknown("&lt;a&gt;");
    let reply = client.form("/", "", "Action=%3Ca%3E").await;
    check_error(&reply, 400, "InvalidAction", &escaped);
}

/// The JSON of the older service.
#[tokio::test]
async fn clients_that_accept_json() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let accept = "Accept: application/json\r\n";
    let reply = client.get("/?Action=ListQueues", accept).await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let id = reply.header("x-amzn-requestid").unwrap().to_owned();
    let url = |name: &str| format!("http://localhost:9324/000000000000/{name}");
    let result = json!({"queueUrls": [url("orders"), url("orders.fifo")], "NextToken": null});
    let expected = json!({"ListQueuesResult": result, "ResponseMetadata": {"RequestId": id}});
    assert_eq!(reply.json(), json!({"ListQueuesResponse": expected}));
    let reply = client
        .get("/?Action=GetQueueUrl&QueueName=none", accept)
        .await;
    assert_eq!(reply.status, 400);
    let code = &reply.json()["Error"]["Code"];
    assert_eq!(code, "AWS.SimpleQueueService.NonExistentQueue");
    let deleted = client
        .get("/000000000000/orders?Action=DeleteQueue", accept)
        .await;
    let members = deleted.json()["DeleteQueueResponse"]
        .as_object()
        .cloned()
        .unwrap();
    assert_eq!(members.keys().collect::<Vec<_>>(), ["ResponseMetadata"]);
}

/// Tools ask who they are before anything else.
#[tokio::test]
async fn the_callers_identity() {
    let running = Running::start().await;
    let mut client = running.client().await;
    let credential = "Authorization: AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-west-1/\
                      sts/aws4_request, SignedHeaders=host, Signature=00\r\n";
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let reply = client.form("/", credential, form).await;
    let expected = "<GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:root</Arn>\
                    <UserId>111122223333</UserId><Account>111122223333</Account>\
                    </GetCallerIdentityResult>";
    let text = reply.text();
    assert_eq!(reply.status, 200);
    assert!(
        text.contains("xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\""),
        "{text}"
    );
    assert!(text.contains(expected), "{text}");
    let form = "Action=AssumeRole&Version=2011-06-15";
    assert_eq!(client.form("/", "", form).await.status, 400);
}

/// Both protocols refuse the same with the same code.
#[tokio::test]
async fn requests_without_members_are_refused_alike() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let actions = "AddPermission CancelMessageMoveTask ChangeMessageVisibility \
         ChangeMessageVisibilityBatch CreateQueue DeleteMessage DeleteMessageBatch DeleteQueue \
         GetQueueAttributes GetQueueUrl ListDeadLetterSourceQueues ListMessageMoveTasks \
         ListQueueTags PurgeQueue ReceiveMessage RemovePermission SendMessage SendMessageBatch \
         SetQueueAttributes StartMessageMoveTask TagQueue UntagQueue";
    for action in actions.split_whitespace() {
        let json = client.call(action, "{}").await;
        let code = json
            .header("x-amzn-query-error")
            .unwrap()
            .strip_suffix(";Sender")
            .unwrap();
        let message = json.json()["message"].as_str().unwrap().to_owned();
        let xml = client.form("/", "", &format!("Action={action}")).await;
        check_error(&xml, json.status, code, &message);
    }
}

#[tokio::test]
async fn received_messages_in_xml() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    client
        .form(
            "/000000000000/orders",
            "",
            "Action=SendMessage&MessageBody=a",
        )
        .await;
    let reply = client.get(
        "/000000000000/orders?Action=ReceiveMessage&AttributeName=All",
        "",
    );
    let reply = result(&reply.await, "ReceiveMessage");
    assert!(reply.contains("<Body>a</Body>"), "{reply}");
    assert!(
        reply.contains("<Attribute><Name>SenderId</Name>"),
        "{reply}"
    );
}
