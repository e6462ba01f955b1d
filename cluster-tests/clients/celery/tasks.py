"""Tasks of a Celery application whose broker is Squorum. Only the broker's URL names it:

export BROKER_URL=sqs://anything:anything@localhost:9324
celery --app tasks worker
"""

import os
import time

from celery import Celery

app = Celery("tasks", broker=os.environ["BROKER_URL"])
app.conf.update(
    # Results are not Squorum's: a file a task.
    result_backend=f"file://{os.environ['RESULTS']}",
    task_default_queue=os.environ["QUEUE"],
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    broker_transport_options={
        "region": "us-east-1",
        "is_secure": False,
        "visibility_timeout": 30,
        "wait_time_seconds": 5,
        "polling_interval": 0.1,
    },
)


@app.task
def add(one: int, other: int) -> int:
    return one + other


@app.task(bind=True, max_retries=3)
def succeed_at_third(self) -> int:
    """Celery sends the task again, with a time before which no worker begins it."""
    if self.request.retries < 2:
        raise self.retry(countdown=1)
    return self.request.retries


@app.task
def note(path: str, line: str, seconds: float = 0.0) -> None:
    """Appends a line to a file: one write, so that workers do not mix theirs."""
    time.sleep(seconds)
    with open(path, "a") as file:
        file.write(f"{line}\n")
