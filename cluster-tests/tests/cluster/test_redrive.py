"""Move tasks send dead letters back while leaders are killed: each message is in one place, and what a
task says of itself is true."""

import time
from collections import Counter

import pytest

from squorum_tests import client
from squorum_tests.bulk import drain, send_all, tag_of
from squorum_tests.dead_letters import (
    Pair,
    arn,
    bury_all,
    in_transfer,
    kill_and_start,
    make_apart,
    shards_of,
    wait_until_arrived,
)
from squorum_tests.leaders import wait_for_leader, wait_for_meta_leader
from squorum_tests.scenarios import one_name
from squorum_tests.size import size

MESSAGES = size(1_500, 50_000)
KILLS = size(1, 3)
# So that there is time for what happens half-way. 500 is the most there is.
RATE = size(200, 500)
TASK_DEADLINE_SECONDS = 900.0

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.parametrize("kind", ["fifo", "standard"]),
]


@pytest.fixture
def endpoint(cluster):
    cluster.wait_until_well()
    with one_name(cluster) as endpoint:
        yield endpoint


class Filled:
    """A pair of which everything that was sent to the source is a dead letter."""

    def __init__(self, cluster, endpoint: str, kind: str, figures):
        self.sqs = client.sqs_of_users(endpoint)
        suffix = ".fifo" if kind == "fifo" else ""
        self.pair: Pair = make_apart(cluster, self.sqs, suffix, receives_max=1)
        self.ids = send_all(endpoint, self.pair.source, (f"m{n}" for n in range(MESSAGES)))
        bury_all(cluster, endpoint, self.pair)
        assert self.pair.dead.counters() == (MESSAGES, 0, 0)
        queues = (self.pair.source, self.pair.dead)
        figures.note(messages=MESSAGES, shards=[shards_of(cluster, queue) for queue in queues])
        self.told: list[int] = []

    def start(self) -> str:
        rate = {"MaxNumberOfMessagesPerSecond": RATE}
        started = self.sqs.start_message_move_task(SourceArn=arn(self.pair.dead.name), **rate)
        return started["TaskHandle"]

    def task(self) -> dict:
        """The task, which never tells of fewer messages than before, nor of more than there are."""
        source = arn(self.pair.dead.name)
        (task,) = self.sqs.list_message_move_tasks(SourceArn=source)["Results"]
        self.told.append(task["ApproximateNumberOfMessagesMoved"])
        assert self.told == sorted(self.told), self.told
        assert self.told[-1] <= MESSAGES, task
        assert task["ApproximateNumberOfMessagesToMove"] == MESSAGES, task
        return task

    def wait_until(self, reached) -> dict:
        deadline = time.monotonic() + TASK_DEADLINE_SECONDS
        while not reached(task := self.task()):
            assert time.monotonic() < deadline, f"the task does not get on: {task}"
            time.sleep(0.1)
        return task

    def wait_until_moved(self, count: int) -> dict:
        return self.wait_until(
            lambda task: (
                task["ApproximateNumberOfMessagesMoved"] >= count or task["Status"] != "RUNNING"
            )
        )

    def wait_for_end(self) -> dict:
        return self.wait_until(lambda task: task["Status"] not in ("RUNNING", "CANCELLING"))

    def judge(self, cluster, endpoint: str, task: dict, figures) -> None:
        """Every message is in one of the two queues, once, with its id, and the task's counts say in
        which. Both are empty afterwards."""
        moved = task["ApproximateNumberOfMessagesMoved"]
        arrived_seconds = wait_until_arrived(cluster)
        counters = [queue.counters() for queue in (self.pair.source, self.pair.dead)]
        back, dead = (drain(endpoint, queue) for queue in (self.pair.source, self.pair.dead))
        found = Counter(message["MessageId"] for message in back + dead)
        sent = Counter(self.ids.values())
        figures.note(
            moved=moved,
            back=len(back),
            dead=len(dead),
            lost=len(sent - found),
            doubled=(found - sent).total(),
            arrived_seconds=round(arrived_seconds, 1),
        )
        assert found == sent
        assert all(self.ids[tag_of(message)] == message["MessageId"] for message in back + dead)
        assert (len(back), len(dead)) == (moved, MESSAGES - moved)
        assert counters == [(moved, 0, 0), (MESSAGES - moved, 0, 0)]
        # Sent on, they begin anew.
        assert {message["Attributes"]["ApproximateReceiveCount"] for message in back} == {"1"}
        assert all("DeadLetterQueueSourceArn" not in message["Attributes"] for message in back)
        assert in_transfer(cluster) == [0, 0, 0]


def leaders(cluster, pair: Pair) -> list:
    """Of meta, which drives tasks, of the dead letters, of the queue that they go back to."""
    return [
        lambda: wait_for_meta_leader(cluster),
        lambda: wait_for_leader(cluster, pair.dead.name),
        lambda: wait_for_leader(cluster, pair.source.name),
    ]


def test_leaders_killed(cluster, endpoint, figures, kind):
    filled = Filled(cluster, endpoint, kind, figures)
    began = time.monotonic()
    filled.start()
    for kill, leader in enumerate(leaders(cluster, filled.pair)[:KILLS]):
        task = filled.wait_until_moved((kill + 1) * MESSAGES // (KILLS + 1))
        assert task["Status"] == "RUNNING", "the task ended before the leader was killed"
        kill_and_start(cluster, leader())
    task = filled.wait_for_end()
    figures.note(kills=KILLS, seconds=round(time.monotonic() - began, 1), status=task["Status"])
    assert task["Status"] == "COMPLETED"
    assert task["ApproximateNumberOfMessagesMoved"] == MESSAGES
    filled.judge(cluster, endpoint, task, figures)


def test_cancelled(cluster, endpoint, figures, kind):
    """Half-way, and a leader is killed right after."""
    filled = Filled(cluster, endpoint, kind, figures)
    leader = leaders(cluster, filled.pair)[0 if kind == "standard" else 1]
    began = time.monotonic()
    handle = filled.start()
    task = filled.wait_until_moved(MESSAGES // 2)
    assert task["Status"] == "RUNNING", "the task ended before it was half-way"
    dying = leader()
    filled.sqs.cancel_message_move_task(TaskHandle=handle)
    kill_and_start(cluster, dying)
    task = filled.wait_for_end()
    figures.note(kills=1, seconds=round(time.monotonic() - began, 1), status=task["Status"])
    assert task["Status"] == "CANCELLED"
    assert MESSAGES // 2 <= task["ApproximateNumberOfMessagesMoved"] < MESSAGES
    filled.judge(cluster, endpoint, task, figures)
