"""Publishes the events of an outbox to several queues, ten at a time, until none is left.

An event is marked as published once every queue has it. A publisher that dies between two queues finds
it unmarked when it starts again, and sends it to all of them, also to those that have it: no queue ever
lacks an event, some have it twice, and its id tells consumers.
"""

import argparse
import json
import os
import signal
import sqlite3
import time
from pathlib import Path

import boto3

BATCH = 10
SEND_ATTEMPTS = 5
UNPUBLISHED = "SELECT id, content FROM outbox WHERE published = 0 ORDER BY id LIMIT ?"


def send(sqs, queue_url: str, events: list[tuple[int, str]]) -> None:
    """A batch may succeed in part: what the answer lists in `Failed` is sent again."""
    entries = [
        {"Id": str(event), "MessageBody": json.dumps({"id": event, "content": content})}
        for event, content in events
    ]
    for attempt in range(SEND_ATTEMPTS):
        time.sleep(attempt)
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        failed = {entry["Id"] for entry in answer.get("Failed", [])}
        entries = [entry for entry in entries if entry["Id"] in failed]
        if not entries:
            return
    raise RuntimeError(f"not sent: {entries}")


def publish(path: Path, queue_urls: list[str], die_at: int | None) -> None:
    sqs = boto3.client("sqs")
    database = sqlite3.connect(path, timeout=30, isolation_level=None)
    while events := database.execute(UNPUBLISHED, (BATCH,)).fetchall():
        numbers = [event for event, _ in events]
        for position, queue_url in enumerate(queue_urls):
            if position > 0 and die_at in numbers:
                print(f"dies, {numbers} sent to {position} of {len(queue_urls)}", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            send(sqs, queue_url, events)
        marks = [(event,) for event in numbers]
        database.execute("BEGIN")
        database.executemany("UPDATE outbox SET published = 1 WHERE id = ?", marks)
        database.execute("COMMIT")
        print(f"published {numbers}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database", type=Path)
    parser.add_argument("queue_urls", nargs="+")
    parser.add_argument("--die-at", type=int, help="SIGKILL when this event is at one queue only")
    arguments = parser.parse_args()
    publish(arguments.database, arguments.queue_urls, arguments.die_at)


if __name__ == "__main__":
    main()
