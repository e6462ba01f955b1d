"""What an operator does with a dead-letter queue: look at it, and redrive it once the fault is mended.

Looking takes nothing away: what was received for it is given back. Redriving sends every message to
the queue that it came from, where its attempts are counted anew.
"""

import argparse
import sys
import time

import boto3
from botocore.exceptions import ClientError

LOOK_SECONDS = 10
WAIT_SECONDS = 2
BATCH = 10
DEADLINE_SECONDS = 300
OLDER_TASKS_MAX = 10


def within_deadline():
    """The rounds of a loop that must come to an end."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        yield
    raise TimeoutError(f"not done after {DEADLINE_SECONDS} s")


def attribute(sqs, queue_url: str, name: str) -> str:
    found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
    return found["Attributes"][name]


def look(sqs, queue_url: str) -> None:
    held = int(attribute(sqs, queue_url, "ApproximateNumberOfMessages"))
    print(f"the dead-letter queue holds {held}", flush=True)
    seen: dict[str, str] = {}
    for _ in within_deadline():
        if len(seen) >= held:
            break
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=BATCH,
            VisibilityTimeout=LOOK_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["DeadLetterQueueSourceArn"],
        )
        for message in answer.get("Messages", []):
            source = message["Attributes"]["DeadLetterQueueSourceArn"]
            if message["MessageId"] not in seen:
                print(f"dead {message['MessageId']} {message['Body']} of {source}", flush=True)
            seen[message["MessageId"]] = message["ReceiptHandle"]
    give_back(sqs, queue_url, list(seen.values()))


def give_back(sqs, queue_url: str, handles: list[str]) -> None:
    """An entry that fails is one whose visibility timeout is over: it is back already."""
    for first in range(0, len(handles), BATCH):
        entries = [
            {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 0}
            for n, handle in enumerate(handles[first : first + BATCH])
        ]
        sqs.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)


def redrive(sqs, queue_url: str, rate: dict) -> bool:
    """True when all were moved."""
    arn = attribute(sqs, queue_url, "QueueArn")
    try:
        sqs.start_message_move_task(SourceArn=arn, **rate)
    except ClientError as error:
        # SDKs repeat a call whose answer was lost. Then the task runs, and a second one is refused.
        (newest,) = sqs.list_message_move_tasks(SourceArn=arn)["Results"] or [{"Status": "NONE"}]
        if newest["Status"] != "RUNNING":
            raise
        print(f"goes on with the task that runs: {error}", flush=True)
    for _ in within_deadline():
        tasks = sqs.list_message_move_tasks(SourceArn=arn, MaxResults=OLDER_TASKS_MAX)["Results"]
        if all(task["Status"] != "RUNNING" for task in tasks):
            break
        time.sleep(0.5)
    moved = sum(task["ApproximateNumberOfMessagesMoved"] for task in tasks)
    print(f"move task {tasks[0]['Status']}, moved {moved}", flush=True)
    return tasks[0]["Status"] == "COMPLETED"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["look", "redrive"])
    parser.add_argument("queue_url")
    parser.add_argument("--rate", type=int, help="messages a second to redrive at most")
    arguments = parser.parse_args()
    sqs = boto3.client("sqs")
    if arguments.action == "look":
        look(sqs, arguments.queue_url)
        return 0
    rate = {"MaxNumberOfMessagesPerSecond": arguments.rate} if arguments.rate else {}
    return 0 if redrive(sqs, arguments.queue_url, rate) else 1


if __name__ == "__main__":
    sys.exit(main())
