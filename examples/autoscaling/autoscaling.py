"""Starts and ends workers by what the queue says of itself, as KEDA's aws-sqs-queue scaler does.

export AWS_ENDPOINT_URL=http://localhost:9324
export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
python autoscaling.py
"""

import argparse
import collections
import math
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import boto3

WORKER = Path(__file__).with_name("worker.py")
VISIBILITY_TIMEOUT_SECONDS = 10
DELAY_SECONDS = 12
# KEDA's defaults, except that it asks every 30 s and has up to 100 replicas.
QUEUE_LENGTH = 5
SCALE_ON_IN_FLIGHT = True
SCALE_ON_DELAYED = False
POLL_SECONDS = 0.5
WORKERS_MIN, WORKERS_MAX = 0, 4
# Workers are ended when fewer were wanted so often in a row: 300 s is Kubernetes' stabilization.
READS_BEFORE_ENDING = 4
BATCH = 10
SEND_ATTEMPTS = 5
DEADLINE_SECONDS = 300
VISIBLE = "ApproximateNumberOfMessages"
IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"
DELAYED = "ApproximateNumberOfMessagesDelayed"


class Workers:
    def __init__(self, queue_url: str):
        self._command = [sys.executable, str(WORKER), queue_url]
        self.running: list[subprocess.Popen] = []
        self.ending: list[subprocess.Popen] = []

    def scale(self, desired: int) -> None:
        while len(self.running) < desired:
            self.running.append(subprocess.Popen(self._command))
        while len(self.running) > desired:
            self.ending.append(self.running.pop())
            self.ending[-1].terminate()

    def end(self) -> bool:
        """False if one did not end as it should. SIGTERM may come before a worker can hear it."""
        self.scale(0)
        return {worker.wait() for worker in self.ending} <= {0, -signal.SIGTERM}


def send(sqs, queue_url: str, jobs: range, delay_seconds: int = 0) -> None:
    """A batch may succeed in part: what the answer lists in `Failed` is sent again."""
    entries = [
        {"Id": str(n), "MessageBody": f"job-{n}", "DelaySeconds": delay_seconds} for n in jobs
    ]
    for attempt in range(SEND_ATTEMPTS):
        time.sleep(attempt)
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        failed = {entry["Id"] for entry in answer.get("Failed", [])}
        entries = [entry for entry in entries if entry["Id"] in failed]
        if not entries:
            return
    raise RuntimeError(f"not sent: {entries}")


def counters(sqs, queue_url: str) -> dict[str, int]:
    names = [VISIBLE, IN_FLIGHT, DELAYED]
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
    return {name: int(answer["Attributes"][name]) for name in names}


def desired(found: dict[str, int]) -> int:
    """With what is in flight: those workers are needed until they are done with it."""
    length = found[VISIBLE]
    length += found[IN_FLIGHT] if SCALE_ON_IN_FLIGHT else 0
    length += found[DELAYED] if SCALE_ON_DELAYED else 0
    return max(WORKERS_MIN, min(WORKERS_MAX, math.ceil(length / QUEUE_LENGTH)))


def control(sqs, queue_url: str, workers: Workers) -> bool:
    """Up at once, down slowly, until nothing is left and nobody works; False if that takes too long."""
    wanted = collections.deque([0], maxlen=READS_BEFORE_ENDING)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = counters(sqs, queue_url)
        wanted.append(desired(found))
        workers.scale(max(wanted))
        print(
            f"visible {found[VISIBLE]} in flight {found[IN_FLIGHT]} delayed {found[DELAYED]}:"
            f" {wanted[-1]} wanted, {len(workers.running)} running",
            flush=True,
        )
        if not any(found.values()) and not workers.running:
            return True
        time.sleep(POLL_SECONDS)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--keep", action="store_true", help="leave the queue, to look at it")
    arguments = parser.parse_args()
    sqs = boto3.client("sqs")
    queue_url = sqs.create_queue(
        QueueName=f"jobs-{uuid.uuid4().hex[:8]}",
        Attributes={"VisibilityTimeout": str(VISIBILITY_TIMEOUT_SECONDS)},
    )["QueueUrl"]
    print(f"queue {queue_url}", flush=True)
    for first in range(0, arguments.jobs, BATCH):
        # The last ones are for later: a counter of their own has them, and no worker waits for them.
        last = first + BATCH >= arguments.jobs
        jobs = range(first, min(first + BATCH, arguments.jobs))
        send(sqs, queue_url, jobs, DELAY_SECONDS if last else 0)
    workers = Workers(queue_url)
    try:
        drained = control(sqs, queue_url, workers)
    finally:
        ended_well = workers.end()
    if not arguments.keep:
        sqs.delete_queue(QueueUrl=queue_url)
    print("all right" if drained and ended_well else "wrong")
    return 0 if drained and ended_well else 1


if __name__ == "__main__":
    sys.exit(main())
