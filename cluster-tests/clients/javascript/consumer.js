// What users of sqs-producer and sqs-consumer do: `node consumer.js QUEUE_URL` sends twenty jobs and
// handles them. One job takes longer than the visibility timeout, which heartbeats extend; one fails at
// first and comes back at once. Prints how often each was handled.

import { Consumer } from "sqs-consumer";
import { Producer } from "sqs-producer";

const JOBS = 20;
const SLOW = "job-7";
const FAILS_ONCE = "job-13";
// Ends between two heartbeats: sqs-consumer goes on sending them until its delete is answered, and one
// that comes after the delete is refused, as SQS does.
const HEARTBEAT_SECONDS = 4;
const SLOW_MS = 14_000;

const [queueUrl] = process.argv.slice(2);
const handled = {};
const events = {};
const errors = [];
let failed = false;

const producer = Producer.create({ queueUrl });
const jobs = Array.from({ length: JOBS }, (_, number) => ({
  id: String(number),
  body: `job-${number}`,
  messageAttributes: { number: { DataType: "Number", StringValue: String(number) } },
}));
await producer.send(jobs);
const queueSize = await producer.queueSize();

async function handle(message) {
  if (message.Body === FAILS_ONCE && !failed) {
    failed = true;
    throw new Error("fails once");
  }
  if (message.Body === SLOW) await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
  const number = Number(message.MessageAttributes.number.StringValue);
  handled[`job-${number}`] = (handled[`job-${number}`] ?? 0) + 1;
  return message;
}

const consumer = Consumer.create({
  queueUrl,
  batchSize: 10,
  visibilityTimeout: 12,
  heartbeatInterval: HEARTBEAT_SECONDS,
  waitTimeSeconds: 2,
  terminateVisibilityTimeout: true,
  messageAttributeNames: ["All"],
  handleMessage: handle,
});
consumer.on("error", (error) => errors.push(String(error)));
consumer.on("timeout_error", (error) => errors.push(String(error)));
for (const event of ["message_processed", "processing_error"]) {
  consumer.on(event, () => (events[event] = (events[event] ?? 0) + 1));
}
// Nothing is left when a poll has found nothing and no message is in the hands of `handle`.
consumer.on("empty", () => consumer.stop());
consumer.on("stopped", () => console.log(JSON.stringify({ queueSize, handled, events, errors })));
consumer.start();
