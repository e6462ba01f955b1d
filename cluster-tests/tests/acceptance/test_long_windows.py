"""What takes minutes or a hundred thousand messages: only at full size."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from squorum_tests.queue import refused
from squorum_tests.size import LONG

IN_FLIGHT_MAX = 120_000
WINDOW_SECONDS = 300
THREADS = 8

pytestmark = [
    pytest.mark.one_protocol,
    pytest.mark.skipif(not LONG, reason="only with SQUORUM_LONG=1"),
    pytest.mark.timeout(1200),
]


def fill(made, **more) -> None:
    """Sends and receives as many messages as may be in flight. Each has a group of its own if any."""

    def send(batch: int) -> None:
        entries = []
        for number in range(10):
            entry = {"Id": str(number), "MessageBody": f"{batch}-{number}"}
            if more:
                entry["MessageGroupId"] = entry["MessageBody"]
            entries.append(entry)
        assert "Failed" not in made.send_batch(entries)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(send, range(IN_FLIGHT_MAX // 10)))
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: take_all(made), range(THREADS)))
    visible, in_flight, _ = made.counters()
    assert (visible, in_flight) == (0, IN_FLIGHT_MAX)


def take_all(made) -> None:
    """By long polls: at the limit, short ones are refused."""
    while made.receive(wait=1, VisibilityTimeout=43_200):
        pass


@pytest.mark.fact("limit.in-flight-standard")
def test_in_flight_of_a_standard_queue(queue):
    made = queue()
    fill(made)
    made.send("one more")
    with refused("OverLimit", status=403, shape="OverLimit"):
        made.receive()
    assert made.receive(wait=1) == []


@pytest.mark.fact("limit.in-flight-fifo")
def test_in_flight_of_a_fifo_queue(fifo):
    made = fifo(ContentBasedDeduplication="true")
    fill(made, groups=True)
    made.send("one more", group="another")
    assert made.receive() == []
    assert made.receive(wait=1) == []


@pytest.mark.fact("limit.deduplication-window", "fifo.deduplication")
def test_deduplication_ends_five_minutes_after_the_first_send(fifo):
    made = fifo()
    first = made.send("a", group="g", id="same")
    sent = time.monotonic()
    made.delete(made.receive_one())
    time.sleep(WINDOW_SECONDS - 5 - (time.monotonic() - sent))
    assert made.send("b", group="g", id="same")["MessageId"] == first["MessageId"]
    time.sleep(WINDOW_SECONDS + 1 - (time.monotonic() - sent))
    assert made.send("c", group="g", id="same")["MessageId"] != first["MessageId"]
    assert made.bodies() == ["c"]


@pytest.mark.fact("limit.deduplication-window", "fifo.receive-attempt")
def test_receive_attempts_end_after_five_minutes(fifo):
    made = fifo(ContentBasedDeduplication="true", VisibilityTimeout=600)
    made.send("a", group="g")
    first = made.receive_one(ReceiveRequestAttemptId="attempt")
    received = time.monotonic()
    time.sleep(WINDOW_SECONDS - 5)
    (again,) = made.receive(ReceiveRequestAttemptId="attempt")
    assert again["ReceiptHandle"] == first["ReceiptHandle"]
    time.sleep(WINDOW_SECONDS + 1 - (time.monotonic() - received))
    assert made.receive(ReceiveRequestAttemptId="attempt") == []
