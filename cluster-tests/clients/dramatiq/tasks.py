"""Actors of a Dramatiq application whose broker is Squorum. Only boto3's settings name it:

export AWS_ENDPOINT_URL=http://localhost:9324
export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
dramatiq tasks
"""

import os
from pathlib import Path

import dramatiq
from dramatiq.middleware import Retries, ShutdownNotifications
from dramatiq_sqs import SQSBroker

# Retries are new messages, which dramatiq delays by whole seconds.
broker = SQSBroker(
    namespace=os.environ["NAMESPACE"],
    dead_letter=True,
    middleware=[
        Retries(min_backoff=1000, max_backoff=1000, max_retries=2),
        ShutdownNotifications(),
    ],
)
dramatiq.set_broker(broker)
NOTES = Path(os.environ["NOTES"])


@dramatiq.actor
def note(line: str) -> None:
    with NOTES.open("a") as file:
        file.write(f"{line}\n")


@dramatiq.actor
def fail_at_first(line: str) -> None:
    tries = NOTES.with_name(f"{line}-tries")
    with tries.open("a") as file:
        file.write("x")
    if len(tries.read_text()) < 2:
        raise RuntimeError("fails at first")
    note.fn(line)


@dramatiq.actor
def fail_always() -> None:
    raise RuntimeError("fails always")
