use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Faults, Turn};

/// All queues: what the actions do to them.
#[derive(Debug)]
pub(crate) struct Queues {
    faults: Faults,
    by_name: HashMap<String, Queue>,
    turns: Turns,
}

#[derive(Debug, Default)]
struct Turns {
    lose: Turn,
    revive: Turn,
    double: Turn,
    overtake: Turn,
    damage: Turn,
    fail_entry: Turn,
}

#[derive(Debug, Default)]
struct Queue {
    messages: BTreeMap<u64, Message>,
    deduplication_ids: HashSet<String>,
    last_sequence: u64,
    last_handle: u64,
}

#[derive(Clone, Debug)]
struct Message {
    body: String,
    group: Option<String>,
    handle: u64,
    hidden_until: Option<Instant>,
}

impl Queues {
    pub(crate) fn new(faults: Faults) -> Queues {
        Queues {
            faults,
            by_name: HashMap::new(),
            turns: Turns::default(),
        }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.by_name.keys().cloned().collect()
    }

    pub(crate) fn perform(&mut self, action: &str, body: &Value) -> Result<Value, &'static str> {
        let name = match &body["QueueName"] {
            Value::String(name) => name.clone(),
            _ => body["QueueUrl"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned(),
        };
        if action == "CreateQueue" {
            self.by_name.entry(name.clone()).or_default();
        }
        if action == "DeleteQueue" {
            self.by_name.remove(&name);
            return Ok(json!({}));
        }
        let queue = self.by_name.get_mut(&name).ok_or("NonExistentQueue")?;
        let (faults, turns) = (&self.faults, &mut self.turns);
        Ok(match action {
            "CreateQueue" | "GetQueueUrl" => json!({ "QueueUrl": format!("http://fake/0/{name}") }),
            "SendMessage" => queue.send(faults, turns, body),
            "SendMessageBatch" => batch(faults, turns, body, |turns, entry| {
                queue.send(faults, turns, entry);
            }),
            "ReceiveMessage" => queue.receive(faults, turns, body),
            "DeleteMessage" => {
                queue.delete(faults, turns, body);
                json!({})
            }
            "DeleteMessageBatch" => batch(faults, turns, body, |turns, entry| {
                queue.delete(faults, turns, entry);
            }),
            _ => return Err("UnsupportedOperation"),
        })
    }
}

fn batch(
    faults: &Faults,
    turns: &mut Turns,
    body: &Value,
    mut perform: impl FnMut(&mut Turns, &Value),
) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in body["Entries"].as_array().unwrap() {
        let id = &entry["Id"];
        if turns.fail_entry.comes(faults.fail_entry) {
            failed.push(json!({ "Id": id, "SenderFault": false, "Code": "InternalError" }));
        } else {
            perform(turns, entry);
            successful.push(json!({ "Id": id }));
        }
    }
    let mut answer = json!({ "Successful": successful });
    if !failed.is_empty() {
        answer["Failed"] = failed.into();
    }
    answer
}

impl Queue {
    fn send(&mut self, faults: &Faults, turns: &mut Turns, entry: &Value) -> Value {
        let answer = json!({ "MessageId": "1" });
        if let Some(id) = entry["MessageDeduplicationId"].as_str()
            && !self.deduplication_ids.insert(id.to_owned())
        {
            return answer;
        }
        if turns.lose.comes(faults.lose) {
            return answer;
        }
        let mut body = entry["MessageBody"].as_str().unwrap().to_owned();
        if turns.damage.comes(faults.damage) {
            body.pop();
            body.push('?');
        }
        self.last_sequence += 1;
        let message = Message {
            body,
            group: entry["MessageGroupId"].as_str().map(str::to_owned),
            handle: 0,
            hidden_until: None,
        };
        self.messages.insert(self.last_sequence, message);
        answer
    }

    /// In order; a group with a message in flight waits.
    fn receive(&mut self, faults: &Faults, turns: &mut Turns, body: &Value) -> Value {
        let max = body["MaxNumberOfMessages"].as_u64().unwrap() as usize;
        let timeout = Duration::from_secs(body["VisibilityTimeout"].as_u64().unwrap());
        let now = Instant::now();
        let mut chosen = self.choose(max, now);
        if let [.., before, last] = chosen[..]
            && turns.overtake.comes(faults.overtake)
            && self.messages[&before].group == self.messages[&last].group
        {
            chosen.pop();
            chosen.pop();
            chosen.extend([last, before]);
        }
        let mut answer = Vec::new();
        for sequence in chosen {
            self.last_handle += 1;
            let is_doubled = turns.double.comes(faults.double);
            let message = self.messages.get_mut(&sequence).unwrap();
            message.handle = self.last_handle;
            message.hidden_until = Some(now + timeout);
            let handle = format!("{sequence}:{}", message.handle);
            let body = &message.body;
            answer.push(json!({ "MessageId": "1", "Body": body, "ReceiptHandle": handle }));
            if is_doubled {
                let copy = message.clone();
                self.last_sequence += 1;
                let hidden_until = None;
                let copy = Message {
                    hidden_until,
                    ..copy
                };
                self.messages.insert(self.last_sequence, copy);
            }
        }
        if answer.is_empty() {
            json!({})
        } else {
            json!({ "Messages": answer })
        }
    }

    fn choose(&self, max: usize, now: Instant) -> Vec<u64> {
        let is_hidden = |message: &Message| message.hidden_until.is_some_and(|until| until > now);
        let hidden = self.messages.values().filter(|message| is_hidden(message));
        let locked: HashSet<_> = hidden
            .filter_map(|message| message.group.as_ref())
            .collect();
        let is_free = |message: &Message| match &message.group {
            Some(group) => !locked.contains(group),
            None => !is_hidden(message),
        };
        let free = self.messages.iter().filter(|(_, message)| is_free(message));
        free.map(|(sequence, _)| *sequence).take(max).collect()
    }

    fn delete(&mut self, faults: &Faults, turns: &mut Turns, entry: &Value) {
        let handle = entry["ReceiptHandle"].as_str().unwrap();
        let sequence = handle.split(':').next().unwrap().parse().unwrap();
        let Some(message) = self.messages.remove(&sequence) else {
            return;
        };
        if turns.revive.comes(faults.revive) {
            let hidden_until = None;
            self.last_sequence += 1;
            let revived = Message {
                hidden_until,
                ..message
            };
            self.messages.insert(self.last_sequence, revived);
        }
    }
}
