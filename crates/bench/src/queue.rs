//! The queue that a run uses: found, or made, or made for the run and deleted after it.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::action::Action;
use crate::connection::{Client, Connection};
use crate::error::Error;
use crate::outcome::{chain, refusal};
use crate::workload::Workload;

#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) url: String,
    /// Made for the run: everything in it is the run's, and it goes with the run.
    pub(crate) is_own: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UrlAnswer {
    queue_url: String,
}

impl Queue {
    pub(crate) async fn open(
        client: &Rc<Client>,
        workload: &Workload,
        run_id: u32,
    ) -> Result<Queue, Error> {
        let mut connection = Connection::new(client.clone(), 0);
        let Some(name) = workload.queue.clone() else {
            let suffix = if workload.is_fifo() { ".fifo" } else { "" };
            let name = format!("squorum-bench-{run_id:08x}{suffix}");
            let url = create(&mut connection, workload, &name).await?;
            let is_own = true;
            return Ok(Queue { name, url, is_own });
        };
        // A queue that is there may have attributes that a creation would contradict.
        let found = call(
            &mut connection,
            Action::GetQueueUrl,
            json!({ "QueueName": name }),
        )
        .await?;
        let url = match found {
            Ok(body) => parse_url(Action::GetQueueUrl, &body)?,
            Err(reason)
                if reason.contains("NonExistentQueue") || reason.contains("DoesNotExist") =>
            {
                create(&mut connection, workload, &name).await?
            }
            Err(reason) => return Err(failed(Action::GetQueueUrl, reason)),
        };
        let is_own = false;
        Ok(Queue { name, url, is_own })
    }

    pub(crate) async fn close(&self, client: &Rc<Client>) -> Result<(), Error> {
        if !self.is_own {
            return Ok(());
        }
        let mut connection = Connection::new(client.clone(), 0);
        let body = json!({ "QueueUrl": self.url });
        let answer = call(&mut connection, Action::DeleteQueue, body).await?;
        answer
            .map(|_| ())
            .map_err(|reason| failed(Action::DeleteQueue, reason))
    }
}

async fn create(
    connection: &mut Connection,
    workload: &Workload,
    name: &str,
) -> Result<String, Error> {
    let attributes = match (workload.is_fifo(), workload.high_throughput) {
        (false, _) => json!({}),
        (true, false) => json!({ "FifoQueue": "true" }),
        (true, true) => json!({
            "FifoQueue": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        }),
    };
    let body = json!({ "QueueName": name, "Attributes": attributes });
    let answer = call(connection, Action::CreateQueue, body).await?;
    let body = answer.map_err(|reason| failed(Action::CreateQueue, reason))?;
    parse_url(Action::CreateQueue, &body)
}

/// The body of an answer of 200, or what was answered instead. Every endpoint is tried once.
async fn call(
    connection: &mut Connection,
    action: Action,
    body: Value,
) -> Result<Result<Vec<u8>, String>, Error> {
    let body = body.to_string();
    let mut tries = connection.endpoints();
    loop {
        tries -= 1;
        match connection.call(action, body.as_bytes()).await {
            Ok(answer) if answer.status == 200 => return Ok(Ok(answer.body.to_vec())),
            Ok(answer) => return Ok(Err(refusal("refused", &answer))),
            Err(_) if tries > 0 => continue,
            Err(error) => return Err(failed(action, chain(&error))),
        }
    }
}

fn parse_url(action: Action, body: &[u8]) -> Result<String, Error> {
    let answer: Result<UrlAnswer, _> = serde_json::from_slice(body);
    let answer = answer.map_err(|error| failed(action, format!("not understood: {error}")))?;
    Ok(answer.queue_url)
}

fn failed(action: Action, reason: String) -> Error {
    Error::Queue {
        action: action.name(),
        reason,
    }
}
