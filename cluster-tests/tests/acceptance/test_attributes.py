"""Queue attributes: defaults, ranges, what is refused, what a change does."""

import time

import pytest

from squorum_tests.queue import refused

STANDARD_DEFAULTS = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
    "SqsManagedSseEnabled": "true",
    "ApproximateNumberOfMessages": "0",
    "ApproximateNumberOfMessagesDelayed": "0",
    "ApproximateNumberOfMessagesNotVisible": "0",
}
FIFO_DEFAULTS = {
    **STANDARD_DEFAULTS,
    "FifoQueue": "true",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}
VARIABLE = {"QueueArn", "CreatedTimestamp", "LastModifiedTimestamp"}


@pytest.mark.fact(
    "attribute.defaults",
    "attribute.names",
    "encryption.sse",
    "attribute.managed-sse",
    "limit.maximum-message-size",
    "limit.retention",
    "limit.visibility",
)
def test_all_attributes_of_a_standard_queue(queue):
    """The 12 keys that AWS answers."""
    found = queue().attributes("All")
    assert found.keys() == STANDARD_DEFAULTS.keys() | VARIABLE
    assert found.items() >= STANDARD_DEFAULTS.items()


@pytest.mark.fact("attribute.defaults", "attribute.fifo-queue")
def test_all_attributes_of_a_fifo_queue(fifo):
    found = fifo().attributes("All")
    assert found.keys() == FIFO_DEFAULTS.keys() | VARIABLE
    assert found.items() >= FIFO_DEFAULTS.items()


@pytest.mark.fact("attribute.names", "attribute.policy")
def test_only_what_was_asked_for(queue, sqs):
    """No names, no attributes; what does not apply is left out."""
    made = queue()
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=made.url)
    assert made.attributes("DelaySeconds") == {"DelaySeconds": "0"}
    assert made.attributes("Policy", "RedrivePolicy", "DelaySeconds") == {"DelaySeconds": "0"}


@pytest.mark.fact("attribute.names", "error.unknown-attribute")
def test_unknown_attribute_names(queue):
    made = queue()
    with refused("InvalidAttributeName", "Unknown Attribute Foobar.", shape="InvalidAttributeName"):
        made.attributes("Foobar")
    with refused("InvalidAttributeName", "Unknown Attribute Foobar."):
        made.set(Foobar="1")


@pytest.mark.fact("attribute.timestamps")
def test_timestamps_are_seconds(queue):
    made = queue()
    found = made.attributes("CreatedTimestamp", "LastModifiedTimestamp")
    assert abs(int(found["CreatedTimestamp"]) - time.time()) < 5
    assert int(found["LastModifiedTimestamp"]) >= int(found["CreatedTimestamp"])


@pytest.mark.fact(
    "limit.delay",
    "limit.maximum-message-size",
    "limit.retention",
    "limit.visibility",
    "limit.kms-reuse",
    "limit.receive",
)
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("DelaySeconds", 0, 900),
        ("MaximumMessageSize", 1024, 1_048_576),
        ("MessageRetentionPeriod", 60, 1_209_600),
        ("ReceiveMessageWaitTimeSeconds", 0, 20),
        ("VisibilityTimeout", 0, 43_200),
        ("KmsDataKeyReusePeriodSeconds", 60, 86_400),
    ],
)
def test_ranges(queue, sqs, unique, name, low, high):
    """Both ends are allowed, one beyond is not; on create and on change."""
    made = queue()
    for value in (low, high):
        made.set(**{name: value})
        sqs.create_queue(QueueName=unique(), Attributes={name: str(value)})
    for value in (low - 1, high + 1, "x", ""):
        with refused("InvalidAttributeValue", f"Invalid value for the parameter {name}.…"):
            made.set(**{name: value})
        with refused("InvalidAttributeValue"):
            sqs.create_queue(QueueName=unique(), Attributes={name: str(value)})


def test_refused_change_changes_nothing(queue):
    made = queue()
    with refused("InvalidAttributeValue"):
        made.set(DelaySeconds=5, VisibilityTimeout=99_999)
    assert made.attributes("DelaySeconds") == {"DelaySeconds": "0"}


@pytest.mark.fact("limit.propagation")
def test_what_was_set_is_echoed(queue):
    made = queue(VisibilityTimeout=0, DelaySeconds=900)
    made.set(VisibilityTimeout=43_200, MaximumMessageSize=1024, ReceiveMessageWaitTimeSeconds=20)
    expected = {
        "VisibilityTimeout": "43200",
        "DelaySeconds": "900",
        "MaximumMessageSize": "1024",
        "ReceiveMessageWaitTimeSeconds": "20",
    }
    assert made.attributes("All").items() >= expected.items()


@pytest.mark.fact("error.unknown-attribute", "error.fifo-only-attribute", "attribute.fifo-queue")
def test_fifo_attributes_on_a_standard_queue(queue, sqs, unique):
    texts = {
        "FifoQueue": "Unknown Attribute FifoQueue.",
        "ContentBasedDeduplication": "Unknown Attribute ContentBasedDeduplication.",
        "DeduplicationScope": "You can specify the DeduplicationScope only when FifoQueue is set to "
        "true.",
        "FifoThroughputLimit": "You can specify the FifoThroughputLimit only when FifoQueue is set "
        "to true.",
    }
    values = {
        "FifoQueue": "false",
        "ContentBasedDeduplication": "false",
        "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue",
    }
    made = queue()
    for name, text in texts.items():
        with refused("InvalidAttributeName", text):
            sqs.create_queue(QueueName=unique(), Attributes={name: values[name]})
        with refused("InvalidAttributeName", text):
            made.set(**{name: values[name]})


@pytest.mark.fact("error.queue-type-is-fixed")
def test_queue_type_cannot_change(fifo):
    with refused(
        "InvalidAttributeValue",
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    ):
        fifo().set(FifoQueue="false")


@pytest.mark.fact("attribute.content-deduplication")
def test_fifo_settings_are_kept(fifo):
    """Booleans in any case, answered in lower case."""
    made = fifo(ContentBasedDeduplication="True", DeduplicationScope="messageGroup")
    made.set(FifoThroughputLimit="perMessageGroupId")
    expected = {
        "ContentBasedDeduplication": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
    }
    assert made.attributes("All").items() >= expected.items()


@pytest.mark.fact("attribute.throughput-needs-scope")
def test_throughput_per_group_needs_the_scope(fifo):
    with refused("InvalidAttributeValue"):
        fifo().set(FifoThroughputLimit="perMessageGroupId")
    with refused("InvalidAttributeValue"):
        fifo().set(DeduplicationScope="nonsense")


@pytest.mark.fact("attribute.policy")
def test_policy_is_kept_and_removed(queue):
    """An empty value removes, and then it is absent again."""
    policy = '{"Version": "2012-10-17", "Statement": []}'
    made = queue()
    made.set(Policy=policy)
    assert made.attributes("Policy") == {"Policy": policy}
    made.set(Policy="")
    assert made.attributes("Policy") == {}


@pytest.mark.fact(
    "attribute.kms",
    "attribute.kms-reuse-hidden",
    "attribute.managed-sse",
    "encryption.sse",
    "limit.kms-reuse",
)
def test_encryption_settings(queue):
    """KMS turns the managed kind off, and it stays off; 300 s hides the reuse period."""
    made = queue()
    assert made.attributes("SqsManagedSseEnabled") == {"SqsManagedSseEnabled": "true"}
    made.set(KmsMasterKeyId="alias/mine", KmsDataKeyReusePeriodSeconds=600)
    found = made.attributes("All")
    assert found["KmsMasterKeyId"] == "alias/mine"
    assert found["KmsDataKeyReusePeriodSeconds"] == "600"
    assert found["SqsManagedSseEnabled"] == "false"
    made.set(KmsMasterKeyId="", KmsDataKeyReusePeriodSeconds=300)
    found = made.attributes("All")
    assert "KmsMasterKeyId" not in found
    assert "KmsDataKeyReusePeriodSeconds" not in found
    assert found["SqsManagedSseEnabled"] == "false"


@pytest.mark.fact("error.two-encryptions", "encryption.sse")
def test_one_kind_of_encryption_at_a_time(queue):
    with refused(
        "InvalidAttributeName",
        "You can use one type of server-side encryption (SSE) at one time. You can either enable "
        "KMS SSE or SQS SSE.",
    ):
        queue().set(KmsMasterKeyId="alias/mine", SqsManagedSseEnabled="true")


@pytest.mark.fact("attribute.counters", "queue.counters", "message.delayed")
def test_counters(queue):
    """Visible, in flight and delayed, exact at once."""
    made = queue()
    for number in range(5):
        made.send(str(number))
    made.send("later", DelaySeconds=600)
    assert made.counters() == (5, 0, 1)
    messages = made.receive(maximum=3)
    assert made.counters() == (5 - len(messages), len(messages), 1)
    made.delete(messages[0])
    assert made.counters() == (5 - len(messages), len(messages) - 1, 1)
    made.change(messages[1], 0)
    assert made.counters() == (6 - len(messages), len(messages) - 2, 1)


def test_new_visibility_timeout_holds_for_new_receives(queue):
    made = queue(VisibilityTimeout=600)
    made.send("old")
    made.receive_one()
    made.set(VisibilityTimeout=0)
    made.send("new")
    assert made.bodies() == ["new"]
    assert made.bodies() == ["new"]


@pytest.mark.fact("attribute.delay")
def test_delay_change_does_not_touch_stored_messages_of_a_standard_queue(queue):
    made = queue()
    made.send("stored")
    made.set(DelaySeconds=600)
    made.send("delayed")
    assert made.bodies() == ["stored"]
    assert made.counters() == (0, 1, 1)


@pytest.mark.one_protocol
@pytest.mark.fact("message.retention-from-send", "attribute.retention")
@pytest.mark.timeout(150)
def test_shorter_retention_ends_messages_wherever_they_are(queue):
    """Visible and in flight alike: it counts from the send, for those that are stored too."""
    made = queue(MessageRetentionPeriod=3600)
    made.send("taken")
    made.receive_one(VisibilityTimeout=600)
    made.send("visible")
    sent = time.monotonic()
    made.set(MessageRetentionPeriod=60)
    assert made.counters() == (1, 1, 0)
    time.sleep(max(0.0, 62 - (time.monotonic() - sent)))
    assert made.bodies() == []
    assert made.counters() == (0, 0, 0)


@pytest.mark.fact("attribute.delay-fifo")
def test_delay_change_touches_stored_messages_of_a_fifo_queue(fifo):
    made = fifo(DelaySeconds=600, ContentBasedDeduplication="true")
    made.send("stored", group="g")
    assert made.counters() == (0, 0, 1)
    made.set(DelaySeconds=0)
    assert made.bodies(wait=5) == ["stored"]
    made.set(DelaySeconds=600)
    made.send("delayed", group="h")
    assert made.bodies() == []


@pytest.mark.fact("error.two-encryptions", "attribute.throughput-needs-scope")
def test_conflicts_over_several_calls(queue, fifo):
    """What counts is what the queue has, whichever call set it and whichever node was told."""
    made = queue(KmsMasterKeyId="alias/mine")
    two_kinds = "You can use one type of server-side encryption (SSE) at one time…"
    with refused("InvalidAttributeName", two_kinds):
        made.set(SqsManagedSseEnabled="true")
    made.set(KmsMasterKeyId="", SqsManagedSseEnabled="TRUE")
    assert made.attributes("SqsManagedSseEnabled", "KmsMasterKeyId") == {
        "SqsManagedSseEnabled": "true"
    }
    ordered = fifo(DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    with refused("InvalidAttributeValue", "Invalid value for the parameter FifoThroughputLimit…"):
        ordered.set(DeduplicationScope="queue")
    ordered.set(DeduplicationScope="queue", FifoThroughputLimit="perQueue")
    with refused("InvalidAttributeValue", "Invalid value for the parameter FifoThroughputLimit…"):
        ordered.set(FifoThroughputLimit="perMessageGroupId")


def test_conflicts_at_creation(sqs, unique):
    both = {"KmsMasterKeyId": "alias/mine", "SqsManagedSseEnabled": "true"}
    with refused("InvalidAttributeName", "You can use one type of server-side encryption…"):
        sqs.create_queue(QueueName=unique(), Attributes=both)
    alone = {"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"}
    with refused("InvalidAttributeValue", "Invalid value for the parameter FifoThroughputLimit…"):
        sqs.create_queue(QueueName=unique(".fifo"), Attributes=alone)


@pytest.mark.fact("attribute.content-deduplication")
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("SqsManagedSseEnabled", ("True", "TRUE", "true", "fAlSe", "False")),
        ("ContentBasedDeduplication", ("True", "TRUE", "true", "fAlSe", "False")),
    ],
)
def test_booleans_in_any_case(fifo, name, given):
    """Lower case is what is answered."""
    made = fifo()
    for text in given:
        made.set(**{name: text})
        assert made.attributes(name) == {name: text.lower()}
    for text in ("", "yes", "1", "truer"):
        with refused("InvalidAttributeValue", f"Invalid value for the parameter {name}."):
            made.set(**{name: text})


def test_fifo_queue_stays_one(fifo):
    """Saying so again is no change."""
    made = fifo()
    made.set(FifoQueue="True", DelaySeconds=1)
    found = made.attributes("FifoQueue", "DelaySeconds")
    assert found == {"FifoQueue": "true", "DelaySeconds": "1"}


@pytest.mark.fact("error.unknown-attribute")
@pytest.mark.parametrize("name", ["QueueArn", "CreatedTimestamp", "ApproximateNumberOfMessages"])
def test_what_cannot_be_set(queue, name):
    with refused("InvalidAttributeName", f"Unknown Attribute {name}."):
        queue().set(**{name: "1"})
