"""Stories: calls that follow from each other, told to each server alike. A step is a name and an
outcome; what a story needs of an answer it takes from the answer itself."""

import json
import time
import uuid
from collections.abc import Callable, Iterator

from squorum_tests.differential.outcome import masked, outcome_of
from squorum_tests.parity.runner import method_of

Step = tuple[str, dict]
ATTRIBUTES = {
    "text": {"DataType": "String", "StringValue": "blue"},
    "number": {"DataType": "Number.float", "StringValue": "4563442423554324324264524243.32543234"},
    "raw": {"DataType": "Binary", "BinaryValue": b"Hello binary world!"},
    "text.more": {"DataType": "String.colour", "StringValue": "green"},
}
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


class Teller:
    """Makes calls, keeps their masked outcomes as steps, and gives the answers as they are."""

    def __init__(self, sqs, story: str):
        self.sqs = sqs
        self.steps: list[Step] = []
        self._story = story
        self._run = f"story-{uuid.uuid4().hex[:12]}"
        self._queues = 0

    def __call__(self, step: str, action: str, **arguments) -> dict:
        """Calls and keeps what came of it under the step's name."""
        method = getattr(self.sqs, method_of(self.sqs, action))
        kept: dict = {}

        def call(**given):
            kept.update(method(**given))
            return dict(kept)

        self.steps.append((f"{self._story}: {step}", outcome_of(call, arguments)))
        return kept

    def quietly(self, action: str, **arguments) -> dict:
        """A call that is not compared; what fails answers nothing."""
        try:
            return getattr(self.sqs, method_of(self.sqs, action))(**arguments)
        except Exception:  # the steps that need it will differ
            return {}

    def note(self, step: str, value) -> None:
        self.steps.append((f"{self._story}: {step}", masked({"seen": value}, {})))

    def queue(self, suffix: str = "", **attributes: str) -> str:
        """A new queue, not compared."""
        name = self.name(suffix)
        created = self.quietly("CreateQueue", QueueName=name, Attributes=attributes)
        return created.get("QueueUrl", name)

    def name(self, suffix: str = "") -> str:
        self._queues += 1
        return f"{self._run}-{self._queues}{suffix}"

    def arn(self, url: str) -> str:
        found = self.quietly("GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])
        return found.get("Attributes", {}).get("QueueArn", "arn:aws:sqs:us-east-1:000000000000:x")

    def receive(self, url: str, count: int = 10, **more) -> list[dict]:
        return self.quietly(
            "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=count, WaitTimeSeconds=1, **more
        ).get("Messages", [])

    def bodies(self, step: str, url: str, count: int = 10, **more) -> list[dict]:
        messages = self.receive(url, count, **more)
        self.note(step, [message["Body"] for message in messages])
        return messages


def queues(tell: Teller) -> None:
    name = tell.name()
    url = tell("create", "CreateQueue", QueueName=name).get("QueueUrl", name)
    tell("create again", "CreateQueue", QueueName=name)
    tell("find", "GetQueueUrl", QueueName=name)
    tell("list", "ListQueues", QueueNamePrefix=name)
    tell("list none", "ListQueues", QueueNamePrefix=name + "-none")
    tell("all attributes", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    tell("no attributes", "GetQueueAttributes", QueueUrl=url)
    fifo = tell.queue(".fifo", FifoQueue="true")
    tell("all attributes of FIFO", "GetQueueAttributes", QueueUrl=fifo, AttributeNames=["All"])
    tell("bare name", "SendMessage", QueueUrl=name, MessageBody="a")
    tell("delete", "DeleteQueue", QueueUrl=url)
    tell("delete again", "DeleteQueue", QueueUrl=url)
    tell("create after delete", "CreateQueue", QueueName=name)
    pages = tell.name()
    for number in range(3):
        tell.quietly("CreateQueue", QueueName=f"{pages}-{number}")
    first = tell("page 1", "ListQueues", QueueNamePrefix=pages, MaxResults=2)
    token = first.get("NextToken", "none")
    tell("page 2", "ListQueues", QueueNamePrefix=pages, MaxResults=2, NextToken=token)


def attributes(tell: Teller) -> None:
    url = tell.queue()

    def change(step: str, **values: str) -> None:
        tell(f"set {step}", "SetQueueAttributes", QueueUrl=url, Attributes=values)
        names = list(values)
        tell(f"get {step}", "GetQueueAttributes", QueueUrl=url, AttributeNames=names)

    change("numbers", DelaySeconds="1", VisibilityTimeout="2", MaximumMessageSize="2048")
    change("policy", Policy='{"Version":"2012-10-17","Statement":[]}')
    change("no policy", Policy="")
    change("KMS", KmsMasterKeyId="alias/mine", KmsDataKeyReusePeriodSeconds="600")
    tell("SSE with KMS", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    change("no KMS", KmsMasterKeyId="", KmsDataKeyReusePeriodSeconds="300")
    tell("SSE without KMS", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    fifo = tell.queue(".fifo", FifoQueue="true", ContentBasedDeduplication="True")
    names = ["ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit", "FifoQueue"]
    tell("FIFO's own", "GetQueueAttributes", QueueUrl=fifo, AttributeNames=names)
    high = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    tell("set high throughput", "SetQueueAttributes", QueueUrl=fifo, Attributes=high)
    tell("get high throughput", "GetQueueAttributes", QueueUrl=fifo, AttributeNames=names)


def messages(tell: Teller) -> None:
    url = tell.queue()
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}}
    tell(
        "send with attributes",
        "SendMessage",
        QueueUrl=url,
        MessageBody="ü\n<&>",
        MessageAttributes=ATTRIBUTES,
        MessageSystemAttributes=trace,
    )
    for names in ([], ["All"], ["text"], ["text*"], ["text.*"], [".*"], ["none"]):
        tell(
            f"receive attributes {names}",
            "ReceiveMessage",
            QueueUrl=url,
            VisibilityTimeout=0,
            MessageAttributeNames=names,
            WaitTimeSeconds=1,
        )
    for names in (["All"], ["SenderId", "SentTimestamp"], ["AWSTraceHeader"]):
        tell(
            f"receive system attributes {names}",
            "ReceiveMessage",
            QueueUrl=url,
            VisibilityTimeout=0,
            MessageSystemAttributeNames=names,
            WaitTimeSeconds=1,
        )
    tell("purge", "PurgeQueue", QueueUrl=url)
    tell("receive nothing", "ReceiveMessage", QueueUrl=url)
    tell("send with a group", "SendMessage", QueueUrl=url, MessageBody="a", MessageGroupId="tenant")
    tell(
        "receive with a group",
        "ReceiveMessage",
        QueueUrl=url,
        AttributeNames=["All"],
        WaitTimeSeconds=1,
    )
    tell("send delayed", "SendMessage", QueueUrl=url, MessageBody="later", DelaySeconds=600)
    counters = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
    ]
    tell("counters", "GetQueueAttributes", QueueUrl=url, AttributeNames=counters)


def batches(tell: Teller) -> None:
    url = tell.queue(MaximumMessageSize="1024")
    entries = [
        {"Id": "a", "MessageBody": "a"},
        {"Id": "b", "MessageBody": "b" * 1025},
        {"Id": "c", "MessageBody": "c", "MessageAttributes": {"text": ATTRIBUTES["text"]}},
    ]
    tell("send, one too long", "SendMessageBatch", QueueUrl=url, Entries=entries)
    received = tell.receive(url)
    handles = [message["ReceiptHandle"] for message in received] + ["garbage"]
    changes = [
        {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 60}
        for n, handle in enumerate(handles)
    ]
    tell("change, one bad", "ChangeMessageVisibilityBatch", QueueUrl=url, Entries=changes)
    deletes = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(handles)]
    tell("delete, one bad", "DeleteMessageBatch", QueueUrl=url, Entries=deletes)
    tell("delete again", "DeleteMessageBatch", QueueUrl=url, Entries=deletes[:1])
    fifo = tell.queue(".fifo", FifoQueue="true")
    twice = [
        {"Id": i, "MessageBody": i, "MessageGroupId": "g", "MessageDeduplicationId": "same"}
        for i in ("a", "b")
    ]
    tell("duplicates", "SendMessageBatch", QueueUrl=fifo, Entries=twice)
    tell.bodies("one of duplicates", fifo)


def visibility(tell: Teller) -> None:
    url = tell.queue(VisibilityTimeout="30")
    tell.quietly("SendMessage", QueueUrl=url, MessageBody="a")
    first = tell.bodies("receive", url)
    handle = first[0]["ReceiptHandle"] if first else "none"
    tell.bodies("invisible", url)
    change = {"QueueUrl": url, "ReceiptHandle": handle}
    tell("return", "ChangeMessageVisibility", **change, VisibilityTimeout=0)
    again = tell.bodies("returned", url, VisibilityTimeout=1)
    time.sleep(1.5)
    for message in again[:1]:
        newest = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
        tell("change after the timeout", "ChangeMessageVisibility", **newest, VisibilityTimeout=0)
    tell("change by an earlier handle", "ChangeMessageVisibility", **change, VisibilityTimeout=0)
    tell.note("handles differ", bool(again) and again[0]["ReceiptHandle"] != handle)
    tell("delete by the earlier handle", "DeleteMessage", **change)
    tell("delete again", "DeleteMessage", **change)
    tell.bodies("gone", url)
    tell("change after delete", "ChangeMessageVisibility", **change, VisibilityTimeout=0)
    tell.quietly("SendMessage", QueueUrl=url, MessageBody="b")
    for number in (1, 2):
        names = ["ApproximateReceiveCount"]
        seen = tell.receive(url, VisibilityTimeout=0, MessageSystemAttributeNames=names)
        tell.note(f"count {number}", [message.get("Attributes") for message in seen])


def fifo(tell: Teller) -> None:
    url = tell.queue(".fifo", FifoQueue="true", ContentBasedDeduplication="true")

    def send(step: str, body: str, group: str, **more) -> dict:
        given = {"QueueUrl": url, "MessageBody": body, "MessageGroupId": group, **more}
        return tell(step, "SendMessage", **given)

    one = send("send", "a1", "a", MessageDeduplicationId="same")
    two = send("send a duplicate", "other", "b", MessageDeduplicationId="same")
    for name in ("MessageId", "SequenceNumber"):
        tell.note(f"duplicate has the same {name}", one.get(name) == two.get(name))
    for body, group in (("a2", "a"), ("b1", "b"), ("a3", "a")):
        tell.quietly("SendMessage", QueueUrl=url, MessageBody=body, MessageGroupId=group)
    first = tell.bodies("receive 2", url, 2)
    tell.bodies("other group", url)
    tell.bodies("all groups locked", url)
    for message in first[:1]:
        handle = message["ReceiptHandle"]
        tell("delete the first", "DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
    tell.bodies("still locked", url)
    for message in first[1:]:
        handle = message["ReceiptHandle"]
        tell("delete the second", "DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
    tell.bodies("unlocked", url)
    send("duplicate after delete", "a1", "a", MessageDeduplicationId="same")
    tell.bodies("duplicate stays away", url)
    tell.quietly("PurgeQueue", QueueUrl=url)
    send("duplicate after purge", "a1", "a", MessageDeduplicationId="same")
    tell.bodies("purge forgets duplicates", url)


def fifo_visibility(tell: Teller) -> None:
    url = tell.queue(".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for body in ("1", "2", "3"):
        tell.quietly("SendMessage", QueueUrl=url, MessageBody=body, MessageGroupId="g")
    taken = tell.bodies("receive", url, 3)
    for message in taken[:1]:
        handle = message["ReceiptHandle"]
        given = {"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 0}
        tell("return the first", "ChangeMessageVisibility", **given)
    expiring = tell.bodies("only the first", url, VisibilityTimeout=1)
    time.sleep(1.5)
    for message in expiring[:1]:
        handle = message["ReceiptHandle"]
        tell("delete by an expired handle", "DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
    attempts = tell.queue(".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    tell.quietly("SendMessage", QueueUrl=attempts, MessageBody="a", MessageGroupId="g")
    one = tell.receive(attempts, ReceiveRequestAttemptId="attempt")
    two = tell.bodies("receive attempt again", attempts, ReceiveRequestAttemptId="attempt")
    handles = [[m["ReceiptHandle"] for m in messages] for messages in (one, two)]
    tell.note("receive attempt has the same handles", handles[0] == handles[1])


def dead_letters(tell: Teller) -> None:
    dead = tell.queue()
    arn = tell.arn(dead)
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
    source = tell.queue(VisibilityTimeout="0", RedrivePolicy=policy)
    names = ["RedrivePolicy"]
    tell("policy is echoed", "GetQueueAttributes", QueueUrl=source, AttributeNames=names)
    tell("sources", "ListDeadLetterSourceQueues", QueueUrl=dead)
    tell.quietly(
        "SendMessage",
        QueueUrl=source,
        MessageBody="poison",
        MessageAttributes={"text": ATTRIBUTES["text"]},
    )
    tell.bodies("first receive", source)
    tell.bodies("second receive moves", source)
    tell(
        "dead letter",
        "ReceiveMessage",
        QueueUrl=dead,
        VisibilityTimeout=0,
        WaitTimeSeconds=2,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    started = tell("start a move", "StartMessageMoveTask", SourceArn=arn)
    time.sleep(2)
    tell("list moves", "ListMessageMoveTasks", SourceArn=arn)
    handle = started.get("TaskHandle", "none")
    tell("cancel a move that has ended", "CancelMessageMoveTask", TaskHandle=handle)
    names = ["ApproximateReceiveCount", "DeadLetterQueueSourceArn"]
    tell(
        "moved back",
        "ReceiveMessage",
        QueueUrl=source,
        WaitTimeSeconds=2,
        MessageSystemAttributeNames=names,
    )
    tell(
        "remove the policy",
        "SetQueueAttributes",
        QueueUrl=source,
        Attributes={"RedrivePolicy": ""},
    )
    tell("policy is gone", "GetQueueAttributes", QueueUrl=source, AttributeNames=["RedrivePolicy"])
    tell("no sources", "ListDeadLetterSourceQueues", QueueUrl=dead)
    allow = {"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})}
    tell("deny all", "SetQueueAttributes", QueueUrl=dead, Attributes=allow)
    back = {"RedrivePolicy": policy}
    tell("denied", "SetQueueAttributes", QueueUrl=source, Attributes=back)


def tags_and_permissions(tell: Teller) -> None:
    name = tell.name()
    created = tell("create with tags", "CreateQueue", QueueName=name, tags={"a": "1", "b": ""})
    url = created.get("QueueUrl") or tell.queue()
    tell("list tags", "ListQueueTags", QueueUrl=url)
    tell("tag", "TagQueue", QueueUrl=url, Tags={"a": "2", "c": "3"})
    tell("untag", "UntagQueue", QueueUrl=url, TagKeys=["b", "none"])
    tell("list tags again", "ListQueueTags", QueueUrl=url)
    many = {f"k{number}": "v" for number in range(51)}
    tell("51 tags", "TagQueue", QueueUrl=url, Tags=many)
    account = tell.arn(url).split(":")[4]
    given = {"QueueUrl": url, "AWSAccountIds": [account]}
    tell("add permission", "AddPermission", **given, Label="one", Actions=["ReceiveMessage"])
    tell("add another", "AddPermission", **given, Label="two", Actions=["SendMessage", "*"])
    found = tell.quietly("GetQueueAttributes", QueueUrl=url, AttributeNames=["Policy"])
    policy = found.get("Attributes", {}).get("Policy", "{}")
    tell.note("policy", json.loads(policy))
    tell("remove permission", "RemovePermission", QueueUrl=url, Label="one")
    tell("remove another", "RemovePermission", QueueUrl=url, Label="two")
    tell("policy is gone", "GetQueueAttributes", QueueUrl=url, AttributeNames=["Policy"])


STORIES: list[Callable[[Teller], None]] = [
    queues,
    attributes,
    messages,
    batches,
    visibility,
    fifo,
    fifo_visibility,
    dead_letters,
    tags_and_permissions,
]


def tell_all(sqs) -> Iterator[Step]:
    for story in STORIES:
        teller = Teller(sqs, story.__name__.replace("_", " "))
        story(teller)
        yield from teller.steps
