"""Messages that wait for a time of their own come then, not before, and once, while the nodes that lead
their partitions die and while all nodes are down.

A message is given by a receive at its time; only a node that dies takes the answer with it. Then nobody
knows whether a consumer has it, and it comes again when its visibility timeout is over."""

import threading
import time
from dataclasses import dataclass

import pytest

from squorum_tests import client
from squorum_tests.bulk import WORKERS, in_parallel
from squorum_tests.leaders import wait_for_leader
from squorum_tests.queue import Queue
from squorum_tests.scenarios import one_name
from squorum_tests.size import size

MESSAGES = size(200, 2_000)
KILLS = size(2, 10)
# One message is due at each such step.
STEP_SECONDS = 0.1
# After their send has begun, so that all wait before anything happens.
LEAD_SECONDS = 10.0
BATCH = 10
CONSUMERS = 3
VISIBILITY_TIMEOUT_SECONDS = 30
# Where nothing is broken a message comes within this; while a leader dies, or all nodes are down, as
# soon as clients are served again.
LATE_SECONDS_MAX = size(2.0, 0.5)
OUTAGE_SECONDS_MAX = 20.0

# Times of trouble: when each began and ended.
Troubles = list[tuple[float, float]]


@dataclass
class Arrival:
    """When a message was first given to somebody, when it came, in seconds since 1970, and by which
    receive."""

    given_at: float
    came_at: float
    receive_count: int

    @property
    def answers_lost(self) -> int:
        return self.receive_count - 1

    @property
    def on_its_way_seconds(self) -> float:
        """Since it was given, or given again."""
        given_again = self.given_at + self.answers_lost * VISIBILITY_TIMEOUT_SECONDS
        return self.came_at - given_again


class Arrivals:
    """Who polls from several clients, and how each body came."""

    def __init__(self, endpoint: str, name: str):
        self.of_body: dict[str, list[Arrival]] = {}
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
        while len(self.of_body) < count:
            assert time.time() < deadline, f"{len(self.of_body)} of {count} messages have come"
            time.sleep(0.05)

    def _poll(self, endpoint: str, name: str) -> None:
        sqs = client.sqs_of_users(endpoint)
        queue = Queue(sqs, sqs.get_queue_url(QueueName=name)["QueueUrl"])
        while not self._stop.is_set():
            messages = patiently(lambda: queue.receive(wait=1, AttributeNames=["All"]))
            now = time.time()
            for message in messages:
                self._note(message, now)
                patiently(lambda: queue.delete(message))  # noqa: B023

    def _note(self, message: dict, now: float) -> None:
        attributes = message["Attributes"]
        given_at = int(attributes["ApproximateFirstReceiveTimestamp"]) / 1000
        arrival = Arrival(given_at, now, int(attributes["ApproximateReceiveCount"]))
        with self._lock:
            self.of_body.setdefault(message["Body"], []).append(arrival)


def patiently(call):
    """What a call answers as soon as it does. All nodes may be down; a client of users' settings gives
    up after some tries."""
    deadline = time.monotonic() + OUTAGE_SECONDS_MAX
    while True:
        try:
            return call()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def entry(body: str, due: float) -> dict:
    """Every other one is sent with a text."""
    deliver_at = {
        "DataType": "Number" if int(body) % 2 else "String",
        "StringValue": str(round(due * 1000)),
    }
    attributes = {"squorum.deliver-at": deliver_at}
    return {"Id": body, "MessageBody": body, "MessageAttributes": attributes}


def send_all(endpoint: str, url: str, first: float) -> dict[str, float]:
    """When each message is due. They are sent by many at once, so that all are there before the first
    is due."""
    due = {str(number): round(first + number * STEP_SECONDS, 3) for number in range(MESSAGES)}
    bodies = list(due)

    def work(worker: int) -> None:
        mine = Queue(client.sqs_of_users(endpoint), url)
        for begin in range(worker * BATCH, MESSAGES, WORKERS * BATCH):
            entries = [entry(body, due[body]) for body in bodies[begin : begin + BATCH]]
            assert len(mine.send_batch(entries)["Successful"]) == BATCH

    in_parallel(work)
    return due


def break_leaders(cluster, name: str) -> Troubles:
    """Kills leaders one after the other, at last all nodes; the times of trouble."""
    troubles = []
    for number in range(KILLS):
        victims = list(range(3)) if number == KILLS - 1 else [wait_for_leader(cluster, name)]
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
def test_messages_come_at_their_time_while_leaders_die(cluster, figures):
    name = "scheduled"
    cluster.wait_until_well()
    sqs = client.sqs_of_users(cluster.endpoints[0])
    attributes = {"VisibilityTimeout": str(VISIBILITY_TIMEOUT_SECONDS)}
    queue = Queue(sqs, sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
    due = send_all(cluster.endpoints[0], queue.url, time.time() + LEAD_SECONDS)
    assert queue.counters() == (0, 0, MESSAGES)
    with one_name(cluster) as endpoint, Arrivals(endpoint, name) as arrivals:
        # Some are due in every trouble, however quickly it is over.
        time.sleep(max(0.0, min(due.values()) - time.time()))
        troubles = break_leaders(cluster, name)
        last = max(due.values()) + VISIBILITY_TIMEOUT_SECONDS + OUTAGE_SECONDS_MAX
        arrivals.wait_for(MESSAGES, last)
    assert arrivals.of_body.keys() == due.keys()
    assert all(len(came) == 1 for came in arrivals.of_body.values()), "a message came twice"
    of_body = {body: came[0] for body, came in arrivals.of_body.items()}
    lost = [arrival for arrival in of_body.values() if arrival.answers_lost]
    figures.note(messages=MESSAGES, kills=KILLS, answers_lost_with_a_node=len(lost))
    assert all(in_trouble(troubles, arrival.given_at) for arrival in lost)
    assert_in_time(of_body, due, troubles)
    assert queue.counters() == (0, 0, 0)


def assert_in_time(of_body: dict[str, Arrival], due: dict[str, float], troubles: Troubles) -> None:
    """Each is given when it is due, or as soon as clients are served again, and is then with its
    consumer at once."""
    late = {body: arrival.given_at - due[body] for body, arrival in of_body.items()}
    troubled = {body for body in of_body if in_trouble(troubles, due[body])}
    quiet = due.keys() - troubled
    assert troubled, "nothing was due while a leader was dead"
    assert quiet, "nothing was due while all was well"
    assert min(late.values()) >= 0, "a message was given before its time"
    assert max(late.values()) <= OUTAGE_SECONDS_MAX
    assert max(late[body] for body in quiet) <= LATE_SECONDS_MAX
    for arrival in of_body.values():
        troubled = in_trouble(troubles, arrival.came_at - arrival.on_its_way_seconds)
        longest = OUTAGE_SECONDS_MAX if troubled else LATE_SECONDS_MAX
        assert 0 <= arrival.on_its_way_seconds <= longest, arrival


def in_trouble(troubles: Troubles, at: float) -> bool:
    return any(began - LATE_SECONDS_MAX <= at <= ended for began, ended in troubles)
