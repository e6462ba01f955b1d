"""Tags of queues."""

import pytest

from squorum_tests import client
from squorum_tests.queue import Queue, refused

KEY_LENGTH = "Tag keys must be between 1 and 128 characters in length."


class Tagged(Queue):
    def tag(self, **tags: str):
        return self.sqs.tag_queue(QueueUrl=self.url, Tags=tags)

    def untag(self, *keys: str):
        return self.sqs.untag_queue(QueueUrl=self.url, TagKeys=list(keys))

    def tags(self) -> dict[str, str] | None:
        """None where the answer has no tags."""
        return self.sqs.list_queue_tags(QueueUrl=self.url).get("Tags")


@pytest.fixture
def tagged(sqs, unique):
    """Makes a queue with the given tags."""

    def make(**tags: str) -> Tagged:
        return Tagged(sqs, sqs.create_queue(QueueName=unique(), tags=tags)["QueueUrl"])

    return make


@pytest.mark.fact("tags.kept", "json.absent-not-empty")
def test_tags_are_added_replaced_and_removed(tagged):
    """Values may be empty, keys are case-sensitive; without tags there is no map."""
    made = tagged()
    assert made.tags() is None
    made.tag(tag1="value1", tag2="value2", tag3="")
    assert made.tags() == {"tag1": "value1", "tag2": "value2", "tag3": ""}
    made.tag(tag1="other", Tag1="value1")
    assert made.tags() == {"tag1": "other", "Tag1": "value1", "tag2": "value2", "tag3": ""}
    made.untag("tag1", "tag3", "none")
    assert made.tags() == {"Tag1": "value1", "tag2": "value2"}
    made.untag("Tag1", "tag2")
    assert made.tags() is None
    made.untag("Tag1")


def test_tags_change_nothing_else(tagged):
    """Neither attributes nor the time of the last change."""
    made = tagged()
    before = made.attributes()
    made.tag(a="b")
    assert made.attributes() == before


@pytest.mark.fact("limit.tags")
def test_what_tags_may_be(tagged):
    """Lengths count characters."""
    made = tagged()
    allowed = {"k" * 128: "v" * 256, "ö" * 128: "ü" * 256, "_ .:/=+-@": "_ .:/=+-@", "aws": "aws"}
    made.tag(**allowed)
    assert made.tags() == allowed
    for tags, text in (
        ({"k" * 129: ""}, KEY_LENGTH),
        ({"": "v"}, KEY_LENGTH),
        ({"k": "v" * 257}, "Tag values must be between 0 and 256 characters in length."),
        ({"k#": ""}, "Tag keys and values can only include…"),
        ({"k": "a*b"}, "Tag keys and values can only include…"),
        ({"aws:k": "v"}, "…reserved prefix aws:…"),
        ({"AWS:k": "v"}, "…reserved prefix aws:…"),
    ):
        with refused("InvalidParameterValue", text):
            made.tag(good="tag", **tags)
    assert made.tags() == allowed


def test_fifty_tags(tagged, sqs, unique):
    """In one call or over several; a call that goes beyond adds none of its tags."""
    fifty = {str(number): "" for number in range(50)}
    made = tagged(**fifty)
    made.tag(**fifty)
    too_many = f"Too many tags added for queue {made.name}."
    with refused("InvalidParameterValue", too_many, shape="InvalidParameterValueException"):
        made.tag(**{"0": "new", "more": ""})
    with refused("InvalidParameterValue", too_many):
        made.tag(**fifty, more="")
    assert made.tags() == fifty
    made.untag("49")
    made.tag(more="")
    name = unique()
    with refused("InvalidParameterValue", f"Too many tags added for queue {name}."):
        sqs.create_queue(QueueName=name, tags={**fifty, "more": ""})
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        sqs.get_queue_url(QueueName=name)


def test_calls_without_tags(tagged):
    made = tagged(a="b")
    with refused("MissingParameter", "The request must contain the parameter Tags."):
        made.tag()
    with refused("InvalidParameterValue", KEY_LENGTH):
        made.untag()
    with refused("InvalidParameterValue", KEY_LENGTH):
        made.untag("a", "k" * 129)
    assert made.tags() == {"a": "b"}


def test_tags_of_no_queue(sqs, node):
    ghost = Tagged(sqs, f"{node.endpoint}/000000000000/nobody-made-this")
    for call in (lambda: ghost.tag(a="b"), lambda: ghost.untag("a"), ghost.tags):
        with refused("AWS.SimpleQueueService.NonExistentQueue", shape="QueueDoesNotExist"):
            call()


def test_create_compares_tags(tagged):
    """AWS refuses tags that the queue does not have, and takes no tags for no question."""
    made = tagged(a="1", b="2")
    create = made.sqs.create_queue
    for tags in ({}, {"a": "1"}, {"b": "2", "a": "1"}):
        assert create(QueueName=made.name, tags=tags)["QueueUrl"] == made.url
    assert create(QueueName=made.name)["QueueUrl"] == made.url
    for tags in ({"a": "2"}, {"a": "1", "c": ""}, {"A": "1"}):
        with refused("QueueAlreadyExists", "…different tags…", shape="QueueNameExists"):
            create(QueueName=made.name, tags=tags)
    made.tag(a="2")
    assert create(QueueName=made.name, tags={"a": "2"})["QueueUrl"] == made.url
    with refused("QueueAlreadyExists", "…attribute DelaySeconds…"):
        create(QueueName=made.name, tags={"a": "other"}, Attributes={"DelaySeconds": "9"})
    assert made.tags() == {"a": "2", "b": "2"}


def test_every_node_knows_tags_at_once(tagged, shared_nodes):
    """What one node was told, any other answers."""
    made = tagged()
    for number in range(10):
        made.tag(number=str(number))
        for node in shared_nodes:
            other = Tagged(client.sqs(node.endpoint), made.url)
            assert other.tags() == {"number": str(number)}
