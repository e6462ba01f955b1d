"""`stream.py NAME` sends numbered messages to a queue NAME and receives them, all at once, until its
standard input ends; then receives what is left. Prints what it did, one JSON object a line. An error
ends nothing: it is printed.
"""

import json
import os
import sys
import threading
import time
import traceback

import boto3

CONSUMERS = 2
BETWEEN_SENDS_SECONDS = 0.05
DRAIN_SECONDS_MAX = 90.0


class Stream:
    def __init__(self, name: str):
        self.sqs = boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.sent = 0
        self.received: set[int] = set()
        self.over_since: float | None = None
        self._printing = threading.Lock()

    def produce(self) -> None:
        while self.over_since is None:
            self.printing_errors(self.send)
            time.sleep(BETWEEN_SENDS_SECONDS)

    def send(self) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=str(self.sent))
        self.print(sent=self.sent)
        self.sent += 1

    def consume(self) -> None:
        while not self.is_over():
            self.printing_errors(self.receive)

    def receive(self) -> None:
        answer = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=5
        )
        for message in answer.get("Messages", []):
            handle = message["ReceiptHandle"]
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=handle)
            self.received.add(int(message["Body"]))
            self.print(received=int(message["Body"]))

    def is_over(self) -> bool:
        if self.over_since is None:
            return False
        is_complete = len(self.received) >= self.sent
        return is_complete or time.monotonic() - self.over_since > DRAIN_SECONDS_MAX

    def printing_errors(self, call) -> None:
        try:
            call()
        except Exception:
            self.print(error=traceback.format_exc())

    def print(self, **what) -> None:
        with self._printing:
            print(json.dumps(what), flush=True)


stream = Stream(sys.argv[1])
threads = [threading.Thread(target=stream.produce)]
threads += [threading.Thread(target=stream.consume) for _ in range(CONSUMERS)]
for thread in threads:
    thread.start()
sys.stdin.read()
stream.over_since = time.monotonic()
for thread in threads:
    thread.join()
