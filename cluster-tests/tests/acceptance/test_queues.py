"""Queues: create, find, list, delete."""

import time

import pytest

from squorum_tests import client
from squorum_tests.client import ACCOUNT, REGION
from squorum_tests.queue import Queue, refused

OTHER_ACCOUNT = "111122223333"
NAME_TEXT = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"


def test_queue_url_leads_back_the_way_the_client_came(node, sqs, unique):
    name = unique()
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url == f"{node.endpoint}/{ACCOUNT}/{name}"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url


@pytest.mark.fact("queue-url.host-is-ignored")
@pytest.mark.parametrize(
    "form",
    [
        "{name}",
        "http://elsewhere.example/{account}/{name}",
        "https://queue.amazonaws.com/{account}/{name}",
    ],
)
def test_only_account_and_name_of_a_queue_url_count(sqs, queue, form):
    """A bare name is taken too, the host is ignored."""
    made = queue()
    url = form.format(name=made.name, account=ACCOUNT)
    sqs.send_message(QueueUrl=url, MessageBody="found")
    assert made.bodies() == ["found"]


@pytest.mark.fact("queue.create-again")
def test_create_is_idempotent_with_equal_or_fewer_attributes(sqs, unique):
    name = unique()
    attributes = {"VisibilityTimeout": "40", "DelaySeconds": "2"}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    assert sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"] == url
    assert sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "2"})["QueueUrl"] == url
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == url


@pytest.mark.fact("error.queue-name-exists", "queue.create-again")
def test_create_with_a_different_attribute_is_refused_and_names_it(sqs, unique):
    """A default that was never given counts like any value."""
    name = unique()
    sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "40"})
    for attribute, value in (("VisibilityTimeout", "41"), ("DelaySeconds", "3")):
        with refused(
            "QueueAlreadyExists",
            "A queue already exists with the same name and a different value for attribute "
            + attribute,
            shape="QueueNameExists",
        ):
            sqs.create_queue(QueueName=name, Attributes={attribute: value})


@pytest.mark.fact("queue.create-again")
def test_create_compares_with_current_attributes(sqs, unique):
    """After SetQueueAttributes the original request fails."""
    name = unique()
    original = {"DelaySeconds": "2"}
    made = Queue(sqs, sqs.create_queue(QueueName=name, Attributes=original)["QueueUrl"])
    made.set(DelaySeconds=3)
    with refused("QueueAlreadyExists"):
        sqs.create_queue(QueueName=name, Attributes=original)
    sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "3"})


@pytest.mark.fact("error.queue-name-invalid", "limit.queue-name")
@pytest.mark.parametrize(
    "name", ["a" * 81, "with space", "dot.ted", "slash/ed", "ümlaut", "x.fifo"]
)
def test_bad_names_are_refused(sqs, name):
    with refused("InvalidParameterValue", NAME_TEXT):
        sqs.create_queue(QueueName=name)


@pytest.mark.fact("limit.queue-name")
@pytest.mark.parametrize("name", ["a", "A-b_9", "a" * 80])
def test_good_names_are_taken(sqs, name):
    sqs.create_queue(QueueName=name)


@pytest.mark.fact("limit.queue-name")
def test_names_are_case_sensitive(sqs, unique):
    name = unique()
    assert (
        sqs.create_queue(QueueName=name)["QueueUrl"]
        != sqs.create_queue(QueueName=name.upper())["QueueUrl"]
    )


@pytest.mark.fact("error.fifo-suffix")
def test_fifo_queue_needs_the_suffix(sqs, unique):
    with refused(
        "InvalidParameterValue",
        "The name of a FIFO queue can only include alphanumeric characters…",
    ):
        sqs.create_queue(QueueName=unique(), Attributes={"FifoQueue": "true"})


@pytest.mark.fact("error.queue-does-not-exist")
def test_unknown_queue(sqs, node, protocol):
    """With each protocol's text, everywhere."""
    text = "The specified queue does not exist."
    if protocol == client.QUERY:
        text = "The specified queue does not exist for this wsdl version."
    code, shape = "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"
    with refused(code, text, shape=shape):
        sqs.get_queue_url(QueueName="nobody-made-this")
    ghost = Queue(sqs, f"{node.endpoint}/{ACCOUNT}/nobody-made-this")
    for call in (
        ghost.send,
        ghost.receive,
        ghost.attributes,
        ghost.purge,
        ghost.delete_queue,
        lambda: ghost.set(DelaySeconds=1),
        lambda: ghost.send_batch([{"Id": "a", "MessageBody": "a"}]),
        lambda: ghost.delete({"ReceiptHandle": "x"}),
        lambda: ghost.change({"ReceiptHandle": "x"}, 1),
    ):
        with refused(code, text, shape=shape):
            call()


@pytest.mark.fact("queue.arn")
def test_accounts_and_regions_have_their_own_queues(sqs, sqs_of, unique):
    """The region is the credential scope's; equal names are different queues."""
    name = unique()
    clients = [sqs, sqs_of(OTHER_ACCOUNT), sqs_of(region="eu-west-1")]
    queues = [Queue(it, it.create_queue(QueueName=name)["QueueUrl"]) for it in clients]
    for number, made in enumerate(queues):
        made.send(str(number))
    assert [made.bodies() for made in queues] == [["0"], ["1"], ["2"]]
    arns = [made.attributes("QueueArn")["QueueArn"] for made in queues]
    assert arns == [
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
        f"arn:aws:sqs:{REGION}:{OTHER_ACCOUNT}:{name}",
        f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{name}",
    ]
    for it, made in zip(clients, queues, strict=True):
        assert it.list_queues(QueueNamePrefix=name)["QueueUrls"] == [made.url]
    queues[0].delete_queue()
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=name)
    for made in queues[1:]:
        assert made.counters() == (0, 1, 0)


def test_queue_of_another_account(sqs, sqs_of, unique):
    """Found by its owner, not by its name alone, and not in another region."""
    name = unique()
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    stranger = sqs_of(OTHER_ACCOUNT)
    owner = {"QueueName": name, "QueueOwnerAWSAccountId": ACCOUNT}
    assert stranger.get_queue_url(**owner)["QueueUrl"] == url
    assert sqs.get_queue_url(**owner)["QueueUrl"] == url
    nobody = {"QueueName": name, "QueueOwnerAWSAccountId": OTHER_ACCOUNT}
    for call in (
        lambda: stranger.get_queue_url(QueueName=name),
        lambda: sqs.get_queue_url(**nobody),
        lambda: sqs_of(OTHER_ACCOUNT, "eu-west-1").get_queue_url(**owner),
    ):
        with refused("AWS.SimpleQueueService.NonExistentQueue", shape="QueueDoesNotExist"):
            call()


@pytest.mark.fact("queue.delete")
def test_delete_queue_takes_its_messages(sqs, queue):
    made = queue()
    made.send()
    made.delete_queue()
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        made.receive()
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        sqs.get_queue_url(QueueName=made.name)


@pytest.mark.fact("error.queue-deleted-recently", "queue.delete")
def test_deleted_name_is_blocked_for_a_minute(sqs, queue):
    made = queue()
    made.delete_queue()
    with refused(
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another with the "
        "same name.",
        shape="QueueDeletedRecently",
    ):
        sqs.create_queue(QueueName=made.name)


@pytest.mark.one_protocol
@pytest.mark.fact("queue.delete")
@pytest.mark.timeout(120)
def test_deleted_name_is_free_after_a_minute_and_empty(sqs, queue):
    made = queue()
    made.send("old")
    deleted = time.monotonic()
    made.delete_queue()
    time.sleep(61 - (time.monotonic() - deleted))
    again = Queue(sqs, sqs.create_queue(QueueName=made.name)["QueueUrl"])
    assert again.bodies() == []
    assert again.counters() == (0, 0, 0)


@pytest.mark.fact("json.absent-not-empty", "limit.lists")
def test_list_by_prefix(sqs, unique):
    """No queue, no list; an empty prefix is every queue."""
    prefix = unique()
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=prefix)
    urls = [sqs.create_queue(QueueName=f"{prefix}-{n}")["QueueUrl"] for n in range(3)]
    answer = sqs.list_queues(QueueNamePrefix=prefix)
    assert sorted(answer["QueueUrls"]) == urls
    assert "NextToken" not in answer
    assert set(urls) <= set(sqs.list_queues(QueueNamePrefix="")["QueueUrls"])


@pytest.mark.fact("limit.lists")
def test_list_in_pages(sqs, unique):
    """NextToken only when MaxResults was given and more is there."""
    prefix = unique()
    urls = {sqs.create_queue(QueueName=f"{prefix}-{n}")["QueueUrl"] for n in range(5)}
    found, token = [], None
    while True:
        page = {"NextToken": token} if token else {}
        answer = sqs.list_queues(QueueNamePrefix=prefix, MaxResults=2, **page)
        assert len(answer["QueueUrls"]) <= 2
        found += answer["QueueUrls"]
        token = answer.get("NextToken")
        if token is None:
            break
    assert len(found) == 5
    assert set(found) == urls


@pytest.mark.fact("limit.lists")
def test_pages_end(sqs, unique):
    """A full page that is the last one has no token, and a list without pages never has."""
    prefix = unique()
    urls = [sqs.create_queue(QueueName=f"{prefix}-{n}")["QueueUrl"] for n in range(4)]
    first = sqs.list_queues(QueueNamePrefix=prefix, MaxResults=2)
    assert first["QueueUrls"] == urls[:2]
    page = {"QueueNamePrefix": prefix, "NextToken": first["NextToken"]}
    second = sqs.list_queues(**page, MaxResults=2)
    assert second["QueueUrls"] == urls[2:]
    assert "NextToken" not in second
    assert sqs.list_queues(**page, MaxResults=1000)["QueueUrls"] == urls[2:]
    assert "NextToken" not in sqs.list_queues(QueueNamePrefix=prefix, MaxResults=4)


@pytest.mark.fact("limit.lists")
def test_pages_that_cannot_be(sqs):
    """1 to 1,000 of a page, and a token that this service made."""
    for number in (0, 1001):
        with refused("InvalidParameterValue", f"Value {number} for parameter MaxResults…"):
            sqs.list_queues(MaxResults=number)
    with refused("InvalidParameterValue"):
        sqs.list_queues(MaxResults=1, NextToken="no token")
    with refused("InvalidParameterValue", "MaxResults is a mandatory parameter…"):
        sqs.list_queues(NextToken="abc")


@pytest.mark.fact("error.purge-in-progress")
def test_purge_again(queue):
    """Once in 60 seconds, by the name of the queue."""
    made = queue()
    made.send()
    made.purge()
    assert made.counters() == (0, 0, 0)
    with refused(
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        f"Only one PurgeQueue operation on {made.name} is allowed every 60 seconds.",
        status=403,
        shape="PurgeQueueInProgress",
    ):
        made.purge()


@pytest.mark.one_protocol
def test_a_minute_need_not_be_waited_for(make_node):
    """The setting is the node's whose clients ask, and ends with it."""
    node = make_node(arguments=("--immediate-recreate-and-purge",))
    node.start()
    sqs = client.sqs(node.endpoint)
    for round in range(3):
        made = Queue(sqs, sqs.create_queue(QueueName="again")["QueueUrl"])
        for _ in range(2):
            made.send(str(round))
            made.purge()
            assert made.bodies() == []
        made.send("left")
        made.delete_queue()
    node.stop()
    node.arguments = ()
    node.start()
    with refused("AWS.SimpleQueueService.QueueDeletedRecently"):
        sqs.create_queue(QueueName="again")


@pytest.mark.fact("queue.arn")
def test_queue_arn(queue):
    made = queue()
    assert made.attributes("QueueArn")["QueueArn"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:{made.name}"
