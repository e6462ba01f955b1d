"""Events for two consumers: a publisher sends each to both queues, dies in between, starts again.

export AWS_ENDPOINT_URL=http://localhost:9324
export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
python fan_out.py
"""

import argparse
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import boto3

HERE = Path(__file__).parent
CONSUMERS = ("billing", "shipping")
VISIBILITY_TIMEOUT_SECONDS = 5
PUBLISHER_STARTS_MAX = 3
DEADLINE_SECONDS = 300
COUNTERS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
# One file for the example. Publisher and consumers each have a database of their own in real life.
# `effects` would show what happened twice: nothing forbids that but the consumer.
TABLES = """
CREATE TABLE outbox (id INTEGER PRIMARY KEY, content TEXT, published INTEGER DEFAULT 0);
CREATE TABLE seen (consumer TEXT, event INTEGER, PRIMARY KEY (consumer, event));
CREATE TABLE effects (consumer TEXT, event INTEGER, content TEXT);
"""


def create_database(path: Path, events: int) -> sqlite3.Connection:
    """With events in the outbox, where whatever causes an event writes it in its own transaction."""
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(TABLES)
    rows = [(f"event {number}",) for number in range(events)]
    with database:
        database.execute("BEGIN")
        database.executemany("INSERT INTO outbox (content) VALUES (?)", rows)
    return database


def start(program: str, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, str(HERE / program), *arguments])


def publish(path: Path, queue_urls: list[str], die_at: int) -> None:
    """The first publisher dies; a supervisor starts the next."""
    more = ["--die-at", str(die_at)]
    for _ in range(PUBLISHER_STARTS_MAX):
        exit_code = start("publisher.py", str(path), *queue_urls, *more).wait()
        if exit_code == 0:
            return
        if exit_code != -signal.SIGKILL:
            break
        print("the publisher died, another one starts", flush=True)
        more = []
    raise RuntimeError(f"the publisher ended with {exit_code}")


def wait_until_empty(sqs, queue_urls: list[str]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    for queue_url in queue_urls:
        left = None
        while left != 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{left} messages left in {queue_url}")
            time.sleep(0.3)
            answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=COUNTERS)
            left = sum(int(answer["Attributes"][name]) for name in COUNTERS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=30)
    parser.add_argument("--database", type=Path, help="a new SQLite file")
    parser.add_argument("--keep", action="store_true", help="leave the queues, to look at them")
    options = parser.parse_args()
    path = options.database or Path(tempfile.mkdtemp(prefix="fan-out-")) / "events.sqlite"
    database = create_database(path, options.events)

    sqs = boto3.client("sqs")
    run = uuid.uuid4().hex[:8]
    attributes = {"VisibilityTimeout": str(VISIBILITY_TIMEOUT_SECONDS)}
    queue_urls = [
        sqs.create_queue(QueueName=f"{name}-{run}", Attributes=attributes)["QueueUrl"]
        for name in CONSUMERS
    ]
    consumers = [
        start("consumer.py", name, queue_url, str(path))
        for name, queue_url in zip(CONSUMERS, queue_urls, strict=True)
    ]
    try:
        publish(path, queue_urls, die_at=options.events // 2)
        wait_until_empty(sqs, queue_urls)
    finally:
        for consumer in consumers:
            consumer.terminate()
        exit_codes = [consumer.wait() for consumer in consumers]
    for queue_url in [] if options.keep else queue_urls:
        sqs.delete_queue(QueueUrl=queue_url)
    right = set(exit_codes) == {0}
    for name in CONSUMERS:
        query = "SELECT event FROM effects WHERE consumer = ? ORDER BY event"
        events = [event for (event,) in database.execute(query, (name,))]
        right = right and events == list(range(1, options.events + 1))
        print(f"{name}: {len(events)} effects of {len(set(events))} events")
    print(f"{'all right' if right else 'wrong'}, see {path}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
