// `node stream.js NAME` sends numbered messages to a queue NAME and receives them, all at once, until
// its standard input ends; then receives what is left. Prints what it did, one JSON object a line. An
// error ends nothing: it is printed.

import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";

const CONSUMERS = 2;
const BETWEEN_SENDS_MS = 50;
const DRAIN_MS_MAX = 90_000;

const sqs = new SQSClient({});
const [QueueName] = process.argv.slice(2);
const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
const received = new Set();
let sent = 0;
let overSince = null;

process.stdin.on("end", () => (overSince = performance.now())).resume();
await Promise.all([produce(), ...Array.from({ length: CONSUMERS }, consume)]);

async function produce() {
  while (overSince === null) {
    await printingErrors(async () => {
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: String(sent) }));
      print({ sent: sent++ });
    });
    await sleep(BETWEEN_SENDS_MS);
  }
}

async function consume() {
  while (!isOver()) {
    await printingErrors(async () => {
      const poll = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 };
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(poll));
      for (const { Body, ReceiptHandle } of Messages) {
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        received.add(Number(Body));
        print({ received: Number(Body) });
      }
    });
  }
}

function isOver() {
  if (overSince === null) return false;
  return received.size >= sent || performance.now() - overSince > DRAIN_MS_MAX;
}

async function printingErrors(call) {
  try {
    await call();
  } catch (error) {
    print({ error: `${error.stack} ${JSON.stringify(error.$metadata)}` });
  }
}

function print(value) {
  console.log(JSON.stringify(value));
}
