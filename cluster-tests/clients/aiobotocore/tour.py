"""What users of aiobotocore do: `tour.py NAME` uses a queue NAME and a queue NAME.fifo, and prints what
it saw as one JSON object.

export AWS_ENDPOINT_URL=http://localhost:9324
export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
"""

import asyncio
import json
import sys
import time

import aiobotocore
from aiobotocore.session import get_session
from botocore.exceptions import ClientError

BODY = 'grüße ✓ <&> "quoted"\r\nsecond line'
ATTRIBUTES = {
    "colour": {"DataType": "String", "StringValue": "blue"},
    "count": {"DataType": "Number.int", "StringValue": "3"},
    "blob": {"DataType": "Binary", "BinaryValue": bytes([0, 1, 2, 255])},
}
COUNTERS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


async def main(name: str) -> None:
    async with get_session().create_client("sqs") as sqs:
        saw = {"client": f"aiobotocore {aiobotocore.__version__}", "errors": {}}
        url = await create(sqs, name, saw)
        await send(sqs, url, saw)
        messages = await receive(sqs, url, saw)
        await change(sqs, url, messages, saw)
        await delete(sqs, url, messages, saw)
        await wait_purge_and_set(sqs, url, saw)
        fifo = await use_fifo(sqs, f"{name}.fifo", saw)
        await asyncio.gather(*(sqs.delete_queue(QueueUrl=made) for made in (url, fifo)))
        saw["errors"]["deleted"] = await code_of(sqs.get_queue_url, QueueName=name)
    print(json.dumps(saw))


async def create(sqs, name: str, saw: dict) -> str:
    asked = {"QueueName": name, "Attributes": {"VisibilityTimeout": "30"}, "tags": {"team": "a b"}}
    url = (await sqs.create_queue(**asked))["QueueUrl"]
    again = (await sqs.create_queue(**asked))["QueueUrl"]
    found = (await sqs.get_queue_url(QueueName=name))["QueueUrl"]
    listed = (await sqs.list_queues(QueueNamePrefix=name))["QueueUrls"]
    saw["urls"] = sorted({url, again, found, *listed})
    saw["tags"] = (await sqs.list_queue_tags(QueueUrl=url))["Tags"]
    saw["errors"]["missing"] = await code_of(sqs.get_queue_url, QueueName=f"{name}-missing")
    return url


async def send(sqs, url: str, saw: dict) -> None:
    """All at once, as users of asyncio do."""
    entries = [
        {"Id": "a", "MessageBody": "first of the batch"},
        {"Id": "b", "MessageBody": "second of the batch"},
        {"Id": "late", "MessageBody": "delayed too long", "DelaySeconds": 901},
    ]
    _, answer, saw["errors"]["delay"] = await asyncio.gather(
        sqs.send_message(QueueUrl=url, MessageBody=BODY, MessageAttributes=ATTRIBUTES),
        sqs.send_message_batch(QueueUrl=url, Entries=entries),
        code_of(sqs.send_message, QueueUrl=url, MessageBody="x", DelaySeconds=901),
    )
    saw["sent"] = sorted(entry["Id"] for entry in answer["Successful"])
    saw["not_sent"] = {entry["Id"]: entry["Code"] for entry in answer["Failed"]}
    saw["counters"] = await counters(sqs, url)


async def receive(sqs, url: str, saw: dict) -> list[dict]:
    messages = []
    deadline = time.monotonic() + 20
    while len(messages) < 3 and time.monotonic() < deadline:
        answer = await sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=5,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages += answer.get("Messages", [])
    saw["received"] = {m["Body"]: attributes_of(m) for m in messages}
    saw["counters_received"] = await counters(sqs, url)
    messages.sort(key=lambda message: message["Body"])
    return messages


async def change(sqs, url: str, messages: list[dict], saw: dict) -> None:
    """A long poll that waits is given the message as soon as it is visible."""
    first, *others = messages
    waiting = asyncio.create_task(
        sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, AttributeNames=["All"])
    )
    handle = first["ReceiptHandle"]
    await sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    (messages[0],) = (await asyncio.wait_for(waiting, 10))["Messages"]
    saw["received_again"] = messages[0]["MessageId"] == first["MessageId"]
    saw["receive_count"] = messages[0]["Attributes"]["ApproximateReceiveCount"]
    entries = [{**entry, "VisibilityTimeout": 60} for entry in entries_of(others)]
    answer = await sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    saw["changed"] = sorted(entry["Id"] for entry in answer["Successful"])


async def delete(sqs, url: str, messages: list[dict], saw: dict) -> None:
    first, *others = messages
    await sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    entries = [*entries_of(others), {"Id": "bad", "ReceiptHandle": "garbage"}]
    answer = await sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    saw["deleted"] = sorted(entry["Id"] for entry in answer["Successful"])
    saw["not_deleted"] = {entry["Id"]: entry["Code"] for entry in answer["Failed"]}
    garbage = {"QueueUrl": url, "ReceiptHandle": "garbage"}
    saw["errors"]["handle"] = await code_of(sqs.delete_message, **garbage)


async def wait_purge_and_set(sqs, url: str, saw: dict) -> None:
    started = time.monotonic()
    answer = await sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    saw["left"] = len(answer.get("Messages", []))
    saw["waited"] = time.monotonic() - started >= 1
    await sqs.send_message(QueueUrl=url, MessageBody="purged")
    await sqs.purge_queue(QueueUrl=url)
    saw["counters_purged"] = await counters(sqs, url)
    await sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "45"})
    answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    saw["attributes"] = answer["Attributes"]


async def use_fifo(sqs, name: str, saw: dict) -> str:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = (await sqs.create_queue(QueueName=name, Attributes=attributes))["QueueUrl"]
    sent = []
    for group, body in (("x", "one"), ("y", "other"), ("x", "two"), ("x", "one")):
        sent.append(await sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group))
    numbers = [int(answer["SequenceNumber"]) for answer in sent[:3]]
    saw["fifo_rising"] = numbers == sorted(set(numbers))
    saw["fifo_duplicate"] = sent[3]["MessageId"] == sent[0]["MessageId"]
    groups, messages = {}, []
    while len(messages) < 3:
        answer = await sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5, AttributeNames=["All"]
        )
        for message in answer["Messages"]:
            groups.setdefault(message["Attributes"]["MessageGroupId"], []).append(message["Body"])
        messages += answer["Messages"]
    saw["fifo"] = groups
    answer = await sqs.delete_message_batch(QueueUrl=url, Entries=entries_of(messages))
    saw["fifo_deleted"] = len(answer["Successful"])
    return url


async def counters(sqs, url: str) -> list[str]:
    """Visible, in flight, delayed."""
    answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTERS))
    return [answer["Attributes"][name] for name in COUNTERS]


def attributes_of(message: dict) -> dict:
    """Type and value by name; bytes as hexadecimal text."""
    found = {}
    for name, value in message.get("MessageAttributes", {}).items():
        content = value["StringValue"] if "StringValue" in value else value["BinaryValue"].hex()
        found[name] = [value["DataType"], content]
    return found


def entries_of(messages: list[dict]) -> list[dict]:
    return [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
        for number, message in enumerate(messages)
    ]


async def code_of(action, **parameters) -> str:
    try:
        await action(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "no error"


asyncio.run(main(sys.argv[1]))
