// What users of the AWS SDK for JavaScript do: `node tour.js NAME` uses a queue NAME and a queue NAME.fifo,
// and prints what it saw as one JSON object.
//
//     export AWS_ENDPOINT_URL=http://localhost:9324
//     export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_REGION=us-east-1

import { createRequire } from "node:module";
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";

const BODY = 'grüße ✓ <&> "quoted"\r\nsecond line';
const ATTRIBUTES = {
  colour: { DataType: "String", StringValue: "blue" },
  count: { DataType: "Number.int", StringValue: "3" },
  blob: { DataType: "Binary", BinaryValue: new Uint8Array([0, 1, 2, 255]) },
};
const COUNTERS = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
];

const sqs = new SQSClient({});
const { version } = createRequire(import.meta.url)("@aws-sdk/client-sqs/package.json");
const saw = { client: `@aws-sdk/client-sqs ${version}`, errors: {} };

async function create(QueueName) {
  const asked = { QueueName, Attributes: { VisibilityTimeout: "30" }, tags: { team: "a b" } };
  const { QueueUrl } = await sqs.send(new CreateQueueCommand(asked));
  const again = await sqs.send(new CreateQueueCommand(asked));
  const found = await sqs.send(new GetQueueUrlCommand({ QueueName }));
  const listed = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: QueueName }));
  saw.urls = [...new Set([QueueUrl, again.QueueUrl, found.QueueUrl, ...listed.QueueUrls])].sort();
  saw.tags = (await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags;
  const missing = new GetQueueUrlCommand({ QueueName: `${QueueName}-missing` });
  saw.errors.missing = await codeOf(missing, QueueDoesNotExist);
  return QueueUrl;
}

// The SDK itself compares the MD5 of what was sent with that of the answer.
async function send(QueueUrl) {
  const message = { QueueUrl, MessageBody: BODY, MessageAttributes: ATTRIBUTES };
  await sqs.send(new SendMessageCommand(message));
  const Entries = [
    { Id: "a", MessageBody: "first of the batch" },
    { Id: "b", MessageBody: "second of the batch" },
    { Id: "late", MessageBody: "delayed too long", DelaySeconds: 901 },
  ];
  const answer = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  saw.sent = idsOf(answer.Successful);
  saw.not_sent = codesOf(answer.Failed);
  const late = { QueueUrl, MessageBody: "x", DelaySeconds: 901 };
  saw.errors.delay = await codeOf(new SendMessageCommand(late));
  saw.counters = await counters(QueueUrl);
}

// Long polls until all three are there: one answer need not hold all that the queue has.
async function receive(QueueUrl) {
  const messages = [];
  for (const deadline = Date.now() + 20_000; messages.length < 3 && Date.now() < deadline; ) {
    messages.push(...(await longPoll(QueueUrl)));
  }
  saw.received = Object.fromEntries(messages.map((m) => [m.Body, attributesOf(m)]));
  saw.counters_received = await counters(QueueUrl);
  return messages.sort((one, other) => (one.Body < other.Body ? -1 : 1));
}

async function change(QueueUrl, messages) {
  const [{ MessageId, ReceiptHandle }, ...others] = messages;
  const atOnce = { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 };
  await sqs.send(new ChangeMessageVisibilityCommand(atOnce));
  [messages[0]] = await longPoll(QueueUrl);
  saw.received_again = messages[0].MessageId === MessageId;
  saw.receive_count = messages[0].Attributes.ApproximateReceiveCount;
  const Entries = entriesOf(others).map((entry) => ({ ...entry, VisibilityTimeout: 60 }));
  const batch = new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries });
  saw.changed = idsOf((await sqs.send(batch)).Successful);
}

async function remove(QueueUrl, [first, ...others]) {
  const { ReceiptHandle } = first;
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  const Entries = [...entriesOf(others), { Id: "bad", ReceiptHandle: "garbage" }];
  const answer = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  saw.deleted = idsOf(answer.Successful);
  saw.not_deleted = codesOf(answer.Failed);
  const garbage = new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "garbage" });
  saw.errors.handle = await codeOf(garbage);
}

async function waitPurgeAndSet(QueueUrl) {
  const started = performance.now();
  const answer = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }));
  saw.left = (answer.Messages ?? []).length;
  saw.waited = performance.now() - started >= 1000;
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "purged" }));
  await sqs.send(new PurgeQueueCommand({ QueueUrl }));
  saw.counters_purged = await counters(QueueUrl);
  const Attributes = { VisibilityTimeout: "45" };
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
  const asked = { QueueUrl, AttributeNames: ["VisibilityTimeout"] };
  saw.attributes = (await sqs.send(new GetQueueAttributesCommand(asked))).Attributes;
}

async function useFifo(QueueName) {
  const Attributes = { FifoQueue: "true", ContentBasedDeduplication: "true" };
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  const sent = [];
  for (const [MessageGroupId, MessageBody] of Object.entries({ x: "one", y: "other" })) {
    sent.push(await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId })));
  }
  for (const MessageBody of ["two", "one"]) {
    const message = { QueueUrl, MessageBody, MessageGroupId: "x" };
    sent.push(await sqs.send(new SendMessageCommand(message)));
  }
  const numbers = sent.slice(0, 3).map((answer) => BigInt(answer.SequenceNumber));
  saw.fifo_rising = numbers[0] < numbers[1] && numbers[1] < numbers[2];
  saw.fifo_duplicate = sent[3].MessageId === sent[0].MessageId;
  const messages = [];
  while (messages.length < 3) messages.push(...(await longPoll(QueueUrl)));
  saw.fifo = {};
  for (const { Body, Attributes: { MessageGroupId } } of messages) {
    (saw.fifo[MessageGroupId] ??= []).push(Body);
  }
  const batch = new DeleteMessageBatchCommand({ QueueUrl, Entries: entriesOf(messages) });
  saw.fifo_deleted = (await sqs.send(batch)).Successful.length;
  return QueueUrl;
}

async function longPoll(QueueUrl) {
  const poll = new ReceiveMessageCommand({
    QueueUrl,
    MaxNumberOfMessages: 10,
    WaitTimeSeconds: 5,
    MessageSystemAttributeNames: ["All"],
    MessageAttributeNames: ["All"],
  });
  return (await sqs.send(poll)).Messages ?? [];
}

// Visible, in flight, delayed.
async function counters(QueueUrl) {
  const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: COUNTERS });
  const { Attributes } = await sqs.send(asked);
  return COUNTERS.map((name) => Attributes[name]);
}

// Type and value by name; bytes as hexadecimal text.
function attributesOf({ MessageAttributes = {} }) {
  const found = Object.entries(MessageAttributes).map(([name, value]) => [
    name,
    [value.DataType, value.StringValue ?? Buffer.from(value.BinaryValue).toString("hex")],
  ]);
  return Object.fromEntries(found);
}

function entriesOf(messages) {
  return messages.map(({ ReceiptHandle }, number) => ({ Id: String(number), ReceiptHandle }));
}

function idsOf(entries) {
  return entries.map(({ Id }) => Id).sort();
}

function codesOf(failed) {
  return Object.fromEntries(failed.map(({ Id, Code }) => [Id, Code]));
}

// The code that SDKs knew before errors had classes; those that have one are of it.
async function codeOf(command, type = Error) {
  try {
    await sqs.send(command);
  } catch (error) {
    return error instanceof type ? error.Code : `not a ${type.name}: ${error}`;
  }
  return "no error";
}

const [name] = process.argv.slice(2);
const url = await create(name);
await send(url);
const messages = await receive(url);
await change(url, messages);
await remove(url, messages);
await waitPurgeAndSet(url);
const fifo = await useFifo(`${name}.fifo`);
for (const QueueUrl of [url, fifo]) await sqs.send(new DeleteQueueCommand({ QueueUrl }));
saw.errors.deleted = await codeOf(new GetQueueUrlCommand({ QueueName: name }), QueueDoesNotExist);
console.log(JSON.stringify(saw));
