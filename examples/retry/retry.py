"""Jobs that fail every time: tried again, set aside in a dead-letter queue, looked at, and sent back
once the program that handles them is mended.

export AWS_ENDPOINT_URL=http://localhost:9324
export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
python retry.py
"""

import argparse
import contextlib
import json
import subprocess
import sys
import time
import uuid
from pathlib import Path

import boto3

HERE = Path(__file__).parent
MAX_RECEIVE_COUNT = 3
# Also the pause between two attempts. Make it longer than the work takes: minutes, say.
VISIBILITY_TIMEOUT_SECONDS = 2
POISON_EVERY = 5
BATCH = 10
SEND_ATTEMPTS = 5
DEADLINE_SECONDS = 300
# Counters are approximate: one that is zero once may be late.
QUIET_READS = 3
COUNTERS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


def create_queues(sqs, run: str) -> tuple[str, str]:
    """The URLs of the queue and of its dead-letter queue."""
    dead_url = sqs.create_queue(QueueName=f"jobs-{run}-dead")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    policy = {
        "deadLetterTargetArn": found["Attributes"]["QueueArn"],
        "maxReceiveCount": MAX_RECEIVE_COUNT,
    }
    attributes = {
        "RedrivePolicy": json.dumps(policy),
        "VisibilityTimeout": str(VISIBILITY_TIMEOUT_SECONDS),
    }
    url = sqs.create_queue(QueueName=f"jobs-{run}", Attributes=attributes)["QueueUrl"]
    return url, dead_url


def send(sqs, queue_url: str, jobs: list[str]) -> None:
    """A batch may succeed in part: what the answer lists in `Failed` is sent again."""
    entries = [{"Id": str(n), "MessageBody": job} for n, job in enumerate(jobs)]
    for attempt in range(SEND_ATTEMPTS):
        time.sleep(attempt)
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        failed = {entry["Id"] for entry in answer.get("Failed", [])}
        entries = [entry for entry in entries if entry["Id"] in failed]
        if not entries:
            return
    raise RuntimeError(f"not sent: {entries}")


def count(sqs, queue_url: str) -> int:
    found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=COUNTERS)["Attributes"]
    return sum(int(found[name]) for name in COUNTERS)


def wait(sqs, url: str, dead_url: str, dead_min: int, dead_max: int | None = None) -> None:
    """Until the queue is empty and its dead-letter queue holds that many."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    quiet = 0
    while quiet < QUIET_READS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done after {DEADLINE_SECONDS} s")
        time.sleep(0.3)
        left, dead = count(sqs, url), count(sqs, dead_url)
        done = left == 0 and dead >= dead_min and (dead_max is None or dead <= dead_max)
        quiet = quiet + 1 if done else 0


@contextlib.contextmanager
def worker(queue_url: str, *more: str):
    """A worker beside what the block does, ended by SIGTERM, and judged."""
    process = subprocess.Popen([sys.executable, str(HERE / "worker.py"), queue_url, *more])
    try:
        yield
    finally:
        process.terminate()
        exit_code = process.wait()
    if exit_code != 0:
        raise RuntimeError(f"the worker ended with {exit_code}")


def operate(action: str, *arguments: str) -> None:
    command = [sys.executable, str(HERE / "dead_letters.py"), action, *arguments]
    subprocess.run(command, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--rate", type=int, default=10, help="messages a second to redrive at most")
    parser.add_argument("--keep", action="store_true", help="leave the queues, to look at them")
    arguments = parser.parse_args()
    numbers = range(arguments.jobs)
    jobs = [f"{'job' if n % POISON_EVERY else 'poison'}-{n}" for n in numbers]
    poisons = sum(job.startswith("poison") for job in jobs)

    sqs = boto3.client("sqs")
    url, dead_url = create_queues(sqs, uuid.uuid4().hex[:8])
    print(f"queues {url} {dead_url}", flush=True)
    for first in range(0, len(jobs), BATCH):
        send(sqs, url, jobs[first : first + BATCH])
    print(f"sent {len(jobs)} jobs, {poisons} of them poison", flush=True)
    with worker(url):
        wait(sqs, url, dead_url, dead_min=poisons)
    operate("look", dead_url)
    print("the worker is mended", flush=True)
    with worker(url, "--mended"):
        operate("redrive", dead_url, "--rate", str(arguments.rate))
        wait(sqs, url, dead_url, dead_min=0, dead_max=0)
    if not arguments.keep:
        for queue_url in (url, dead_url):
            sqs.delete_queue(QueueUrl=queue_url)
    print("every job is handled, both queues are empty")
    return 0


if __name__ == "__main__":
    sys.exit(main())
