"""What users of the AWS CLI do: `tour.py NAME AWS…` uses a queue NAME and a queue NAME.fifo, calls the
CLI by the command line AWS…, and prints what it saw as one JSON object.

export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
python3 tour.py NAME aws --endpoint-url http://localhost:9324
"""

import base64
import json
import re
import subprocess
import sys
import tempfile
import time

BODY = 'grüße ✓ <&> "quoted"\r\nsecond line'
BLOB = bytes([0, 1, 2, 255])
COUNTERS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class Cli:
    """Calls `aws sqs …`. A call that fails prints "An error occurred (CODE) when calling …"."""

    def __init__(self, *command: str):
        self._command = command
        self.version = subprocess.run(
            [*command, "--version"], check=True, capture_output=True, text=True
        ).stdout.split()[0]

    def call(self, *arguments: str) -> dict:
        done = self._run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout or "{}")

    def code_of(self, *arguments: str) -> str:
        done = self._run(*arguments)
        code = re.search(r"An error occurred \(([^)]+)\)", done.stderr)
        return code[1] if done.returncode != 0 and code else f"{done.returncode}: {done.stderr}"

    def _run(self, *arguments: str) -> subprocess.CompletedProcess:
        command = [*self._command, "sqs", "--output", "json", *arguments]
        return subprocess.run(command, capture_output=True, text=True)


def main(name: str, *command: str) -> None:
    aws = Cli(*command)
    saw = {"client": aws.version, "errors": {}}
    url = create(aws, name, saw)
    send(aws, url, saw)
    messages = receive(aws, url, saw)
    change(aws, url, messages, saw)
    delete(aws, url, messages, saw)
    wait_purge_and_set(aws, url, saw)
    fifo = use_fifo(aws, f"{name}.fifo", saw)
    for created in (url, fifo):
        aws.call("delete-queue", "--queue-url", created)
    saw["errors"]["deleted"] = aws.code_of("get-queue-url", "--queue-name", name)
    print(json.dumps(saw))


def create(aws: Cli, name: str, saw: dict) -> str:
    asked = ("create-queue", "--queue-name", name, "--attributes", "VisibilityTimeout=30")
    url = aws.call(*asked, "--tags", "team=a b")["QueueUrl"]
    again = aws.call(*asked, "--tags", "team=a b")["QueueUrl"]
    found = aws.call("get-queue-url", "--queue-name", name)["QueueUrl"]
    listed = aws.call("list-queues", "--queue-name-prefix", name)["QueueUrls"]
    saw["urls"] = sorted({url, again, found, *listed})
    saw["tags"] = aws.call("list-queue-tags", "--queue-url", url)["Tags"]
    saw["errors"]["missing"] = aws.code_of("get-queue-url", "--queue-name", f"{name}-missing")
    return url


def send(aws: Cli, url: str, saw: dict) -> None:
    with tempfile.NamedTemporaryFile() as blob:
        blob.write(BLOB)
        blob.flush()
        # Version 2 takes bytes as base64, version 1 from a file.
        binary = "BinaryValue=AAEC/w=="
        if aws.version.startswith("aws-cli/1"):
            binary = f"BinaryValue@=fileb://{blob.name}"
        attributes = (
            "colour={DataType=String,StringValue=blue},"
            "count={DataType=Number.int,StringValue=3},"
            f"blob={{DataType=Binary,{binary}}}"
        )
        message = ("--message-body", BODY, "--message-attributes", attributes)
        aws.call("send-message", "--queue-url", url, *message)
    entries = (
        "Id=a,MessageBody=first of the batch",
        "Id=b,MessageBody=second of the batch",
        "Id=late,MessageBody=delayed too long,DelaySeconds=901",
    )
    answer = aws.call("send-message-batch", "--queue-url", url, "--entries", *entries)
    saw["sent"] = sorted(entry["Id"] for entry in answer["Successful"])
    saw["not_sent"] = {entry["Id"]: entry["Code"] for entry in answer["Failed"]}
    late = ("--message-body", "x", "--delay-seconds", "901")
    saw["errors"]["delay"] = aws.code_of("send-message", "--queue-url", url, *late)
    saw["counters"] = counters(aws, url)


def receive(aws: Cli, url: str, saw: dict) -> list[dict]:
    messages = []
    deadline = time.monotonic() + 30
    while len(messages) < 3 and time.monotonic() < deadline:
        messages += long_poll(aws, url, "--message-attribute-names", "All")
    saw["received"] = {m["Body"]: attributes_of(m) for m in messages}
    saw["counters_received"] = counters(aws, url)
    messages.sort(key=lambda message: message["Body"])
    return messages


def change(aws: Cli, url: str, messages: list[dict], saw: dict) -> None:
    first, *others = messages
    at_once = ("--receipt-handle", first["ReceiptHandle"], "--visibility-timeout", "0")
    aws.call("change-message-visibility", "--queue-url", url, *at_once)
    (messages[0],) = long_poll(aws, url)
    saw["received_again"] = messages[0]["MessageId"] == first["MessageId"]
    saw["receive_count"] = messages[0]["Attributes"]["ApproximateReceiveCount"]
    entries = [f"{entry},VisibilityTimeout=60" for entry in entries_of(others)]
    batch = ("change-message-visibility-batch", "--queue-url", url, "--entries", *entries)
    saw["changed"] = sorted(entry["Id"] for entry in aws.call(*batch)["Successful"])


def delete(aws: Cli, url: str, messages: list[dict], saw: dict) -> None:
    first, *others = messages
    delete_one = ("delete-message", "--queue-url", url, "--receipt-handle")
    aws.call(*delete_one, first["ReceiptHandle"])
    entries = [*entries_of(others), "Id=bad,ReceiptHandle=garbage"]
    answer = aws.call("delete-message-batch", "--queue-url", url, "--entries", *entries)
    saw["deleted"] = sorted(entry["Id"] for entry in answer["Successful"])
    saw["not_deleted"] = {entry["Id"]: entry["Code"] for entry in answer["Failed"]}
    saw["errors"]["handle"] = aws.code_of(*delete_one, "garbage")


def wait_purge_and_set(aws: Cli, url: str, saw: dict) -> None:
    started = time.monotonic()
    answer = aws.call("receive-message", "--queue-url", url, "--wait-time-seconds", "2")
    saw["left"] = len(answer.get("Messages", []))
    saw["waited"] = time.monotonic() - started >= 2
    aws.call("send-message", "--queue-url", url, "--message-body", "purged")
    aws.call("purge-queue", "--queue-url", url)
    saw["counters_purged"] = counters(aws, url)
    changed = ("--attributes", "VisibilityTimeout=45")
    aws.call("set-queue-attributes", "--queue-url", url, *changed)
    asked = ("--attribute-names", "VisibilityTimeout")
    answer = aws.call("get-queue-attributes", "--queue-url", url, *asked)
    saw["attributes"] = answer["Attributes"]


def use_fifo(aws: Cli, name: str, saw: dict) -> str:
    attributes = ("--attributes", "FifoQueue=true,ContentBasedDeduplication=true")
    url = aws.call("create-queue", "--queue-name", name, *attributes)["QueueUrl"]
    sent = []
    for group, body in (("x", "one"), ("y", "other"), ("x", "two"), ("x", "one")):
        message = ("--message-body", body, "--message-group-id", group)
        sent.append(aws.call("send-message", "--queue-url", url, *message))
    numbers = [int(answer["SequenceNumber"]) for answer in sent[:3]]
    saw["fifo_rising"] = numbers == sorted(set(numbers))
    saw["fifo_duplicate"] = sent[3]["MessageId"] == sent[0]["MessageId"]
    groups, messages = {}, []
    while len(messages) < 3:
        came = long_poll(aws, url)
        for message in came:
            groups.setdefault(message["Attributes"]["MessageGroupId"], []).append(message["Body"])
        messages += came
    saw["fifo"] = groups
    entries = entries_of(messages)
    answer = aws.call("delete-message-batch", "--queue-url", url, "--entries", *entries)
    saw["fifo_deleted"] = len(answer["Successful"])
    return url


def long_poll(aws: Cli, url: str, *more: str) -> list[dict]:
    asked = ("--max-number-of-messages", "10", "--wait-time-seconds", "5")
    attributes = ("--attribute-names", "All", *more)
    return aws.call("receive-message", "--queue-url", url, *asked, *attributes)["Messages"]


def counters(aws: Cli, url: str) -> list[str]:
    """Visible, in flight, delayed."""
    asked = ("--attribute-names", *COUNTERS)
    answer = aws.call("get-queue-attributes", "--queue-url", url, *asked)
    return [answer["Attributes"][name] for name in COUNTERS]


def attributes_of(message: dict) -> dict:
    """Type and value by name; bytes, which the CLI prints as base64, as hexadecimal text."""
    found = {}
    for name, value in message.get("MessageAttributes", {}).items():
        content = value.get("StringValue")
        if content is None:
            content = base64.b64decode(value["BinaryValue"]).hex()
        found[name] = [value["DataType"], content]
    return found


def entries_of(messages: list[dict]) -> list[str]:
    return [
        f"Id={number},ReceiptHandle={message['ReceiptHandle']}"
        for number, message in enumerate(messages)
    ]


main(*sys.argv[1:])
