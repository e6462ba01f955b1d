"""Queues are deleted and created again while dead letters are on their way, and leaders die meanwhile:
nothing is stuck, nothing lost that AWS would keep, and the disk is given back."""

import time
from collections import Counter

import pytest

from squorum_tests import client
from squorum_tests.bulk import Burial, drain, look, send_all, tag_of, wait_until_empty
from squorum_tests.dead_letters import arn, in_transfer, make, wait_until_arrived
from squorum_tests.disk import least_state_bytes, state_bytes
from squorum_tests.leaders import wait_for_leader, wait_for_meta_leader
from squorum_tests.queue import Queue
from squorum_tests.scenarios import one_name
from squorum_tests.size import size

CYCLES = size(2, 20)
MESSAGES = size(300, 1_000)
BODY_BYTES = 8 * 1024
# Few, so that most of the messages are still there when something happens.
BURIERS = 2
NAME_BLOCKED_SECONDS = 60.0
DEADLINE_SECONDS = 60.0
# Nothing waits for a dead leader if it led the source too: then nothing leaves.
WAITING_SECONDS = 0.5
# So much log, and the state is flushed.
ARGUMENTS = ("--checkpoint-mib", "1", "--log-retention-mib", "1")
# Of what all bodies took.
KEPT_SHARE_MAX = 0.1


def wait_until(condition, otherwise: str) -> None:
    assert came_true(condition, DEADLINE_SECONDS), otherwise


def came_true(condition, deadline_seconds: float) -> bool:
    deadline = time.monotonic() + deadline_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Cycle:
    """Two queues with one dead-letter queue: one source is deleted, then the dead-letter queue."""

    def __init__(self, cluster, endpoint: str, number: int):
        self.cluster, self.endpoint, self.number = cluster, endpoint, number
        self.sqs = client.sqs_of_users(endpoint)
        suffix = f"{number}" + (".fifo" if number % 2 else "")
        self.dead = make(self.sqs, f"dead{suffix}")
        self.kept = make(self.sqs, f"kept{suffix}", self.dead.name)
        self.gone = make(self.sqs, f"gone{suffix}", self.dead.name)
        # Of the messages of the queue that stays: by tag, those that are still to be found.
        self.left: dict[str, str] = {}
        self.sent_bytes = self.died_with_dead = self.on_their_way = self.kills = 0

    def send(self, queue, name: str, count: int) -> dict[str, str]:
        self.sent_bytes += count * BODY_BYTES
        tags = (f"{name}-{self.sent_bytes}-{n}" for n in range(count))
        return send_all(self.endpoint, queue, tags, BODY_BYTES, own_groups=True)

    def bury(self, queue) -> Burial:
        return Burial(self.endpoint, queue, BURIERS)

    def kill_leader(self, of: Queue | None) -> int:
        """Of the queue, or of meta."""
        if of is None:
            dying = wait_for_meta_leader(self.cluster)
        else:
            dying = wait_for_leader(self.cluster, of.name)
        self.cluster.kill(dying)
        self.kills += 1
        return dying

    def revive(self, dead_node: int) -> None:
        self.cluster.start_node(dead_node)
        self.cluster.wait_until_well()

    def delete_a_source(self) -> None:
        """What had left it before arrives. What had not goes with it."""
        gone = self.send(self.gone, "gone", MESSAGES)
        self.left = self.send(self.kept, "kept", MESSAGES)
        with self.bury(self.kept), self.bury(self.gone):
            wait_until(lambda: self.dead.counters()[0] >= MESSAGES // 8, "no dead letter arrives")
            delete(self.gone)
        wait_until_arrived(self.cluster)
        came = by_tag(drain(self.endpoint, self.dead), {**gone, **self.left})
        assert len(came) >= MESSAGES // 8
        self.left = {tag: id for tag, id in self.left.items() if tag not in came}
        assert sum(self.kept.counters()) == len(self.left), "lost, or in both queues"

    def delete_the_target(self) -> None:
        """What arrived in it goes with it. What is on its way comes back, and stays."""
        self.left |= self.send(self.kept, "more", MESSAGES)
        with self.bury(self.kept) as burial:
            wait_until(lambda: self.dead.counters()[0] >= MESSAGES // 8, "no dead letter arrives")
            # In every second cycle dead letters wait for a leader when their queue is deleted.
            if self.number % 2 == 0:
                dying = self.kill_leader(self.dead)
                came_true(lambda: sum(in_transfer(self.cluster)) > 0, WAITING_SECONDS)
            self.on_their_way = sum(in_transfer(self.cluster))
            answered = delete(self.dead)
            self.deleted = time.monotonic()
            if self.number % 2 == 1:
                dying = self.kill_leader(None if self.number % 4 == 1 else self.kept)
            self.revive(dying)
            wait_until(lambda: self.is_handed_out(burial), "nothing is handed out any more")
        wait_until_arrived(self.cluster)
        stayed = by_tag(look(self.endpoint, self.kept), self.left)
        assert sum(self.kept.counters()) == len(stayed)
        self.died_with_dead = len(self.left) - len(stayed)
        self.left = {tag: id for tag, id in self.left.items() if tag in stayed}
        seen = burial.last_seen.items() if answered else ()
        assert stayed >= {tag for tag, at in seen if at > self.deleted}, (
            "left for a queue that is gone"
        )

    def is_handed_out(self, burial: Burial) -> bool:
        """Whether messages are, after the dead-letter queue went; or all had left before it did."""
        again = any(at > self.deleted for at in list(burial.last_seen.values()))
        return again or sum(self.kept.counters()) == 0

    def create_again(self) -> None:
        """Dead letters go to the new queue, and a new source is one like any other."""
        time.sleep(max(0.0, self.deleted + NAME_BLOCKED_SECONDS + 1 - time.monotonic()))
        with self.bury(self.kept) as burial:
            wait_until(lambda: self.is_handed_out(burial), "nothing is handed out")
            self.dead = make(self.sqs, self.dead.name)
            leads = (self.dead, self.kept, None)[self.number % 3]
            self.revive(self.kill_leader(leads))
            wait_until_empty(self.kept)
        wait_until_arrived(self.cluster)
        came = by_tag(drain(self.endpoint, self.dead), self.left)
        assert came == self.left.keys(), "lost, although it was in the queue that stays"
        self.gone = make(self.sqs, self.gone.name, self.dead.name)
        fresh = self.send(self.gone, "fresh", MESSAGES // 10)
        with self.bury(self.gone):
            wait_until_empty(self.gone)
        wait_until_arrived(self.cluster)
        again = drain(self.endpoint, self.dead)
        assert by_tag(again, fresh) == fresh.keys()
        sources = {message["Attributes"]["DeadLetterQueueSourceArn"] for message in again}
        assert sources == {arn(self.gone.name)}


def delete(queue) -> bool:
    """Whether it was answered that no shard takes dead letters for it any more: an SDK that had to ask
    again is told that there is no such queue."""
    try:
        queue.delete_queue()
    except queue.sqs.exceptions.QueueDoesNotExist:
        return False
    return True


def by_tag(messages: list[dict], ids: dict[str, str]) -> set[str]:
    """The tags of messages, each of which is there once and has the id with which it was sent."""
    twice = [tag for tag, count in Counter(map(tag_of, messages)).items() if count > 1]
    assert twice == []
    assert all(ids.get(tag_of(message)) == message["MessageId"] for message in messages)
    return {tag_of(message) for message in messages}


@pytest.mark.timeout(3600)
def test_deleted_under_way(make_cluster, figures):
    cluster = make_cluster(arguments=ARGUMENTS)
    cluster.start()
    cluster.wait_until_well()
    began = time.monotonic()
    with one_name(cluster) as endpoint:
        # Names are blocked for a minute, which all cycles wait for together.
        cycles = [Cycle(cluster, endpoint, number) for number in range(CYCLES)]
        for cycle in cycles:
            cycle.delete_a_source()
            cycle.delete_the_target()
        full = state_bytes(cluster)
        for cycle in cycles:
            cycle.create_again()
        for cycle in cycles:
            for queue in (cycle.kept, cycle.gone, cycle.dead):
                delete(queue)
        sent_bytes = sum(cycle.sent_bytes for cycle in cycles)
        figures.note(
            cycles=CYCLES,
            kills=sum(cycle.kills for cycle in cycles),
            sent=sent_bytes // BODY_BYTES,
            on_their_way_at_the_delete=[cycle.on_their_way for cycle in cycles],
            died_with_their_queue=[cycle.died_with_dead for cycle in cycles],
            came_to_the_new_queue=[len(cycle.left) for cycle in cycles],
            seconds=round(time.monotonic() - began, 1),
        )
        assert any(cycle.left for cycle in cycles), "no dead-letter queue went in time"
        assert in_transfer(cluster) == [0, 0, 0]
        assert sum(node.metric("squorum_messages") for node in cluster.nodes) == 0
        least = least_state_bytes(cluster, endpoint, KEPT_SHARE_MAX * sent_bytes)
        figures.note(
            sent_bytes=sent_bytes, state_bytes_before_the_end=full, state_bytes_at_the_end=least
        )
        assert max(least) <= KEPT_SHARE_MAX * sent_bytes, "the disk is not given back"
