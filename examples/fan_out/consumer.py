"""Acts on the events of one queue until SIGTERM, on each once, however often it comes.

The id of the event is written in the same transaction as the effect. The message is deleted after that.
"""

import argparse
import json
import signal
import sqlite3
import threading
from pathlib import Path

import boto3

WAIT_SECONDS = 2


def act(database: sqlite3.Connection, consumer: str, event: dict) -> bool:
    """False if this consumer has acted on the event before."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        key = (consumer, event["id"])
        if database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", key).rowcount == 0:
            return False
        values = (consumer, event["id"], event["content"])
        database.execute("INSERT INTO effects VALUES (?, ?, ?)", values)
    return True


def delete(sqs, queue_url: str, messages: list[dict]) -> None:
    """What is not deleted comes again, and is known then."""
    entries = [
        {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
        for n, message in enumerate(messages)
    ]
    answer = sqs.delete_message_batch(QueueUrl=queue_url, Entries=entries)
    for entry in answer.get("Failed", []):
        print(f"not deleted, comes again: {entry['Message']}", flush=True)


def consume(consumer: str, queue_url: str, path: Path, stopping: threading.Event) -> None:
    sqs = boto3.client("sqs")
    database = sqlite3.connect(path, timeout=30, isolation_level=None)
    while not stopping.is_set():
        answer = sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT_SECONDS
        )
        messages = answer.get("Messages", [])
        for message in messages:
            event = json.loads(message["Body"])
            new = act(database, consumer, event)
            print(consumer, "acts on" if new else "knows", event["id"], flush=True)
        if messages:
            delete(sqs, queue_url, messages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("queue_url")
    parser.add_argument("database", type=Path)
    arguments = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    consume(arguments.name, arguments.queue_url, arguments.database, stopping)


if __name__ == "__main__":
    main()
