"""A FIFO receive whose answer was on its way when a node died is given once: the same messages with
the same handles, by the gateway's own retry when the leader died, by the client's retry with its
ReceiveRequestAttemptId when the gateway did."""

import random
import statistics
import threading
import time
import uuid

import pytest
from botocore.exceptions import BotoCoreError

from squorum_tests import client
from squorum_tests.leaders import wait_for_leader
from squorum_tests.queue import Queue
from squorum_tests.size import LONG, seed, size

KILLS = size(4, 40)
# Kills fall within this many times what a receive takes.
DELAY_SHARE_MAX = 1.5
TIMED_RECEIVES = 20
BODIES = ["1", "2", "3"]
RESUBMITTED = "squorum_batches_resubmitted"


@pytest.fixture
def randomness(figures):
    run_seed = seed()
    figures.note(seed=run_seed)
    return random.Random(run_seed)


@pytest.fixture
def name(cluster) -> str:
    sqs = client.sqs_of_users(cluster.endpoints[0])
    attributes = {"FifoQueue": "true", "VisibilityTimeout": "600"}
    sqs.create_queue(QueueName="attempts.fifo", Attributes=attributes)
    return "attempts.fifo"


def through(cluster, index: int, name: str) -> Queue:
    endpoint = cluster.endpoints[index]
    sqs = client.sqs(endpoint, read_timeout_seconds=15)
    return Queue(sqs, f"{endpoint}/{client.ACCOUNT}/{name}")


@pytest.fixture
def delay_seconds_max(cluster, name) -> float:
    queue = warmed_up(through(cluster, 0, name))
    taken = []
    for _ in range(TIMED_RECEIVES):
        send_group(queue)
        started = time.monotonic()
        messages = queue.receive()
        taken.append(time.monotonic() - started)
        for message in messages:
            queue.delete(message)
    return DELAY_SHARE_MAX * statistics.median(taken)


def warmed_up(queue: Queue) -> Queue:
    """Connected, at client and node, so that its next receive takes no longer than most."""
    send_group(queue)
    for message in queue.receive(wait=5):
        queue.delete(message)
    assert queue.receive() == []
    return queue


def send_group(queue: Queue) -> None:
    group = uuid.uuid4().hex
    for body in BODIES:
        queue.send(body, group=group, id=f"{group}-{body}")


def kill_later(cluster, index: int, delay_seconds: float) -> threading.Thread:
    def kill():
        time.sleep(delay_seconds)
        cluster.kill(index)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    return killer


def facts(messages: list[dict]) -> list[tuple]:
    return [
        (m["Body"], m["ReceiptHandle"], m["Attributes"]["ApproximateReceiveCount"])
        for m in messages
    ]


def assert_given_once(queue: Queue, attempt: str, messages: list[dict]) -> None:
    """The batch is whole, counted once, repeated by the same attempt, and nobody else gets it."""
    assert [m["Body"] for m in messages] == BODIES
    assert {m["Attributes"]["ApproximateReceiveCount"] for m in messages} == {"1"}
    assert facts(queue.receive(ReceiveRequestAttemptId=attempt)) == facts(messages)
    assert queue.receive() == []
    for message in messages:
        queue.delete(message)
    assert queue.counters() == (0, 0, 0)


@pytest.mark.timeout(900)
def test_leader_dies_between_commit_and_answer(
    cluster, name, randomness, delay_seconds_max, figures
):
    """Which receives the gateway had to submit again, its metric says."""
    resubmitted = 0
    for _ in range(KILLS):
        cluster.wait_until_well()
        dying = wait_for_leader(cluster, name)
        gateway = cluster.others(dying)[0]
        queue = warmed_up(through(cluster, gateway, name))
        send_group(queue)
        attempt = uuid.uuid4().hex
        before = cluster.nodes[gateway].metric(RESUBMITTED)
        killer = kill_later(cluster, dying, randomness.uniform(0, delay_seconds_max))
        messages = queue.receive(wait=5, ReceiveRequestAttemptId=attempt)
        resubmitted += cluster.nodes[gateway].metric(RESUBMITTED) > before
        killer.join()
        assert_given_once(queue, attempt, messages)
        cluster.start_node(dying)
    figures.note(kills=KILLS, resubmitted_by_the_gateway=resubmitted)
    assert resubmitted > 0 or not LONG, "no kill came between a receive and its answer"


@pytest.mark.timeout(900)
def test_gateway_dies_before_it_answers(cluster, name, randomness, delay_seconds_max, figures):
    unanswered = 0
    for _ in range(KILLS):
        cluster.wait_until_well()
        leader = wait_for_leader(cluster, name)
        dying, staying = cluster.others(leader)
        survivor, gateway = (through(cluster, index, name) for index in (staying, dying))
        warmed_up(gateway)
        send_group(survivor)
        attempt = uuid.uuid4().hex
        killer = kill_later(cluster, dying, randomness.uniform(0, delay_seconds_max))
        try:
            first = gateway.receive(ReceiveRequestAttemptId=attempt)
        except BotoCoreError:
            first, unanswered = None, unanswered + 1
        killer.join()
        messages = survivor.receive(wait=5, ReceiveRequestAttemptId=attempt)
        if first is not None:
            assert facts(first) == facts(messages)
        assert_given_once(survivor, attempt, messages)
        cluster.start_node(dying)
    figures.note(kills=KILLS, unanswered=unanswered)
    assert unanswered > 0 or not LONG, "no kill came between a receive and its answer"
