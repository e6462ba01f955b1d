"""Dead-letter queues: policies, moves, what a moved message keeps."""

import base64
import json
import time
import uuid

import pytest

from squorum_tests import client
from squorum_tests.queue import Queue, refused, sha256

KIND = {"kind": {"DataType": "String", "StringValue": "poison"}}


def arn(made) -> str:
    return made.attributes("QueueArn")["QueueArn"]


def policy(dead, receives: int | str = 1) -> str:
    return json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": receives})


def until_moved(source, dead, wait=5):
    """Receives from a source that gives nothing any more, then the message that was moved."""
    assert source.receive() == []
    return dead.receive_one(wait=wait)


@pytest.mark.fact("dead-letter.when", "dead-letter.kept", "message.id")
def test_moved_when_received_once_too_often(queue):
    """`maxReceiveCount` receives are answered; the next one moves instead."""
    dead = queue()
    source = queue(RedrivePolicy=policy(dead, 2), VisibilityTimeout=0)
    sent = source.send("a", MessageAttributes=KIND)
    assert [source.receive_one()["Body"] for _ in range(2)] == ["a", "a"]
    moved = until_moved(source, dead)
    assert moved["MessageId"] == sent["MessageId"]
    assert moved["Body"] == "a"
    assert moved["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    attributes = moved["Attributes"]
    assert attributes["ApproximateReceiveCount"] == "3"
    assert attributes["DeadLetterQueueSourceArn"] == arn(source)


@pytest.mark.fact("dead-letter.kept", "dead-letter.age")
def test_time_of_sending_is_kept(queue):
    dead = queue()
    source = queue(RedrivePolicy=policy(dead), VisibilityTimeout=0)
    source.send("a")
    first = source.receive_one()["Attributes"]
    moved = until_moved(source, dead)["Attributes"]
    for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
        assert moved[name] == first[name]


@pytest.mark.fact("dead-letter.age")
def test_age_of_fifo_dead_letters_counts_from_their_move(fifo):
    dead = fifo()
    source = fifo(RedrivePolicy=policy(dead), VisibilityTimeout=0, ContentBasedDeduplication="true")
    source.send("a", group="g")
    first = source.receive_one()["Attributes"]
    time.sleep(0.3)
    moved = until_moved(source, dead)["Attributes"]
    assert int(moved["SentTimestamp"]) >= int(first["SentTimestamp"]) + 300
    assert moved["ApproximateReceiveCount"] == "2"


@pytest.mark.fact("fifo.dead-letter-frees-group", "fifo.dead-letter-kind")
def test_fifo_goes_to_fifo(fifo):
    """The group goes on without the message that left."""
    dead = fifo()
    source = fifo(RedrivePolicy=policy(dead), VisibilityTimeout=0, ContentBasedDeduplication="true")
    for body in "ab":
        source.send(body, group="g")
    assert source.bodies(maximum=1) == ["a"]
    assert source.bodies(maximum=1) == ["b"]
    moved = until_moved(source, dead)
    assert moved["Body"] == "a"
    assert moved["Attributes"]["MessageGroupId"] == "g"
    assert moved["Attributes"]["MessageDeduplicationId"] == sha256("a")
    assert moved["Attributes"]["DeadLetterQueueSourceArn"] == arn(source)


@pytest.mark.fact("fifo.dead-letter-frees-group")
def test_deduplication_does_not_swallow_dead_letters(fifo):
    """A message of the same id was sent to the dead-letter queue before: both are there."""
    dead = fifo()
    dead.send("sent", group="g", id="same")
    source = fifo(RedrivePolicy=policy(dead), VisibilityTimeout=0)
    message_id = source.send("moved", group="g", id="same")["MessageId"]
    source.receive_one()
    assert source.receive() == []
    # In the order in which they came, of one group.
    found = [dead.receive_one(VisibilityTimeout=600)]
    dead.delete(found[0])
    found.append(dead.receive_one())
    assert [message["Body"] for message in found] == ["sent", "moved"]
    assert found[1]["MessageId"] == message_id


@pytest.mark.fact("message.fair-queues")
def test_groups_of_tenants_are_kept(queue):
    """Also where fair queues find their tenants."""
    dead = queue()
    source = queue(RedrivePolicy=policy(dead), VisibilityTimeout=0)
    source.send("a", group="tenant")
    source.receive_one()
    assert until_moved(source, dead)["Attributes"]["MessageGroupId"] == "tenant"


@pytest.mark.fact("attribute.redrive-removal", "attribute.redrive-allow")
def test_policies_are_echoed_and_removed(queue):
    """As they were set, the count a number or a text."""
    dead = queue(RedriveAllowPolicy='{"redrivePermission": "allowAll"}')
    for count in (3, "3"):
        text = policy(dead, count)
        source = queue(RedrivePolicy=text)
        assert source.attributes("RedrivePolicy") == {"RedrivePolicy": text}
        source.set(RedrivePolicy="")
        assert source.attributes("RedrivePolicy") == {}
    allow = {"RedriveAllowPolicy": '{"redrivePermission": "allowAll"}'}
    assert dead.attributes("RedriveAllowPolicy") == allow
    dead.set(RedriveAllowPolicy="")
    assert dead.attributes("RedriveAllowPolicy") == {}


@pytest.mark.fact("error.redrive-policy", "limit.redrive", "dead-letter.same-place")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not a valid JSON map"),
        ("{}", "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
        (
            '{"deadLetterTargetArn":"ARN","maxReceiveCount":1,"more":1}',
            "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].",
        ),
        (
            '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-9:000000000000:a","maxReceiveCount":1}',
            "Dead-letter target must be in same region as the source.",
        ),
        (
            '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:a","maxReceiveCount":1}',
            "Dead-letter target owner should be same as the source.",
        ),
        ('{"maxReceiveCount":1}', "mandatory attribute: deadLetterTargetArn"),
        ('{"deadLetterTargetArn":"ARN"}', "mandatory attribute: maxReceiveCount"),
        (
            '{"deadLetterTargetArn":"ARN","maxReceiveCount":0}',
            "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive.",
        ),
        ('{"deadLetterTargetArn":"ARN","maxReceiveCount":1.5}', "Invalid value for maxReceive"),
        (
            '{"deadLetterTargetArn":"ARN-none","maxReceiveCount":1}',
            "Dead letter target does not exist.",
        ),
        (
            '{"deadLetterTargetArn":"none","maxReceiveCount":1}',
            "Invalid value for deadLetterTargetArn.",
        ),
    ],
)
def test_bad_policies_are_refused(queue, text, reason):
    made = queue()
    text = text.replace("ARN", arn(queue()))
    with refused("InvalidParameterValue", f"…{reason}…"):
        made.set(RedrivePolicy=text)
    assert made.attributes("RedrivePolicy") == {}


@pytest.mark.fact("queue.create-again")
def test_create_compares_what_policies_say(queue, sqs):
    """Not how they are written: a number or a text, and any spaces."""
    dead = queue()
    made = queue(
        RedrivePolicy=policy(dead, 3), RedriveAllowPolicy='{"redrivePermission":"denyAll"}'
    )

    def create(**attributes):
        return sqs.create_queue(QueueName=made.name, Attributes=attributes)["QueueUrl"]

    target = arn(dead)
    for text in (policy(dead, "3"), f'{{ "maxReceiveCount":3,"deadLetterTargetArn":"{target}"}}'):
        assert create(RedrivePolicy=text) == made.url
    assert create(RedriveAllowPolicy='{ "redrivePermission" : "denyAll" }') == made.url
    for name, text in (
        ("RedrivePolicy", policy(dead, 4)),
        ("RedrivePolicy", policy(queue(), 3)),
        ("RedrivePolicy", ""),
        ("RedriveAllowPolicy", '{"redrivePermission":"allowAll"}'),
    ):
        with refused("QueueAlreadyExists", f"…different value for attribute {name}…"):
            create(**{name: text})
    made.set(RedriveAllowPolicy="")
    assert create(RedriveAllowPolicy='{"redrivePermission":"allowAll"}') == made.url


@pytest.mark.fact("fifo.dead-letter-kind")
def test_kinds_must_be_the_same(queue, fifo):
    with refused("InvalidParameterValue", "…same type…"):
        queue().set(RedrivePolicy=policy(fifo()))
    with refused("InvalidParameterValue", "…same type…"):
        fifo(RedrivePolicy=policy(queue()))


@pytest.mark.fact("dead-letter.allow", "attribute.redrive-allow")
def test_a_queue_says_who_may_use_it(queue):
    """Asked when a source sets its policy."""
    source, other = queue(), queue()
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [arn(source)]}
    dead = queue(RedriveAllowPolicy=json.dumps(allow))
    source.set(RedrivePolicy=policy(dead))
    with refused("InvalidParameterValue", "…not allowed…"):
        other.set(RedrivePolicy=policy(dead))
    dead.set(RedriveAllowPolicy='{"redrivePermission":"denyAll"}')
    with refused("InvalidParameterValue", "…not allowed…"):
        queue(RedrivePolicy=policy(dead))


@pytest.mark.fact("dead-letter.sources", "json.lower-case-names", "limit.lists")
def test_sources_are_listed(queue, sqs):
    """In pages."""
    dead = queue()
    sources = sorted(queue(RedrivePolicy=policy(dead)).url for _ in range(3))
    listed = sqs.list_dead_letter_source_queues(QueueUrl=dead.url)
    assert sorted(listed["queueUrls"]) == sources
    pages = sqs.get_paginator("list_dead_letter_source_queues")
    pages = list(pages.paginate(QueueUrl=dead.url, PaginationConfig={"PageSize": 2}))
    assert [len(page["queueUrls"]) for page in pages] == [2, 1]
    assert sorted(url for page in pages for url in page["queueUrls"]) == sources
    assert "queueUrls" not in sqs.list_dead_letter_source_queues(QueueUrl=sources[0])


def test_messages_stay_when_the_dead_letter_queue_is_gone(queue, sqs):
    """What AWS keeps, stays: it is delivered on."""
    dead = queue()
    source = queue(RedrivePolicy=policy(dead), VisibilityTimeout=0)
    source.send("a")
    source.receive_one()
    sqs.delete_queue(QueueUrl=dead.url)
    assert source.receive_one(wait=5)["Body"] == "a"


def wait_for_end(sqs, dead) -> dict:
    """The last task of a queue, when it has ended."""
    for _ in range(200):
        (task,) = sqs.list_message_move_tasks(SourceArn=arn(dead))["Results"]
        if task["Status"] not in ("RUNNING", "CANCELLING"):
            return task
        time.sleep(0.05)
    raise AssertionError(f"the task does not end: {task}")


@pytest.fixture
def dead_one(queue):
    """A dead-letter queue with one message, and the message's source."""
    dead = queue()
    source = queue(RedrivePolicy=policy(dead), VisibilityTimeout=0)
    source.send("a")
    source.receive_one()
    assert source.receive() == []
    dead.receive_one(VisibilityTimeout=0)
    return dead, source


@pytest.mark.fact("move.destination", "move.handle", "move.list", "message.id")
def test_messages_go_back_to_where_they_came_from(dead_one, sqs):
    """As new ones: the count begins anew."""
    dead, source = dead_one
    handle = sqs.start_message_move_task(SourceArn=arn(dead))["TaskHandle"]
    assert json.loads(base64.b64decode(handle))["sourceArn"] == arn(dead)
    task = wait_for_end(sqs, dead)
    assert task["Status"] == "COMPLETED"
    assert task["ApproximateNumberOfMessagesMoved"] == 1
    assert task["ApproximateNumberOfMessagesToMove"] == 1
    assert "TaskHandle" not in task
    assert "DestinationArn" not in task
    attributes = source.receive_one()["Attributes"]
    assert attributes["ApproximateReceiveCount"] == "1"
    assert "DeadLetterQueueSourceArn" not in attributes


@pytest.mark.fact("move.destination", "move.list")
def test_messages_go_to_a_destination(dead_one, queue, sqs):
    dead, source = dead_one
    other = queue()
    more = {"DestinationArn": arn(other), "MaxNumberOfMessagesPerSecond": 100}
    sqs.start_message_move_task(SourceArn=arn(dead), **more)
    task = wait_for_end(sqs, dead)
    assert {name: task[name] for name in more} == more
    assert other.receive_one()["Body"] == "a"
    assert source.receive() == []


@pytest.mark.fact("move.one-at-a-time", "move.handle", "move.cancel", "limit.move-task")
def test_one_task_at_a_time(queue, sqs):
    """Cancelled, it is not listed with a handle any more."""
    dead = queue()
    queue(RedrivePolicy=policy(dead))
    for number in range(20):
        dead.send(str(number))
    rate = {"MaxNumberOfMessagesPerSecond": 1, "DestinationArn": arn(queue())}
    handle = sqs.start_message_move_task(SourceArn=arn(dead), **rate)["TaskHandle"]
    with refused("InvalidParameterValue", "There is already a task running. …"):
        sqs.start_message_move_task(SourceArn=arn(dead))
    (running,) = sqs.list_message_move_tasks(SourceArn=arn(dead))["Results"]
    assert (running["TaskHandle"], running["Status"]) == (handle, "RUNNING")
    sqs.cancel_message_move_task(TaskHandle=handle)
    task = wait_for_end(sqs, dead)
    assert task["Status"] == "CANCELLED"
    with refused("InvalidParameterValue", "Only active tasks can be cancelled."):
        sqs.cancel_message_move_task(TaskHandle=handle)


@pytest.mark.fact("move.source", "move.destination", "move.cancel")
def test_tasks_of_what_is_not_there(queue, sqs):
    """Texts and codes."""
    plain = queue()
    missing = arn(plain) + "-none"
    gone = "The resource that you specified for the {} parameter doesn't exist."
    with refused(
        "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."
    ):
        sqs.start_message_move_task(SourceArn=arn(plain))
    with refused("ResourceNotFoundException", gone.format("SourceArn"), status=404):
        sqs.start_message_move_task(SourceArn=missing)
    dead = queue()
    queue(RedrivePolicy=policy(dead))
    with refused("ResourceNotFoundException", gone.format("DestinationArn"), status=404):
        sqs.start_message_move_task(SourceArn=arn(dead), DestinationArn=missing)
    with refused("InvalidParameterValue", "Value for parameter TaskHandle is invalid."):
        sqs.cancel_message_move_task(TaskHandle="none")
    unknown = {"taskId": str(uuid.uuid4()), "sourceArn": arn(dead)}
    handle = base64.b64encode(json.dumps(unknown).encode()).decode()
    with refused("ResourceNotFoundException", "Task does not exist.", status=404):
        sqs.cancel_message_move_task(TaskHandle=handle)


@pytest.mark.fact("move.list", "move.destination")
def test_a_task_fails_when_its_destination_goes_away(queue, sqs):
    """What was moved before stays moved, and the rest stays."""
    dead, destination = queue(), queue()
    queue(RedrivePolicy=policy(dead))
    for number in range(10):
        dead.send(str(number))
    rate = {"MaxNumberOfMessagesPerSecond": 1, "DestinationArn": arn(destination)}
    sqs.start_message_move_task(SourceArn=arn(dead), **rate)
    destination.delete_queue()
    task = wait_for_end(sqs, dead)
    assert task["Status"] == "FAILED"
    assert task["FailureReason"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert task["ApproximateNumberOfMessagesToMove"] == 10
    assert "TaskHandle" not in task


@pytest.mark.fact("move.destination")
def test_each_goes_back_to_its_own_source(queue, sqs):
    """One dead-letter queue, two sources."""
    dead = queue()
    sources = [queue(RedrivePolicy=policy(dead), VisibilityTimeout=0) for _ in range(2)]
    for source in sources:
        for body in ("a", "b"):
            source.send(f"{source.name} {body}")
        while source.receive():
            pass
    while dead.counters()[0] < 4:
        time.sleep(0.05)
    sqs.start_message_move_task(SourceArn=arn(dead))
    assert wait_for_end(sqs, dead)["ApproximateNumberOfMessagesMoved"] == 4
    for source in sources:
        found = source.bodies(maximum=1, wait=5, VisibilityTimeout=600)
        found += source.bodies(maximum=1, wait=5, VisibilityTimeout=600)
        assert sorted(found) == [f"{source.name} {body}" for body in ("a", "b")]


@pytest.mark.fact("move.destination")
@pytest.mark.parametrize("fifo", [False, True])
def test_a_source_made_again_takes_its_messages_back(make_node, protocol, fifo):
    """[9] DeadLetterQueueSourceArn is a name: whose it is now is asked when the message moves."""
    node = make_node(arguments=("--immediate-recreate-and-purge",))
    node.start()
    sqs = client.sqs(node.endpoint, protocol=protocol)
    kind = {"FifoQueue": "true"} if fifo else {}
    ending = ".fifo" if fifo else ""

    def create(name, **attributes):
        made = sqs.create_queue(QueueName=name + ending, Attributes=attributes | kind)
        return Queue(sqs, made["QueueUrl"])

    dead = create("dead")
    attributes = {"RedrivePolicy": policy(dead), "VisibilityTimeout": "0"}
    source = create("source", **attributes)
    source.send("a", **({"group": "g", "id": "1"} if fifo else {}))
    source.receive_one()
    assert source.receive() == []
    while dead.counters()[0] < 1:
        time.sleep(0.05)
    source.delete_queue()
    again = create("source", **attributes)
    sqs.start_message_move_task(SourceArn=arn(dead))
    task = wait_for_end(sqs, dead)
    assert task["Status"] == "COMPLETED", task
    assert task["ApproximateNumberOfMessagesMoved"] == 1
    assert again.receive_one(wait=5)["Body"] == "a"
    assert dead.receive() == []
