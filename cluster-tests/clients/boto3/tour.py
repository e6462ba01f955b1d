"""What users of boto3 do: `tour.py NAME` uses a queue NAME and a queue NAME.fifo, and prints what it
saw as one JSON object.

export AWS_ENDPOINT_URL=http://localhost:9324
export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
"""

import json
import os
import sys
import time

import boto3
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


def main(name: str) -> None:
    # boto3 reads AWS_ENDPOINT_URL itself since 1.28; Debian 12 has 1.26.
    sqs = boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    saw = {"client": f"boto3 {boto3.__version__}", "errors": {}}
    url = create(sqs, name, saw)
    send(sqs, url, saw)
    messages = receive(sqs, url, saw)
    change(sqs, url, messages, saw)
    delete(sqs, url, messages, saw)
    wait_purge_and_set(sqs, url, saw)
    fifo = use_fifo(sqs, f"{name}.fifo", saw)
    for created in (url, fifo):
        sqs.delete_queue(QueueUrl=created)
    saw["errors"]["deleted"] = code_of(sqs.get_queue_url, QueueName=name)
    print(json.dumps(saw))


def create(sqs, name: str, saw: dict) -> str:
    asked = {"QueueName": name, "Attributes": {"VisibilityTimeout": "30"}, "tags": {"team": "a b"}}
    url = sqs.create_queue(**asked)["QueueUrl"]
    again = sqs.create_queue(**asked)["QueueUrl"]
    found = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    listed = sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]
    saw["urls"] = sorted({url, again, found, *listed})
    saw["tags"] = sqs.list_queue_tags(QueueUrl=url)["Tags"]
    saw["errors"]["missing"] = code_of(sqs.get_queue_url, QueueName=f"{name}-missing")
    return url


def send(sqs, url: str, saw: dict) -> None:
    """boto3 itself compares the MD5 of what was sent with that of the answer."""
    sqs.send_message(QueueUrl=url, MessageBody=BODY, MessageAttributes=ATTRIBUTES)
    entries = [
        {"Id": "a", "MessageBody": "first of the batch"},
        {"Id": "b", "MessageBody": "second of the batch"},
        {"Id": "late", "MessageBody": "delayed too long", "DelaySeconds": 901},
    ]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    saw["sent"] = sorted(entry["Id"] for entry in answer["Successful"])
    saw["not_sent"] = {entry["Id"]: entry["Code"] for entry in answer["Failed"]}
    saw["errors"]["delay"] = code_of(
        sqs.send_message, QueueUrl=url, MessageBody="x", DelaySeconds=901
    )
    saw["counters"] = counters(sqs, url)


def receive(sqs, url: str, saw: dict) -> list[dict]:
    """Long polls until all three are there: one answer need not hold all that the queue has."""
    messages = []
    deadline = time.monotonic() + 20
    while len(messages) < 3 and time.monotonic() < deadline:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=5,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages += answer.get("Messages", [])
    saw["received"] = {m["Body"]: attributes_of(m) for m in messages}
    saw["counters_received"] = counters(sqs, url)
    messages.sort(key=lambda message: message["Body"])
    return messages


def change(sqs, url: str, messages: list[dict], saw: dict) -> None:
    first, *others = messages
    handle = first["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, AttributeNames=["All"])
    (messages[0],) = answer["Messages"]
    saw["received_again"] = messages[0]["MessageId"] == first["MessageId"]
    saw["receive_count"] = messages[0]["Attributes"]["ApproximateReceiveCount"]
    entries = [{**entry, "VisibilityTimeout": 60} for entry in entries_of(others)]
    answer = sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    saw["changed"] = sorted(entry["Id"] for entry in answer["Successful"])


def delete(sqs, url: str, messages: list[dict], saw: dict) -> None:
    first, *others = messages
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    entries = [*entries_of(others), {"Id": "bad", "ReceiptHandle": "garbage"}]
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    saw["deleted"] = sorted(entry["Id"] for entry in answer["Successful"])
    saw["not_deleted"] = {entry["Id"]: entry["Code"] for entry in answer["Failed"]}
    saw["errors"]["handle"] = code_of(sqs.delete_message, QueueUrl=url, ReceiptHandle="garbage")


def wait_purge_and_set(sqs, url: str, saw: dict) -> None:
    started = time.monotonic()
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    saw["left"] = len(answer.get("Messages", []))
    saw["waited"] = time.monotonic() - started >= 1
    sqs.send_message(QueueUrl=url, MessageBody="purged")
    sqs.purge_queue(QueueUrl=url)
    saw["counters_purged"] = counters(sqs, url)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "45"})
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    saw["attributes"] = answer["Attributes"]


def use_fifo(sqs, name: str, saw: dict) -> str:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    sent = []
    for group, body in (("x", "one"), ("y", "other"), ("x", "two"), ("x", "one")):
        sent.append(sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group))
    numbers = [int(answer["SequenceNumber"]) for answer in sent[:3]]
    saw["fifo_rising"] = numbers == sorted(set(numbers))
    saw["fifo_duplicate"] = sent[3]["MessageId"] == sent[0]["MessageId"]
    groups, messages = {}, []
    while len(messages) < 3:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5, AttributeNames=["All"]
        )
        for message in answer["Messages"]:
            groups.setdefault(message["Attributes"]["MessageGroupId"], []).append(message["Body"])
        messages += answer["Messages"]
    saw["fifo"] = groups
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries_of(messages))
    saw["fifo_deleted"] = len(answer["Successful"])
    return url


def counters(sqs, url: str) -> list[str]:
    """Visible, in flight, delayed."""
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTERS))
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


def code_of(action, **parameters) -> str:
    try:
        action(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "no error"


main(sys.argv[1])
