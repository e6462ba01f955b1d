"""A queue as a test sees it: boto3's calls without the repetition, and errors as facts."""

import contextlib
import hashlib

import pytest
from botocore.exceptions import ClientError


class Queue:
    def __init__(self, sqs, url: str):
        self.sqs = sqs
        self.url = url

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[1]

    def send(self, body: str = "body", group: str | None = None, id: str | None = None, **more):
        """`group` and `id` are MessageGroupId and MessageDeduplicationId."""
        if group is not None:
            more["MessageGroupId"] = group
        if id is not None:
            more["MessageDeduplicationId"] = id
        return self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)

    def send_batch(self, entries: list[dict]):
        return self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)

    def receive(self, maximum: int = 10, wait: int = 0, **more) -> list[dict]:
        """A short poll for up to ten messages with all attributes, if not told otherwise."""
        more.setdefault("MessageSystemAttributeNames", ["All"])
        more.setdefault("MessageAttributeNames", ["All"])
        answer = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=maximum, WaitTimeSeconds=wait, **more
        )
        return answer.get("Messages", [])

    def receive_one(self, wait: int = 5, **more) -> dict:
        messages = self.receive(maximum=1, wait=wait, **more)
        assert len(messages) == 1, "no message came"
        return messages[0]

    def bodies(self, maximum: int = 10, wait: int = 0, **more) -> list[str]:
        return [message["Body"] for message in self.receive(maximum, wait, **more)]

    def all_bodies(self, wait: int = 1) -> list[str]:
        """Receives until nothing comes: one answer need not hold what several partitions have."""
        found: list[str] = []
        while bodies := self.bodies(wait=wait):
            found += bodies
        return found

    def delete(self, message: dict):
        return self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def change(self, message: dict, seconds: int):
        return self.sqs.change_message_visibility(
            QueueUrl=self.url,
            ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=seconds,
        )

    def attributes(self, *names: str) -> dict[str, str]:
        answer = self.sqs.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=list(names or ("All",))
        )
        return answer.get("Attributes", {})

    def set(self, **attributes):
        texts = {name: str(value) for name, value in attributes.items()}
        return self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes=texts)

    def counters(self) -> tuple[int, int, int]:
        """Visible, in flight, delayed."""
        found = self.attributes("All")
        return (
            int(found["ApproximateNumberOfMessages"]),
            int(found["ApproximateNumberOfMessagesNotVisible"]),
            int(found["ApproximateNumberOfMessagesDelayed"]),
        )

    def purge(self):
        return self.sqs.purge_queue(QueueUrl=self.url)

    def delete_queue(self):
        return self.sqs.delete_queue(QueueUrl=self.url)


@contextlib.contextmanager
def refused(code: str, message: str | None = None, status: int = 400, shape: str | None = None):
    """The block's call is answered with this error. `code` is that of the Query protocol, which boto3
    shows for both, `shape` the error's shape, which JSON alone tells, `message` the whole text or,
    ending in "…", its start, or between two "…", a part."""
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    error = answer["Error"]
    assert error["Code"] == code, error
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, error
    assert error["Type"] == "Sender", error
    if shape is not None and not is_xml(answer):
        assert error["QueryErrorCode"] == shape, error
    if message is not None and message.startswith("…"):
        assert message.strip("…") in error["Message"], error
    elif message is not None and message.endswith("…"):
        assert error["Message"].startswith(message[:-1]), error
    elif message is not None:
        assert error["Message"] == message


def is_xml(answer: dict) -> bool:
    """Whether a call was answered over the Query protocol."""
    return answer["ResponseMetadata"]["HTTPHeaders"]["content-type"].startswith("text/xml")


def md5(text: str | bytes) -> str:
    return hashlib.md5(text.encode() if isinstance(text, str) else text).hexdigest()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
