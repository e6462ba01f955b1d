// Users of sqs-consumer who handle messages by batches: `node batches.js QUEUE_URL` sends twenty jobs.
// Every batch takes longer than the visibility timeout, which heartbeats extend for all of it by one call.

import { Consumer } from "sqs-consumer";
import { Producer } from "sqs-producer";

const JOBS = 20;
// Ends between two heartbeats, for the reason that consumer.js gives.
const HEARTBEAT_SECONDS = 4;
const BATCH_MS = 14_000;

const [queueUrl] = process.argv.slice(2);
const handled = {};
const errors = [];

const bodies = Array.from({ length: JOBS }, (_, number) => `job-${number}`);
await Producer.create({ queueUrl }).send(bodies);

const consumer = Consumer.create({
  queueUrl,
  batchSize: 10,
  visibilityTimeout: 12,
  heartbeatInterval: HEARTBEAT_SECONDS,
  waitTimeSeconds: 2,
  handleMessageBatch: async (messages) => {
    await new Promise((resolve) => setTimeout(resolve, BATCH_MS));
    for (const { Body } of messages) handled[Body] = (handled[Body] ?? 0) + 1;
    return messages;
  },
});
for (const event of ["error", "processing_error", "timeout_error"]) {
  consumer.on(event, (error) => errors.push(String(error)));
}
consumer.on("empty", () => consumer.stop());
consumer.on("stopped", () => console.log(JSON.stringify({ handled, errors })));
consumer.start();
