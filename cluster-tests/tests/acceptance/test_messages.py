"""Messages: bodies, sizes, attributes, digests, system attributes."""

import re
import time
import uuid

import pytest

from squorum_tests.queue import md5, refused

MIB = 1_048_576
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
# Digests that AWS gave, or that its SDKs' tests state.
STRING = {"attribName1": {"DataType": "String", "StringValue": "attribValue 1"}}
NUMBER = {
    "customNumberTypeAttrib": {
        "DataType": "Number.float",
        "StringValue": "4563442423554324324264524243.32543234",
    }
}
BINARY = {"binaryAttribute": {"DataType": "Binary", "BinaryValue": b"Hello binary world!"}}
TIMESTAMP = {"timestamp": {"DataType": "Number", "StringValue": "1493147359900"}}


@pytest.mark.fact("message.body-md5", "message.id")
def test_send_answer(queue):
    answer = queue().send("hällo")
    assert answer["MD5OfMessageBody"] == md5("hällo")
    assert str(uuid.UUID(answer["MessageId"])) == answer["MessageId"]
    assert "SequenceNumber" not in answer
    assert "MD5OfMessageAttributes" not in answer
    assert "MD5OfMessageSystemAttributes" not in answer


@pytest.mark.fact(
    "json.absent-not-empty",
    "message.attribute-filter",
    "message.system-names",
    "message.body-md5",
)
def test_receive_answer(queue, sqs):
    """Nothing that was not asked for, and no Messages when there is none."""
    made = queue()
    assert "Messages" not in sqs.receive_message(QueueUrl=made.url)
    sent = made.send("a", MessageAttributes=STRING)
    (message,) = sqs.receive_message(QueueUrl=made.url)["Messages"]
    assert message.keys() == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfBody"] == md5("a")


@pytest.mark.fact("message.body-md5", "limit.characters", "query.carriage-return")
@pytest.mark.parametrize(
    "body",
    [
        " ",
        "\n",
        "\t\r\n",
        '"\\/\b'.replace("\b", ""),
        "ü€😀",
        "\u2028\u2029",
        "<&>'\"",
        "\\u0041",
        "x" * 10_000,
    ],
    ids=ascii,
)
def test_bodies_come_back_as_they_were(queue, body):
    made = queue()
    assert made.send(body)["MD5OfMessageBody"] == md5(body)
    assert made.receive_one()["Body"] == body


@pytest.mark.fact("limit.message-size", "wire.missing-parameter")
def test_empty_body_is_refused(queue):
    """One byte at least."""
    with refused("MissingParameter", "The request must contain the parameter MessageBody."):
        queue().send("")


@pytest.mark.fact("limit.message-size", "error.message-too-long")
def test_largest_message(queue):
    """1 MiB is allowed, one byte more is not."""
    made = queue()
    made.send("x" * MIB)
    assert len(made.receive_one()["Body"]) == MIB
    with refused(
        "InvalidParameterValue",
        "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
    ):
        made.send("x" * (MIB + 1))


@pytest.mark.fact("limit.message-size", "error.message-too-long", "message.system-attribute-md5")
def test_size_counts_bytes_of_body_and_attributes(queue):
    """UTF-8 bytes; names, types and values; not system attributes."""
    made = queue(MaximumMessageSize=1024)
    made.send("ü" * 512)
    text = "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    with refused("InvalidParameterValue", text):
        made.send("ü" * 512 + "x")
    attributes = {"name": {"DataType": "String", "StringValue": "value"}}
    rest = 1024 - len("name") - len("String") - len("value")
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}}
    made.send("x" * rest, MessageAttributes=attributes, MessageSystemAttributes=trace)
    with refused("InvalidParameterValue", text):
        made.send("x" * (rest + 1), MessageAttributes=attributes)


@pytest.mark.fact("message.attribute-md5")
@pytest.mark.parametrize(
    ("attributes", "digest"),
    [
        (STRING, "19e27d4e946b072f3f58da80d94fd778"),
        (NUMBER, "9fe1b90bbd9965bdf77bac517c7d2495"),
        (BINARY, "31a92b15d92f8db860eda32aceb656c3"),
        ({**STRING, **NUMBER, **BINARY}, "c932db14a896c663f83c260297d594ff"),
        (TIMESTAMP, "235c5c510d26fb653d073faed50ae77c"),
    ],
    ids=["string", "custom number", "binary", "three", "number"],
)
def test_attribute_digests(queue, attributes, digest):
    """On send and on receive; values come back as they were."""
    made = queue()
    assert made.send(MessageAttributes=attributes)["MD5OfMessageAttributes"] == digest
    message = made.receive_one()
    assert message["MD5OfMessageAttributes"] == digest
    assert message["MessageAttributes"] == attributes


@pytest.mark.fact("message.system-attribute-md5", "message.trace-header")
def test_trace_header_has_a_digest_of_its_own(queue):
    made = queue()
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}}
    answer = made.send(MessageAttributes=STRING, MessageSystemAttributes=trace)
    assert answer["MD5OfMessageSystemAttributes"] == "5ae4d5d7636402d80f4eb6d213245a88"
    assert answer["MD5OfMessageAttributes"] == "19e27d4e946b072f3f58da80d94fd778"
    message = made.receive_one()
    assert message["Attributes"]["AWSTraceHeader"] == TRACE
    assert "MD5OfMessageSystemAttributes" not in message


@pytest.mark.fact("message.attribute-filter", "message.filtered-md5")
@pytest.mark.parametrize(
    ("asked", "returned"),
    [
        ([], set()),
        (["All"], {"a.b", "a.c", "d"}),
        ([".*"], {"a.b", "a.c", "d"}),
        (["d"], {"d"}),
        (["a.*"], {"a.b", "a.c"}),
        (["a*"], {"a.b", "a.c"}),
        (["d", "a.b"], {"d", "a.b"}),
        (["nothing"], set()),
    ],
    ids=str,
)
def test_attribute_filter(queue, asked, returned):
    """The digest is over what is returned, and absent when nothing is."""
    made = queue()
    attributes = {n: {"DataType": "String", "StringValue": n} for n in ("a.b", "a.c", "d")}
    made.send(MessageAttributes=attributes)
    message = made.receive_one(MessageAttributeNames=asked)
    assert message.get("MessageAttributes", {}).keys() == returned
    assert ("MD5OfMessageAttributes" in message) == bool(returned)
    if returned == attributes.keys():
        full = message["MD5OfMessageAttributes"]
        assert re.fullmatch("[0-9a-f]{32}", full)


@pytest.mark.fact("limit.message-attributes", "error.empty-attribute")
def test_attribute_limits(queue):
    """Ten attributes, names, types, values."""
    made = queue()

    def send(**attributes):
        made.send(MessageAttributes=attributes)

    value = {"DataType": "String", "StringValue": "x"}
    send(**{f"n{number}": value for number in range(10)})
    send(**{"n" * 256: value, "ümlaut": value, "a-b_c.d9": value})
    code = "InvalidParameterValue"
    with refused(code):
        send(**{f"n{number}": value for number in range(11)})
    for name in ("n" * 257, ".a", "a.", "a..b", "AWS.x", "amazon.x", "a b", "a$b"):
        with refused(code):
            send(**{name: value})
    with refused(
        code, "Message (user) attribute 'e' must contain a non-empty value of type 'String'."
    ):
        send(e={"DataType": "String", "StringValue": ""})
    with refused(
        code,
        "The message attribute 'x' has an invalid message attribute type, the set of supported type "
        "prefixes is Binary, Number, and String.",
    ):
        send(x={"DataType": "Text", "StringValue": "x"})
    with refused(code):
        send(x={"DataType": "Number", "StringValue": "seven"})


@pytest.mark.fact("error.invalid-message-contents", "limit.characters")
def test_illegal_characters_in_bodies(queue):
    with refused("InvalidMessageContents", shape="InvalidMessageContents"):
        queue().send("a\x01b")


@pytest.mark.fact("message.system-attributes")
def test_system_attributes(queue):
    """Timestamps in integer milliseconds; counts and first receive move as they should."""
    made = queue(VisibilityTimeout=0)
    before = time.time() * 1000
    made.send(group="tenant")
    first = made.receive_one()["Attributes"]
    second = made.receive_one()["Attributes"]
    after = time.time() * 1000
    assert first.keys() == {
        "SenderId",
        "SentTimestamp",
        "ApproximateReceiveCount",
        "ApproximateFirstReceiveTimestamp",
        "MessageGroupId",
    }
    assert before - 1 <= int(first["SentTimestamp"]) <= after
    assert int(first["SentTimestamp"]) <= int(first["ApproximateFirstReceiveTimestamp"]) <= after
    assert first["MessageGroupId"] == "tenant"
    assert (first["ApproximateReceiveCount"], second["ApproximateReceiveCount"]) == ("1", "2")
    same = "ApproximateFirstReceiveTimestamp"
    assert second[same] == first[same]


@pytest.mark.fact("message.system-names")
def test_system_attribute_names(queue, sqs):
    """The union of the old and the new parameter; unknown names are refused."""
    made = queue(VisibilityTimeout=0)
    made.send()
    message = made.receive_one(
        AttributeNames=["SentTimestamp"], MessageSystemAttributeNames=["SenderId"]
    )
    assert message["Attributes"].keys() == {"SentTimestamp", "SenderId"}
    (message,) = sqs.receive_message(QueueUrl=made.url, AttributeNames=["All"])["Messages"]
    assert "SentTimestamp" in message["Attributes"]
    # The old parameter is, in AWS's model, one of names of queues' attributes: they ask for nothing.
    message = made.receive_one(
        AttributeNames=["QueueArn", "SenderId"], MessageSystemAttributeNames=[]
    )
    assert message["Attributes"].keys() == {"SenderId"}
    with refused("InvalidAttributeName"):
        made.receive(MessageSystemAttributeNames=["Foobar"])


@pytest.mark.fact("error.fifo-ids", "limit.ids")
@pytest.mark.parametrize("group", ["", "a b", "a" * 129, "ü"])
def test_group_ids_are_checked_on_standard_queues_too(queue, group):
    with refused(
        "InvalidParameterValue",
        f"Value {group} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only "
        "include alphanumeric and punctuation characters. 1 to 128 in length.",
    ):
        queue().send(group=group)


@pytest.mark.fact("message.delayed", "limit.delay")
def test_delay_of_one_message(queue):
    """Delayed, not in flight; then there."""
    made = queue()
    sent = time.monotonic()
    made.send("later", DelaySeconds=2)
    assert made.counters() == (0, 0, 1)
    assert made.bodies() == []
    assert made.bodies(wait=10) == ["later"]
    assert time.monotonic() - sent >= 2
    made.send("far", DelaySeconds=900)
    with refused(
        "InvalidParameterValue",
        "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= "
        "900.",
    ):
        made.send(DelaySeconds=901)


def test_delay_of_the_message_overrides_the_queues(queue):
    made = queue(DelaySeconds=600)
    made.send("delayed")
    made.send("now", DelaySeconds=0)
    assert made.bodies() == ["now"]


def test_every_message_arrives_once(queue):
    made = queue()
    expected = [f"m{number}" for number in range(100)]
    for start in range(0, 100, 10):
        batch = expected[start : start + 10]
        made.send_batch([{"Id": body, "MessageBody": body} for body in batch])
    found = []
    while messages := made.receive():
        found += [message["Body"] for message in messages]
        for message in messages:
            made.delete(message)
    assert sorted(found) == sorted(expected)
    assert made.counters() == (0, 0, 0)


@pytest.mark.fact("queue.purge")
def test_purge_takes_everything(queue):
    """Visible, delayed and in flight; messages sent later stay."""
    made = queue()
    made.send("flying")
    flying = made.receive_one()
    made.send("visible")
    made.send("delayed", DelaySeconds=1)
    made.purge()
    assert made.counters() == (0, 0, 0)
    made.send("after")
    made.delete(flying)
    assert made.bodies() == ["after"]
    time.sleep(1.2)
    assert made.bodies() == []


@pytest.mark.fact("error.purge-in-progress")
def test_second_purge_within_a_minute(queue):
    made = queue()
    made.purge()
    with refused(
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        f"Only one PurgeQueue operation on {made.name} is allowed every 60 seconds.",
        status=403,
        shape="PurgeQueueInProgress",
    ):
        made.purge()
