"""Tasks of a TaskIQ application whose broker is Squorum. Only the endpoint names it; the queue is there
before the application:

export AWS_ENDPOINT_URL=http://localhost:9324
taskiq worker tasks:broker
"""

import asyncio
import os
from pathlib import Path

from taskiq_aio_sqs import SQSBroker

NOTES = Path(os.environ["NOTES"])

broker = SQSBroker(
    os.environ["QUEUE"],
    endpoint_url=os.environ["AWS_ENDPOINT_URL"],
    region_name="us-east-1",
    aws_access_key_id="anything",
    aws_secret_access_key="anything",
    wait_time_seconds=2,
    max_number_of_messages=10,
    visibility_timeout=3,
    # Extends the visibility of a message as long as its task runs.
    enable_heartbeat=True,
    heartbeat_interval=1,
    # The task's name as the group of a message in a standard queue.
    is_fair_queue=not os.environ["QUEUE"].endswith(".fifo"),
    use_task_id_for_deduplication=True,
)


@broker.task
async def note(line: str, seconds: float = 0.0) -> None:
    await asyncio.sleep(seconds)
    with NOTES.open("a") as file:
        file.write(f"{line}\n")
