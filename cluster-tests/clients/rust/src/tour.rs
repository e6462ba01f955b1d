//! The tour: each step notes what it saw.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue,
    MessageSystemAttributeName as SystemAttribute, QueueAttributeName as Attribute,
    SendMessageBatchRequestEntry,
};
use serde_json::{Map, Value, json};

use crate::AnyError;

const BODY: &str = "grüße ✓ <&> \"quoted\"\r\nsecond line";
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) async fn run(sqs: &Client, name: &str) -> Result<(), AnyError> {
    let mut saw = Map::new();
    let mut errors = Map::new();
    let url = create(sqs, name, &mut saw, &mut errors).await?;
    send(sqs, &url, &mut saw, &mut errors).await?;
    let mut messages = receive(sqs, &url, &mut saw).await?;
    change(sqs, &url, &mut messages, &mut saw).await?;
    delete(sqs, &url, &messages, &mut saw, &mut errors).await?;
    wait_purge_and_set(sqs, &url, &mut saw).await?;
    let fifo = use_fifo(sqs, &format!("{name}.fifo"), &mut saw).await?;
    for created in [&url, &fifo] {
        sqs.delete_queue().queue_url(created).send().await?;
    }
    let deleted = sqs.get_queue_url().queue_name(name).send().await;
    errors.insert("deleted".into(), code_of(deleted));
    saw.insert("errors".into(), Value::Object(errors));
    saw.insert("client".into(), json!(aws_sdk_sqs::meta::PKG_VERSION));
    println!("{}", Value::Object(saw));
    Ok(())
}

type Saw = Map<String, Value>;

async fn create(
    sqs: &Client,
    name: &str,
    saw: &mut Saw,
    errors: &mut Saw,
) -> Result<String, AnyError> {
    let asked = sqs
        .create_queue()
        .queue_name(name)
        .attributes(Attribute::VisibilityTimeout, "30")
        .tags("team", "a b");
    let created = asked.clone().send().await?.queue_url;
    let again = asked.send().await?.queue_url;
    let found = sqs.get_queue_url().queue_name(name).send().await?.queue_url;
    let listed = sqs.list_queues().queue_name_prefix(name).send().await?;
    let url = created.clone().ok_or("no URL")?;
    let mut urls = listed.queue_urls.unwrap_or_default();
    urls.extend([created, again, found].into_iter().flatten());
    urls.sort();
    urls.dedup();
    saw.insert("urls".into(), json!(urls));
    let tags = sqs.list_queue_tags().queue_url(&url).send().await?.tags;
    saw.insert("tags".into(), json!(tags));
    let missing = sqs.get_queue_url().queue_name(format!("{name}-missing"));
    errors.insert("missing".into(), code_of(missing.send().await));
    Ok(url)
}

/// The SDK itself compares the MD5 of what was sent with that of the answer.
async fn send(sqs: &Client, url: &str, saw: &mut Saw, errors: &mut Saw) -> Result<(), AnyError> {
    let value = |data_type| MessageAttributeValue::builder().data_type(data_type);
    let blob = Blob::new([0, 1, 2, 255]);
    sqs.send_message()
        .queue_url(url)
        .message_body(BODY)
        .message_attributes("colour", value("String").string_value("blue").build()?)
        .message_attributes("count", value("Number.int").string_value("3").build()?)
        .message_attributes("blob", value("Binary").binary_value(blob).build()?)
        .send()
        .await?;
    let entry = |id, body| {
        SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(body)
    };
    let late = entry("late", "delayed too long").delay_seconds(901);
    let answer = sqs
        .send_message_batch()
        .queue_url(url)
        .entries(entry("a", "first of the batch").build()?)
        .entries(entry("b", "second of the batch").build()?)
        .entries(late.build()?)
        .send()
        .await?;
    let sent = answer.successful.iter().map(|entry| entry.id.as_str());
    saw.insert("sent".into(), sorted(sent));
    saw.insert("not_sent".into(), codes(&answer.failed));
    let late = sqs
        .send_message()
        .queue_url(url)
        .message_body("x")
        .delay_seconds(901);
    errors.insert("delay".into(), code_of(late.send().await));
    saw.insert("counters".into(), counters(sqs, url).await?);
    Ok(())
}

/// Long polls until all three are there: one answer need not hold all that the queue has.
async fn receive(sqs: &Client, url: &str, saw: &mut Saw) -> Result<Vec<Message>, AnyError> {
    let mut messages: Vec<Message> = Vec::new();
    let started = Instant::now();
    while messages.len() < 3 && started.elapsed() < DEADLINE {
        messages.extend(long_poll(sqs, url).await?);
    }
    messages.sort_by(|one, other| one.body.cmp(&other.body));
    let received: Map<String, Value> = messages
        .iter()
        .map(|message| {
            (
                message.body().unwrap_or_default().into(),
                attributes_of(message),
            )
        })
        .collect();
    saw.insert("received".into(), Value::Object(received));
    saw.insert("counters_received".into(), counters(sqs, url).await?);
    Ok(messages)
}

async fn change(
    sqs: &Client,
    url: &str,
    messages: &mut [Message],
    saw: &mut Saw,
) -> Result<(), AnyError> {
    let [first, others @ ..] = messages else {
        return Err("nothing was received".into());
    };
    sqs.change_message_visibility()
        .queue_url(url)
        .set_receipt_handle(first.receipt_handle.clone())
        .visibility_timeout(0)
        .send()
        .await?;
    let again = long_poll(sqs, url)
        .await?
        .pop()
        .ok_or("did not come again")?;
    saw.insert(
        "received_again".into(),
        json!(again.message_id == first.message_id),
    );
    let count = system_attribute(&again, SystemAttribute::ApproximateReceiveCount);
    saw.insert("receive_count".into(), json!(count));
    *first = again;
    let mut batch = sqs.change_message_visibility_batch().queue_url(url);
    for (number, message) in others.iter().enumerate() {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
            .id(number.to_string())
            .set_receipt_handle(message.receipt_handle.clone())
            .visibility_timeout(60);
        batch = batch.entries(entry.build()?);
    }
    let answer = batch.send().await?;
    let changed = answer.successful.iter().map(|entry| entry.id.as_str());
    saw.insert("changed".into(), sorted(changed));
    Ok(())
}

async fn delete(
    sqs: &Client,
    url: &str,
    messages: &[Message],
    saw: &mut Saw,
    errors: &mut Saw,
) -> Result<(), AnyError> {
    let delete_one = sqs.delete_message().queue_url(url);
    let handle = messages[0].receipt_handle.clone();
    delete_one.clone().set_receipt_handle(handle).send().await?;
    let mut entries = deletions(&messages[1..])?;
    let bad = DeleteMessageBatchRequestEntry::builder()
        .id("bad")
        .receipt_handle("garbage");
    entries.push(bad.build()?);
    let batch = sqs
        .delete_message_batch()
        .queue_url(url)
        .set_entries(Some(entries));
    let answer = batch.send().await?;
    let deleted = answer.successful.iter().map(|entry| entry.id.as_str());
    saw.insert("deleted".into(), sorted(deleted));
    saw.insert("not_deleted".into(), codes(&answer.failed));
    let garbage = delete_one.receipt_handle("garbage").send().await;
    errors.insert("handle".into(), code_of(garbage));
    Ok(())
}

async fn wait_purge_and_set(sqs: &Client, url: &str, saw: &mut Saw) -> Result<(), AnyError> {
    let started = Instant::now();
    let poll = sqs.receive_message().queue_url(url).wait_time_seconds(1);
    saw.insert("left".into(), json!(poll.send().await?.messages().len()));
    saw.insert(
        "waited".into(),
        json!(started.elapsed() >= Duration::from_secs(1)),
    );
    sqs.send_message()
        .queue_url(url)
        .message_body("purged")
        .send()
        .await?;
    sqs.purge_queue().queue_url(url).send().await?;
    saw.insert("counters_purged".into(), counters(sqs, url).await?);
    let timeout = Attribute::VisibilityTimeout;
    let change = sqs.set_queue_attributes().queue_url(url);
    change.attributes(timeout.clone(), "45").send().await?;
    let asked = sqs
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(timeout);
    let attributes = asked.send().await?.attributes.unwrap_or_default();
    let attributes: BTreeMap<&str, &String> = attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    saw.insert("attributes".into(), json!(attributes));
    Ok(())
}

async fn use_fifo(sqs: &Client, name: &str, saw: &mut Saw) -> Result<String, AnyError> {
    let created = sqs
        .create_queue()
        .queue_name(name)
        .attributes(Attribute::FifoQueue, "true")
        .attributes(Attribute::ContentBasedDeduplication, "true");
    let url = created.send().await?.queue_url.ok_or("no URL")?;
    let mut sent = Vec::new();
    for (group, body) in [("x", "one"), ("y", "other"), ("x", "two"), ("x", "one")] {
        let message = sqs.send_message().queue_url(&url).message_group_id(group);
        sent.push(message.message_body(body).send().await?);
    }
    let numbers: Result<Vec<u128>, _> = sent[..3]
        .iter()
        .map(|answer| answer.sequence_number().unwrap_or_default().parse())
        .collect();
    let rising = numbers?.windows(2).all(|pair| pair[0] < pair[1]);
    saw.insert("fifo_rising".into(), json!(rising));
    saw.insert(
        "fifo_duplicate".into(),
        json!(sent[3].message_id == sent[0].message_id),
    );
    let mut messages = Vec::new();
    let started = Instant::now();
    while messages.len() < 3 && started.elapsed() < DEADLINE {
        messages.extend(long_poll(sqs, &url).await?);
    }
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for message in &messages {
        let group = system_attribute(message, SystemAttribute::MessageGroupId);
        groups
            .entry(group)
            .or_default()
            .push(message.body().unwrap_or_default());
    }
    saw.insert("fifo".into(), json!(groups));
    let batch = sqs.delete_message_batch().queue_url(&url);
    let answer = batch
        .set_entries(Some(deletions(&messages)?))
        .send()
        .await?;
    saw.insert("fifo_deleted".into(), json!(answer.successful.len()));
    Ok(url)
}

async fn long_poll(sqs: &Client, url: &str) -> Result<Vec<Message>, AnyError> {
    let answer = sqs
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .wait_time_seconds(5)
        .message_system_attribute_names(SystemAttribute::All)
        .message_attribute_names("All")
        .send()
        .await?;
    Ok(answer.messages.unwrap_or_default())
}

/// Visible, in flight, delayed.
async fn counters(sqs: &Client, url: &str) -> Result<Value, AnyError> {
    let names = [
        Attribute::ApproximateNumberOfMessages,
        Attribute::ApproximateNumberOfMessagesNotVisible,
        Attribute::ApproximateNumberOfMessagesDelayed,
    ];
    let asked = sqs.get_queue_attributes().queue_url(url);
    let answer = asked
        .set_attribute_names(Some(names.to_vec()))
        .send()
        .await?;
    let found = answer.attributes.unwrap_or_default();
    Ok(names.iter().map(|name| json!(found.get(name))).collect())
}

/// Type and value by name; bytes as hexadecimal text.
fn attributes_of(message: &Message) -> Value {
    let hex = |blob: &Blob| {
        blob.as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    };
    let found: BTreeMap<&String, (&str, String)> = message
        .message_attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let text = value.string_value().map(str::to_owned);
            let content = text
                .or_else(|| value.binary_value().map(hex))
                .unwrap_or_default();
            (name, (value.data_type(), content))
        })
        .collect();
    json!(found)
}

fn system_attribute(message: &Message, name: SystemAttribute) -> &str {
    let found = message
        .attributes()
        .and_then(|attributes| attributes.get(&name));
    found.map_or("", String::as_str)
}

fn deletions(messages: &[Message]) -> Result<Vec<DeleteMessageBatchRequestEntry>, AnyError> {
    let entries = messages.iter().enumerate().map(|(number, message)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
        let handle = message.receipt_handle.clone();
        Ok(entry.set_receipt_handle(handle).build()?)
    });
    entries.collect()
}

fn sorted<'a>(ids: impl Iterator<Item = &'a str>) -> Value {
    let mut ids: Vec<&str> = ids.collect();
    ids.sort_unstable();
    json!(ids)
}

fn codes(failed: &[BatchResultErrorEntry]) -> Value {
    let codes: BTreeMap<&str, &str> = failed
        .iter()
        .map(|entry| (entry.id(), entry.code()))
        .collect();
    json!(codes)
}

fn code_of<T, E: ProvideErrorMetadata, R>(done: Result<T, SdkError<E, R>>) -> Value {
    match done {
        Ok(_) => json!("no error"),
        Err(error) => json!(error.code()),
    }
}
