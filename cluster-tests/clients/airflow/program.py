"""What tasks of Airflow do with SQS: `program.py NAME` makes a queue by the hook, publishes by the
operator, and pokes by the sensor. Prints what it saw as one JSON object. A connection names Squorum:

export AIRFLOW_CONN_AWS_DEFAULT='{"conn_type": "aws", "login": "anything", "password": "anything",
    "extra": {"region_name": "us-east-1", "endpoint_url": "http://localhost:9324"}}'
"""

import asyncio
import json
import sys
from importlib.metadata import version

from airflow.providers.amazon.aws.hooks.sqs import SqsHook
from airflow.providers.amazon.aws.operators.sqs import SqsPublishOperator
from airflow.providers.amazon.aws.sensors.sqs import SqsSensor
from airflow.providers.amazon.aws.triggers.sqs import SqsSensorTrigger


class TaskInstance:
    """What a sensor says its result to."""

    def __init__(self):
        self.pushed = {}

    def xcom_push(self, key: str, value) -> None:
        self.pushed[key] = value


def poke(**arguments) -> list[str] | None:
    """Bodies, sorted; none when the sensor would wait on."""
    instance = TaskInstance()
    sensor = SqsSensor(task_id="sense", max_messages=10, **arguments)
    if not sensor.poke({"ti": instance}):
        return None
    return sorted(message["Body"] for message in instance.pushed["messages"])


async def triggered(url: str) -> list[str]:
    """The sensor that gives its place to others while it waits: an asynchronous client."""
    trigger = SqsSensorTrigger(sqs_queue=url, waiter_delay=1, wait_time_seconds=2)
    async for event in trigger.run():
        return sorted(message["Body"] for message in event.payload["message_batch"])
    return []


hook = SqsHook()
url = hook.create_queue(sys.argv[1], {"VisibilityTimeout": "5"})["QueueUrl"]
fifo = hook.create_queue(f"{sys.argv[1]}.fifo", {"FifoQueue": "true"})["QueueUrl"]
saw = {
    "client": f"apache-airflow-providers-amazon {version('apache-airflow-providers-amazon')}",
    "nothing": poke(sqs_queue=url),
}
attribute = {"colour": {"DataType": "String", "StringValue": "blue"}}
for size in ("small", "large"):
    publish = SqsPublishOperator(
        task_id=f"publish-{size}",
        sqs_queue=url,
        message_content=json.dumps({"size": size}),
        message_attributes=attribute,
    )
    publish.execute({})
# What does not match stays: it comes again after the visibility timeout.
saw["filtered"] = poke(
    sqs_queue=url,
    message_filtering="jsonpath",
    message_filtering_config="$.size",
    message_filtering_match_values=["small"],
)
saw["triggered"] = asyncio.run(triggered(url))
for body in ("one", "two", "one"):
    publish = SqsPublishOperator(
        task_id=f"publish-{body}",
        sqs_queue=fifo,
        message_content=body,
        message_group_id="g",
        message_deduplication_id=body,
    )
    publish.execute({})
saw["fifo"] = poke(sqs_queue=fifo)
print(json.dumps(saw))
