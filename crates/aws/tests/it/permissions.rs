//! Permissions on the wire: what reaches the queue's policy, and what does not.

use serde_json::{Value, json};
use squorum_types::service::ServiceError;
use squorum_types::{AccountId, Permission, PermissionRefusal};

use crate::client::{Client, QUEUE, Reply, Running};

const INVALID: &str = "com.amazon.coral.service#InvalidParameterValueException";
const MISSING: &str = "com.amazon.coral.service#MissingRequiredParameterException";
const OVER_LIMIT: &str = "com.amazonaws.sqs#OverLimit";

fn request(label: &str, accounts: Value, actions: Value) -> Value {
    json!({"QueueUrl": QUEUE, "Label": label, "AWSAccountIds": accounts, "Actions": actions})
}

async fn add(client: &mut Client, body: &Value) -> Reply {
    client.call("AddPermission", body.to_string()).await
}

fn shown(reply: &Reply) -> (u16, String, String) {
    let body = reply.json();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (reply.status, text("__type"), text("message"))
}

fn expected(status: u16, shape: &str, message: &str) -> (u16, String, String) {
    (status, shape.to_owned(), message.to_owned())
}

#[tokio::test]
async fn a_permission_is_added_and_removed() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let ids = ["111122223333", "444455556666"];
    let accounts = json!([ids[0], ids[1], ids[0]]);
    let actions = json!(["SendMessage", "*", "SendMessage"]);
    let added = add(&mut client, &request("a-B_9", accounts, actions)).await;
    assert_eq!((added.status, added.text().as_str()), (200, ""));
    let permission = Permission {
        label: "a-B_9".to_owned(),
        accounts: ids.map(|id| AccountId::parse(id).unwrap()).into(),
        actions: vec!["SendMessage".to_owned(), "*".to_owned()],
    };
    {
        let state = running.fake.state();
        let queue = state
            .queues
            .values()
            .find(|queue| !queue.permissions.is_empty());
        assert_eq!(queue.unwrap().permissions, [permission]);
    }
    let remove = json!({"QueueUrl": QUEUE, "Label": "a-B_9"}).to_string();
    let removed = client.call("RemovePermission", &remove).await;
    assert_eq!((removed.status, removed.text().as_str()), (200, ""));
    let reason = "Value a-B_9 for parameter Label is invalid. Reason: can't find label.";
    let again = client.call("RemovePermission", &remove).await;
    assert_eq!(shown(&again), expected(400, INVALID, reason));
}

#[tokio::test]
async fn wrong_permissions_are_refused_in_awss_words() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let account = || json!(["111122223333"]);
    let send = || json!(["SendMessage"]);
    let many_accounts: Vec<_> = (0..51).map(|it| format!("{it:012}")).collect();
    let eight: Vec<_> = (0..8).map(|_| "SendMessage").collect();
    let label_rule = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 \
                      in length.";
    let label =
        |label: &str| format!("Value {label} for parameter Label is invalid. Reason: {label_rule}");
    let principal = |value: &str| {
        format!("Value [{value}] for parameter PrincipalId is invalid. Reason: Unable to verify.")
    };
    let unknown = |action: &str| {
        format!(
            "Value SQS:{action} for parameter ActionName is invalid. Reason: Please refer to the \
             appropriate WSDL for a list of valid actions. "
        )
    };
    let missing = |name: &str| format!("The request must contain the parameter {name}.");
    let long = "l".repeat(81);
    let cases = [
        (
            request("", account(), send()),
            400,
            MISSING,
            missing("Label"),
        ),
        (
            request("a b", account(), send()),
            400,
            INVALID,
            label("a b"),
        ),
        (
            request(&long, account(), send()),
            400,
            INVALID,
            label(&long),
        ),
        (
            request("l", account(), json!([])),
            400,
            MISSING,
            missing("Actions"),
        ),
        (
            request("l", account(), json!(null)),
            400,
            MISSING,
            missing("Actions"),
        ),
        (request("l", json!([]), send()), 400, INVALID, principal("")),
        (
            request("l", json!(null), send()),
            400,
            INVALID,
            principal(""),
        ),
        (
            request("l", json!(["111122223333", "me"]), send()),
            400,
            INVALID,
            principal("111122223333, me"),
        ),
        (
            request("l", json!(many_accounts), send()),
            403,
            OVER_LIMIT,
            "51 Principals were found, maximum allowed is 50.".to_owned(),
        ),
        (
            request("l", account(), json!(eight)),
            403,
            OVER_LIMIT,
            "8 Actions were found, maximum allowed is 7.".to_owned(),
        ),
        (
            request("l", account(), json!(["Fly"])),
            400,
            INVALID,
            unknown("Fly"),
        ),
        (
            request("l", account(), json!(["*", "SendMessageBatch"])),
            400,
            INVALID,
            unknown("SendMessageBatch"),
        ),
    ];
    for (body, status, shape, message) in cases {
        let reply = add(&mut client, &body).await;
        assert_eq!(shown(&reply), expected(status, shape, &message), "{body}");
    }
    for action in [
        "AddPermission",
        "CancelMessageMoveTask",
        "CreateQueue",
        "DeleteQueue",
        "ListMessageMoveTasks",
        "ListQueueTags",
        "ListQueues",
        "RemovePermission",
        "SetQueueAttributes",
        "StartMessageMoveTask",
        "TagQueue",
        "UntagQueue",
    ] {
        let reply = add(&mut client, &request("l", account(), json!([action]))).await;
        let message = format!(
            "Value SQS:{action} for parameter ActionName is invalid. Reason: Only the queue owner \
             is allowed to invoke this action."
        );
        assert_eq!(shown(&reply), expected(400, INVALID, &message));
    }
}

#[tokio::test]
async fn what_the_policy_does_not_take_is_said() {
    let running = Running::start().await;
    let mut client = running.client_with_queues().await;
    let exists = "Value l for parameter Label is invalid. Reason: Already exists.";
    let value = "com.amazonaws.sqs#InvalidAttributeValue";
    for (refusal, status, shape, message) in [
        (PermissionRefusal::LabelExists, 400, INVALID, exists),
        (
            PermissionRefusal::TooManyStatements { found: 21 },
            403,
            OVER_LIMIT,
            "21 statements were found in the submitted policy, max allowed is 20",
        ),
        (
            PermissionRefusal::PolicyTooLong,
            403,
            OVER_LIMIT,
            "Submitted policy is over max allowed size.",
        ),
        (
            PermissionRefusal::PolicyUnreadable,
            400,
            value,
            "Invalid value for the parameter Policy.",
        ),
    ] {
        let failure = ServiceError::PermissionRefused {
            label: "l".to_owned(),
            refusal,
        };
        running.fake.state().permission_failure = Some(failure);
        let body = request("l", json!(["111122223333"]), json!(["SendMessage"]));
        let reply = add(&mut client, &body).await;
        assert_eq!(shown(&reply), expected(status, shape, message));
    }
}
