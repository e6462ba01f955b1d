"""Does jobs until SIGTERM, one at a time.

Whoever scales workers ends some while they work: they finish what they have in their hands, so that
nothing is done twice or waits for a visibility timeout.
"""

import argparse
import signal
import threading
import time

import boto3

WAIT_SECONDS = 2


def work(queue_url: str, work_seconds: float, stopping: threading.Event) -> None:
    sqs = boto3.client("sqs")
    while not stopping.is_set():
        answer = sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=1, WaitTimeSeconds=WAIT_SECONDS
        )
        for message in answer.get("Messages", []):
            time.sleep(work_seconds)
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            print(f"done {message['Body']}", flush=True)


def main() -> None:
    # First of all: it may be ended as soon as it is started.
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("queue_url")
    parser.add_argument("--work-seconds", type=float, default=0.4)
    arguments = parser.parse_args()
    work(arguments.queue_url, arguments.work_seconds, stopping)


if __name__ == "__main__":
    main()
