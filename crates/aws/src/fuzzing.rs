//! What the fuzz targets in `fuzz/` do with an input; the tests below do the same with the inputs that
//! were kept. A function here panics when the front end breaks a promise: whatever a client sends is
//! answered, in the protocol that it speaks, and a fault of its own never with 5xx.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use serde_json::{Value, json};
use squorum_types::service::QueueService;
use squorum_types::{Entropy, ReceiptHandle, ReceiptHandleKey};

use crate::front_end::{FrontEnd, Peers};
use crate::generated::Action;
use crate::request_figures::RequestFigures;

#[cfg(test)]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests over connections"
)]
#[path = "../tests/it/fake.rs"]
mod fake;

/// A front end without connections, before a service that should answer at once.
#[allow(missing_debug_implementations, reason = "only tests have one")]
pub struct Subject<S> {
    front_end: FrontEnd<S>,
    figures: Arc<RequestFigures>,
    runtime: tokio::runtime::Runtime,
}

impl<S: QueueService> Subject<S> {
    /// With the queues `orders` and `orders.fifo`.
    #[allow(clippy::expect_used, reason = "only tests get here")]
    pub fn new(service: S, entropy: Arc<dyn Entropy>) -> Subject<S> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let subject = Subject {
            front_end: FrontEnd::new(Arc::new(service), entropy, None),
            figures: Arc::new(RequestFigures::new()),
            runtime: runtime.expect("a runtime"),
        };
        subject.call("CreateQueue", &json!({"QueueName": "orders"}));
        let fifo = json!({"QueueName": "orders.fifo", "Attributes": {"FifoQueue": "true"}});
        subject.call("CreateQueue", &fifo);
        subject
    }

    /// A body of AWS JSON 1.0. The first byte says for which action.
    pub fn json(&self, input: &[u8]) {
        let Some((first, body)) = input.split_first() else {
            return;
        };
        let action = Action::ALL[usize::from(*first) % Action::ALL.len()];
        self.json_is_answered(action.as_str(), body);
    }

    /// A form of the Query protocol. The first byte says how it is sent.
    pub fn query(&self, input: &[u8]) {
        let Some((first, form)) = input.split_first() else {
            return;
        };
        let path = match first & 1 {
            0 => "/",
            _ => "/000000000000/orders",
        };
        let accept = match first & 2 {
            0 => "*/*",
            _ => "application/json",
        };
        let request = match (first & 4, std::str::from_utf8(form)) {
            (4, Ok(form)) => Request::get(format!("{path}?{form}")),
            _ => Request::post(path).header("Content-Type", "application/x-www-form-urlencoded"),
        };
        let Ok(request) = request.header("Accept", accept).body(()) else {
            return;
        };
        let (head, ()) = request.into_parts();
        let body = match head.method == http::Method::POST {
            true => Bytes::copy_from_slice(form),
            false => Bytes::new(),
        };
        let Some((status, body)) = self.answer(&head, body) else {
            return;
        };
        assert!(status < 500, "{status}: {}", String::from_utf8_lossy(&body));
        let is_json = serde_json::from_slice::<Value>(&body).is_ok();
        assert!(is_json || body.starts_with(b"<"), "neither XML nor JSON");
    }

    /// The text of a queue's policy, to which a statement is added then.
    pub fn policy(&self, input: &[u8]) {
        let text = String::from_utf8_lossy(input);
        self.call("SetQueueAttributes", &attributes("Policy", &text));
        let permission = json!({
            "QueueUrl": "orders", "Label": "a", "AWSAccountIds": ["111122223333"],
            "Actions": ["SendMessage"],
        });
        self.call("AddPermission", &permission);
        self.call(
            "RemovePermission",
            &json!({"QueueUrl": "orders", "Label": "a"}),
        );
    }

    /// The text of a redrive policy and of a redrive allow policy.
    pub fn redrive_policy(&self, input: &[u8]) {
        let text = String::from_utf8_lossy(input);
        self.call("SetQueueAttributes", &attributes("RedrivePolicy", &text));
        self.call(
            "SetQueueAttributes",
            &attributes("RedriveAllowPolicy", &text),
        );
        let all = json!({"QueueUrl": "orders", "AttributeNames": ["All"]});
        self.call("GetQueueAttributes", &all);
    }

    fn call(&self, action: &str, body: &Value) {
        self.json_is_answered(action, body.to_string().as_bytes());
    }

    fn json_is_answered(&self, action: &str, body: &[u8]) {
        let request = Request::post("/")
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("X-Amz-Target", format!("AmazonSQS.{action}"));
        let Ok(request) = request.body(()) else {
            return;
        };
        let (head, ()) = request.into_parts();
        let Some((status, answer)) = self.answer(&head, Bytes::copy_from_slice(body)) else {
            return;
        };
        assert!(status < 500, "{action}: {status}");
        let is_json = answer.is_empty() || serde_json::from_slice::<Value>(&answer).is_ok();
        assert!(is_json, "{action}: no JSON");
    }

    /// `None` if the request waits, as a long poll does: then its client hangs up.
    fn answer(&self, head: &Parts, body: Bytes) -> Option<(u16, Bytes)> {
        let _context = self.runtime.enter();
        let localhost = ([127, 0, 0, 1], 9324).into();
        let peers = Peers {
            client: localhost,
            local: localhost,
        };
        let mut open = self.figures.begin(None);
        let answer = self.front_end.answer(head, &body, peers, "id", &mut open);
        match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some((answer.status, answer.body)),
            Poll::Pending => None,
        }
    }
}

fn attributes(name: &str, value: &str) -> Value {
    json!({"QueueUrl": "orders", "Attributes": {name: value}})
}

/// A receipt handle's text: one that is taken is written again as it was.
pub fn receipt_handle(input: &[u8]) {
    let key = ReceiptHandleKey([5; 32]);
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(handle) = ReceiptHandle::decode(text, &key) {
        assert_eq!(handle.encode(&key), text);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::fake::{Counting, Fake};
    use super::*;

    /// Gives a target every input that is kept of it.
    fn replay(target: &str, run: impl Fn(&Subject<Fake>, &[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(target);
        let mut count = 0;
        for file in std::fs::read_dir(&corpus).unwrap() {
            let input = std::fs::read(file.unwrap().path()).unwrap();
            run(
                &Subject::new(Fake::default(), Arc::new(Counting::default())),
                &input,
            );
            count += 1;
        }
        assert!(count > 10, "{count} inputs in {}", corpus.display());
    }

    #[test]
    fn json_that_is_kept() {
        replay("json", Subject::json);
    }

    #[test]
    fn forms_that_are_kept() {
        replay("query", Subject::query);
    }

    #[test]
    fn policies_that_are_kept() {
        replay("policy", Subject::policy);
    }

    #[test]
    fn redrive_policies_that_are_kept() {
        replay("redrive_policy", Subject::redrive_policy);
    }

    #[test]
    fn receipt_handles_that_are_kept() {
        replay("receipt_handle", |_, input| receipt_handle(input));
    }
}
