"""Long polling: what wakes it, what it returns, how it ends."""

import json
import threading
import time

import pytest

from squorum_tests import client
from squorum_tests.promptness import LATE_SECONDS_MAX, assert_prompt, best_of_three
from squorum_tests.queue import Queue, refused

# How late a wake-up may be. It is no speed test: a poll that is not woken comes a second or more late.
PROMPT_SECONDS = 0.7


class Poll:
    """A receive in the background: how long it took and what came."""

    def __init__(self, node, queue, **parameters):
        self._queue = Queue(client.sqs(node.endpoint), queue.url)
        self._parameters = parameters
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        time.sleep(0.3)

    def _run(self):
        self.messages = self._queue.receive(**self._parameters)
        self.ended = time.monotonic()

    def bodies(self) -> list[str]:
        self._thread.join(30)
        assert not self._thread.is_alive(), "the poll does not end"
        return [message["Body"] for message in self.messages]


@pytest.fixture
def poll(node):
    def start(queue, wait=20, **parameters) -> Poll:
        return Poll(node, queue, wait=wait, **parameters)

    return start


def assert_woken(poll: Poll, since: float, bodies: list[str]):
    assert poll.bodies() == bodies
    assert_prompt(poll.ended - since, PROMPT_SECONDS)


@pytest.mark.fact("poll.wakes")
@best_of_three
def test_send_wakes(queue, poll):
    made = queue()
    waiting = poll(made)
    sent = time.monotonic()
    made.send("hello")
    assert_woken(waiting, sent, ["hello"])


@pytest.mark.fact("poll.one-is-enough")
@best_of_three
def test_one_message_is_enough(queue, poll):
    """It does not wait to fill the batch."""
    made = queue()
    waiting = poll(made, maximum=10)
    sent = time.monotonic()
    made.send("one")
    assert_woken(waiting, sent, ["one"])


@best_of_three
def test_message_that_is_there_is_returned_at_once(queue):
    made = queue()
    made.send()
    began = time.monotonic()
    assert len(made.receive(wait=20)) == 1
    assert_prompt(time.monotonic() - began, PROMPT_SECONDS)


@pytest.mark.one_protocol
@best_of_three
def test_empty_poll_lasts_its_time(queue):
    made = queue()
    began = time.monotonic()
    assert made.receive(wait=2) == []
    elapsed = time.monotonic() - began
    assert elapsed >= 2
    assert_prompt(elapsed - 2, 1.5)


@pytest.mark.fact("poll.default-and-override")
@best_of_three
def test_queue_attribute_is_the_default_and_zero_overrides(queue, sqs):
    made = queue(ReceiveMessageWaitTimeSeconds=2)
    began = time.monotonic()
    sqs.receive_message(QueueUrl=made.url)
    assert time.monotonic() - began >= 2
    began = time.monotonic()
    made.receive(wait=0)
    assert_prompt(time.monotonic() - began, PROMPT_SECONDS)


@pytest.mark.fact("error.wait-time")
@pytest.mark.parametrize("seconds", [-1, 21])
def test_range(queue, seconds):
    with refused(
        "InvalidParameterValue",
        f"Value {seconds} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, "
        "if provided.",
    ):
        queue().receive(wait=seconds)


@pytest.mark.fact("poll.wakes")
@best_of_three
def test_end_of_a_visibility_timeout_wakes(queue, poll):
    made = queue(VisibilityTimeout=2)
    made.send("again")
    made.receive_one()
    received = time.monotonic()
    assert_woken(poll(made), received + 2, ["again"])


@pytest.mark.fact("poll.wakes")
@best_of_three
def test_end_of_a_delay_wakes(queue, poll):
    made = queue()
    sent = time.monotonic()
    made.send("later", DelaySeconds=2)
    assert_woken(poll(made), sent + 2, ["later"])


@pytest.mark.fact("poll.wakes", "visibility.zero-returns")
@best_of_three
def test_return_wakes(queue, poll):
    """ChangeMessageVisibility(0)."""
    made = queue()
    made.send("returned")
    message = made.receive_one()
    waiting = poll(made)
    changed = time.monotonic()
    made.change(message, 0)
    assert_woken(waiting, changed, ["returned"])


@best_of_three
def test_shortened_timeout_wakes(queue, poll):
    made = queue(VisibilityTimeout=600)
    made.send("sooner")
    message = made.receive_one()
    waiting = poll(made)
    changed = time.monotonic()
    made.change(message, 1)
    assert_woken(waiting, changed + 1, ["sooner"])


@pytest.mark.fact("fifo.delete-unlocks")
@best_of_three
def test_free_group_wakes(fifo, poll):
    """Deleting what is in flight unlocks the group."""
    made = fifo(ContentBasedDeduplication="true")
    made.send("first", group="g")
    first = made.receive_one()
    made.send("second", group="g")
    waiting = poll(made)
    deleted = time.monotonic()
    made.delete(first)
    assert_woken(waiting, deleted, ["second"])


@pytest.mark.fact("poll.wakes")
@best_of_three
def test_returned_head_of_a_group_wakes(fifo, poll):
    """By ChangeMessageVisibility(0), and by the end of its timeout."""
    made = fifo(ContentBasedDeduplication="true")
    made.send("head", group="g")
    message = made.receive_one()
    waiting = poll(made)
    changed = time.monotonic()
    made.change(message, 0)
    assert_woken(waiting, changed, ["head"])
    (message,) = waiting.messages
    made.change(message, 2)
    changed = time.monotonic()
    assert_woken(poll(made), changed + 2, ["head"])


@pytest.mark.fact("poll.wakes")
@best_of_three
def test_dead_letter_and_its_redrive_wake(queue, poll, sqs):
    """What is moved to a queue is as good as sent."""
    dead = queue()
    target = dead.attributes("QueueArn")["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 1})
    source = queue(RedrivePolicy=policy, VisibilityTimeout=0)
    source.send("poison")
    source.receive_one()
    waiting = poll(dead, VisibilityTimeout=0)
    moved = time.monotonic()
    assert source.receive() == []
    assert_woken(waiting, moved, ["poison"])
    waiting = poll(source)
    moved = time.monotonic()
    sqs.start_message_move_task(SourceArn=target)
    assert waiting.bodies() == ["poison"]
    # A task moves in steps; a poll that nobody woke would have waited to its end.
    assert waiting.ended - moved < LATE_SECONDS_MAX


@pytest.mark.one_protocol
def test_each_message_wakes_one(queue, poll):
    made = queue()
    waiting = [poll(made, wait=6) for _ in range(5)]
    for number in range(3):
        made.send(str(number))
    found = sorted(body for one in waiting for body in one.bodies())
    assert found == ["0", "1", "2"]


@pytest.mark.one_protocol
def test_deleted_queue_ends_the_poll(queue):
    """The poll answers empty or says that the queue is gone; it does not hang."""
    made = queue()
    outcome: list = []

    def receive():
        try:
            outcome.append(made.receive(wait=20))
        except made.sqs.exceptions.QueueDoesNotExist:
            outcome.append([])

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    time.sleep(0.3)
    made.delete_queue()
    thread.join(25)
    assert outcome == [[]]


@pytest.mark.one_protocol
@best_of_three
def test_many_polls_on_many_queues(node, queue, poll):
    """Waiting costs nothing that others need: with a hundred polls open, a send is still prompt."""
    parked = [poll_later(node, queue()) for _ in range(100)]
    made = queue()
    waiting = poll(made)
    sent = time.monotonic()
    made.send("through")
    assert_woken(waiting, sent, ["through"])
    for thread in parked:
        thread.join(30)


def poll_later(node, made) -> threading.Thread:
    sqs = client.sqs(node.endpoint)
    thread = threading.Thread(
        target=sqs.receive_message,
        kwargs={"QueueUrl": made.url, "WaitTimeSeconds": 8},
        daemon=True,
    )
    thread.start()
    return thread
