"""Handles orders until SIGTERM, each exactly once, although a message may come more than once.

A queue and a database have no transaction in common: whoever dies between the two leaves one of them
behind. So the effect comes first, then the deletion; and the order's id is written in the same
transaction as the effect, so that an order that comes again is recognised and has no effect.
"""

import argparse
import json
import os
import signal
import sqlite3
import threading
from pathlib import Path

import boto3

WAIT_SECONDS = 2
LOCK_SECONDS = 30


def handle(database: sqlite3.Connection, order: dict) -> bool:
    """The id and the effect in one transaction; False if the order was handled before."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        added = database.execute("INSERT OR IGNORE INTO handled VALUES (?)", (order["id"],))
        if added.rowcount == 0:
            return False
        database.execute(
            "INSERT INTO payments (order_id, customer, number, cents) VALUES (?, ?, ?, ?)",
            (order["id"], order["customer"], order["number"], order["cents"]),
        )
    return True


def delete(sqs, queue_url: str, messages: list[dict]) -> None:
    """What cannot be deleted, since its visibility timeout is over, comes again and is recognised."""
    entries = [
        {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
        for n, message in enumerate(messages)
    ]
    answer = sqs.delete_message_batch(QueueUrl=queue_url, Entries=entries)
    for entry in answer.get("Failed", []):
        print(f"not deleted, comes again: {entry['Message']}", flush=True)


def work(queue_url: str, path: Path, die_after: int | None, stopping: threading.Event) -> None:
    sqs = boto3.client("sqs")
    database = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
    handled = 0
    while not stopping.is_set():
        # In the order in which they are to be handled. No other handler is given an order of these
        # customers until these are deleted, or their visibility timeout is over.
        answer = sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT_SECONDS
        )
        messages = answer.get("Messages", [])
        for message in messages:
            order = json.loads(message["Body"])
            new = handle(database, order)
            print("handled" if new else "known", order["id"], flush=True)
            handled += new
            if handled == die_after:
                print("dies between effect and deletion", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
        if messages:
            delete(sqs, queue_url, messages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("queue_url")
    parser.add_argument("database", type=Path)
    parser.add_argument("--die-after", type=int, help="SIGKILL after so many effects")
    arguments = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    work(arguments.queue_url, arguments.database, arguments.die_after, stopping)


if __name__ == "__main__":
    main()
