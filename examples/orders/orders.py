"""Orders of several customers: a producer that repeats itself, a handler that dies half-way.

export AWS_ENDPOINT_URL=http://localhost:9324
export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
python orders.py
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
QUEUE = "OrderQueue.fifo"
# Longer than ten orders take. The orders of a handler that died wait for it, and their customers'.
VISIBILITY_TIMEOUT_SECONDS = 5
DEADLINE_SECONDS = 300
COUNTERS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
# `payments` would show an effect that happened twice: nothing forbids that but the handler.
TABLES = """
CREATE TABLE IF NOT EXISTS handled (order_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS payments (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id TEXT, customer TEXT, number INTEGER, cents INTEGER
);
"""


def start(program: str, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, str(HERE / program), *arguments])


def payments(database: sqlite3.Connection, run: str) -> list[tuple[str, int]]:
    """Customer and number of this run's orders, in the order of their effects."""
    query = "SELECT customer, number FROM payments WHERE order_id LIKE ? ORDER BY sequence"
    return database.execute(query, (f"{run}-%",)).fetchall()


def is_empty(sqs, queue_url: str) -> bool:
    found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=COUNTERS)["Attributes"]
    return all(found[name] == "0" for name in COUNTERS)


def run_to_the_end(sqs, queue_url: str, path: Path, options: argparse.Namespace) -> bool:
    """One handler until it dies, then two. False if a program failed or not all is done in time."""
    size = ["--customers", str(options.customers), "--orders", str(options.orders)]
    producer = start("producer.py", queue_url, "--run", options.run, *size)
    handler = ["handler.py", queue_url, str(path)]
    half = str(options.customers * options.orders // 2)
    handlers = [start(*handler, "--die-after", half)]
    deadline = time.monotonic() + DEADLINE_SECONDS
    try:
        while time.monotonic() < deadline:
            if handlers[0].poll() == -signal.SIGKILL:
                print("the handler died, two others start", flush=True)
                handlers = [start(*handler), start(*handler)]
            if producer.poll() is not None and is_empty(sqs, queue_url):
                break
            time.sleep(0.5)
    finally:
        for process in (producer, *handlers):
            process.terminate()
        exit_codes = [process.wait() for process in (producer, *handlers)]
    # SIGTERM may come before a handler can hear it.
    return exit_codes[0] == 0 and set(exit_codes) <= {0, -signal.SIGTERM}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=5)
    parser.add_argument("--orders", type=int, default=10, help="of each customer")
    parser.add_argument("--database", type=Path, help="an SQLite file (default: a new one)")
    options = parser.parse_args()
    options.run = uuid.uuid4().hex[:8]
    path = options.database or Path(tempfile.mkdtemp(prefix="orders-")) / "orders.sqlite"
    database = sqlite3.connect(path)
    database.executescript(TABLES)

    sqs = boto3.client("sqs")
    timeout = str(VISIBILITY_TIMEOUT_SECONDS)
    queue_url = sqs.create_queue(
        QueueName=QUEUE, Attributes={"FifoQueue": "true", "VisibilityTimeout": timeout}
    )["QueueUrl"]
    ended_well = run_to_the_end(sqs, queue_url, path, options)

    found = payments(database, options.run)
    right = True
    for customer in (f"customer-{index}" for index in range(options.customers)):
        numbers = [number for name, number in found if name == customer]
        in_order = numbers == list(range(options.orders))
        print(f"{customer}: {len(numbers)} payments, {'in order' if in_order else numbers}")
        right = right and in_order
    print(f"{'all right' if ended_well and right else 'wrong'}, see {path}")
    return 0 if ended_well and right else 1


if __name__ == "__main__":
    sys.exit(main())
