"""Messages that wait for a time of their own come then, not before, and once, while the nodes that lead
their partitions die and while all nodes are down."""

import threading
import time

import pytest

from squorum_tests import client
from squorum_tests.queue import Queue
from squorum_tests.scenarios import one_name
from squorum_tests.size import size

MESSAGES = size(200, 2_000)
KILLS = size(2, 10)
# One message is due at each such step.
STEP_SECONDS = 0.1
# After their send, so that all wait before anything happens.
LEAD_SECONDS = 4.0
BATCH = 10
CONSUMERS = 3
# Where nothing is broken a message comes within this; while a leader dies, or all nodes are down, as
# soon as clients are served again.
LATE_SECONDS_MAX = size(2.0, 0.5)
OUTAGE_SECONDS_MAX = 20.0


class Arrivals:
    """Who polls from several clients, and when each body came."""

    def __init__(self, endpoint: str, name: str):
        self.came_at: dict[str, list[float]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._poll, args=(endpoint, name), daemon=True)
            for _ in range(CONSUMERS)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int, deadline: float) -> None:
        while len(self.came_at) < count:
            assert time.time() < deadline, f"{len(self.came_at)} of {count} messages have come"
            time.sleep(0.05)

    def _poll(self, endpoint: str, name: str) -> None:
        sqs = client.sqs_of_users(endpoint)
        queue = Queue(sqs, sqs.get_queue_url(QueueName=name)["QueueUrl"])
        while not self._stop.is_set():
            try:
                messages = queue.receive(wait=1)
            except Exception:
                # All nodes are down; a client of users' settings gives up after some tries.
                time.sleep(0.05)
                continue
            now = time.time()
            with self._lock:
                for message in messages:
                    self.came_at.setdefault(message["Body"], []).append(now)
            for message in messages:
                queue.delete(message)


def send_all(queue: Queue, first: float) -> dict[str, float]:
    """When each message is due. Every other one is sent with a text."""
    due = {str(number): round(first + number * STEP_SECONDS, 3) for number in range(MESSAGES)}
    bodies = list(due)
    for begin in range(0, MESSAGES, BATCH):
        entries = [
            {
                "Id": body,
                "MessageBody": body,
                "MessageAttributes": {
                    "squorum.deliver-at": {
                        "DataType": "Number" if int(body) % 2 else "String",
                        "StringValue": str(round(due[body] * 1000)),
                    }
                },
            }
            for body in bodies[begin : begin + BATCH]
        ]
        assert len(queue.send_batch(entries)["Successful"]) == BATCH
    return due


def break_leaders(cluster, name: str) -> list[tuple[float, float]]:
    """Kills leaders one after the other, at last all nodes; the times of trouble."""
    troubles = []
    for number in range(KILLS):
        victims = list(range(3)) if number == KILLS - 1 else [cluster.leader_of(name)]
        began = time.time()
        cluster.kill(*victims)
        time.sleep(0.5)
        for victim in victims:
            cluster.nodes[victim].spawn()
        for victim in victims:
            cluster.nodes[victim].wait_until_ready()
        cluster.wait_until_well()
        troubles.append((began, time.time()))
        time.sleep(2.0)
    return troubles


@pytest.mark.timeout(900)
def test_messages_come_at_their_time_while_leaders_die(cluster):
    name = "scheduled"
    cluster.wait_until_well()
    sqs = client.sqs_of_users(cluster.endpoints[0])
    queue = Queue(sqs, sqs.create_queue(QueueName=name)["QueueUrl"])
    due = send_all(queue, time.time() + LEAD_SECONDS)
    assert queue.counters() == (0, 0, MESSAGES)
    with one_name(cluster) as endpoint, Arrivals(endpoint, name) as arrivals:
        # Some are due in every trouble, however quickly it is over.
        time.sleep(max(0.0, min(due.values()) - time.time()))
        troubles = break_leaders(cluster, name)
        arrivals.wait_for(MESSAGES, max(due.values()) + 60)
    late = {body: round(times[0] - due[body], 3) for body, times in arrivals.came_at.items()}
    in_trouble = {
        body
        for body, at in due.items()
        if any(began - LATE_SECONDS_MAX <= at <= ended for began, ended in troubles)
    }
    quiet = [seconds for body, seconds in late.items() if body not in in_trouble]
    assert arrivals.came_at.keys() == due.keys()
    assert min(late.values()) >= 0, "a message came before its time"
    assert in_trouble, "nothing was due while a leader was dead"
    assert quiet, "nothing was due while all was well"
    assert max(late.values()) <= OUTAGE_SECONDS_MAX
    assert max(quiet) <= LATE_SECONDS_MAX
    assert queue.counters() == (0, 0, 0)
