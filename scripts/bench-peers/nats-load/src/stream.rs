//! The stream of a run and its consumer, made and deleted through JetStream's JSON interface.

use std::time::{Duration, Instant};

use async_nats::Client;
use serde_json::{Value, json};

use crate::arguments::{Arguments, Mode, Retention};
use crate::error::Error;

/// A cluster that has just started elects its leaders first.
const PATIENCE: Duration = Duration::from_secs(30);
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// More than all consumers hold together, so that this bound is never what is measured.
const ACK_PENDING_MAX: u64 = 100_000;
const CONSUMER: &str = "consumer";

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) subject: String,
    /// Where a consumer asks for messages.
    pub(crate) pull_subject: String,
}

impl Stream {
    /// `clients` has one for each server: the stream is ready when all of them can reach it.
    pub(crate) async fn make(
        clients: &[Client],
        arguments: &Arguments,
        run_id: u32,
    ) -> Result<Stream, Error> {
        let stream = Stream::named(format!("load-{run_id:08x}"));
        let control = &clients[0];
        stream.create(control, arguments).await?;
        // Servers hear of a stream's subject one after the other, and refuse what comes before.
        for client in clients {
            call_patiently(client, &stream.subject, &json!("probe")).await?;
        }
        let subject = format!("$JS.API.STREAM.PURGE.{}", stream.name);
        call_patiently(control, &subject, &Value::Null).await?;
        if arguments.mode == Mode::Pipeline {
            stream.create_consumer(control, arguments).await?;
        }
        Ok(stream)
    }

    fn named(name: String) -> Stream {
        Stream {
            subject: format!("{name}.messages"),
            pull_subject: format!("$JS.API.CONSUMER.MSG.NEXT.{name}.{CONSUMER}"),
            name,
        }
    }

    async fn create(&self, client: &Client, arguments: &Arguments) -> Result<(), Error> {
        let retention = match arguments.retention {
            Retention::Workqueue => "workqueue",
            Retention::Limits => "limits",
        };
        let config = json!({
            "name": self.name,
            "subjects": [self.subject],
            "retention": retention,
            "storage": "file",
            "num_replicas": arguments.replicas,
        });
        let subject = format!("$JS.API.STREAM.CREATE.{}", self.name);
        call_patiently(client, &subject, &config).await.map(|_| ())
    }

    async fn create_consumer(&self, client: &Client, arguments: &Arguments) -> Result<(), Error> {
        let config = json!({
            "stream_name": self.name,
            "config": {
                "durable_name": CONSUMER,
                "deliver_policy": "all",
                "ack_policy": "explicit",
                "ack_wait": arguments.visibility_timeout.as_nanos() as u64,
                "max_ack_pending": ACK_PENDING_MAX,
                "max_waiting": arguments.connections.max(512),
            },
        });
        let subject = format!("$JS.API.CONSUMER.DURABLE.CREATE.{}.{CONSUMER}", self.name);
        call_patiently(client, &subject, &config).await.map(|_| ())
    }

    /// How many messages the stream holds.
    pub(crate) async fn messages(&self, client: &Client) -> Result<u64, Error> {
        let subject = format!("$JS.API.STREAM.INFO.{}", self.name);
        let info = call_patiently(client, &subject, &Value::Null).await?;
        info["state"]["messages"].as_u64().ok_or(Error::Api {
            subject,
            reason: "the answer has no state.messages".to_owned(),
        })
    }

    pub(crate) async fn delete(&self, client: &Client) -> Result<(), Error> {
        let subject = format!("$JS.API.STREAM.DELETE.{}", self.name);
        call(client, &subject, &Value::Null)
            .await
            .map(|_| ())
            .map_err(|reason| Error::Api { subject, reason })
    }
}

async fn call_patiently(client: &Client, subject: &str, body: &Value) -> Result<Value, Error> {
    let began = Instant::now();
    loop {
        match call(client, subject, body).await {
            Ok(answer) => return Ok(answer),
            Err(reason) if began.elapsed() > PATIENCE => {
                return Err(Error::Api {
                    subject: subject.to_owned(),
                    reason,
                });
            }
            Err(_) => tokio::time::sleep(RETRY_PAUSE).await,
        }
    }
}

async fn call(client: &Client, subject: &str, body: &Value) -> Result<Value, String> {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let message = client
        .request(subject.to_owned(), body.into())
        .await
        .map_err(|error| error.to_string())?;
    let answer: Value =
        serde_json::from_slice(&message.payload).map_err(|error| error.to_string())?;
    match answer.get("error") {
        Some(error) => Err(error.to_string()),
        None => Ok(answer),
    }
}
