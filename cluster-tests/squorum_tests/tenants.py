"""Tenants of a standard queue: consumers that work on each message for a while, senders at a fixed
rate, and how long messages dwell in the queue between.

Consumers and senders are processes with few threads each, and speak HTTP over bare sockets: what is
measured is the queue, not who measures.
"""

import json
import multiprocessing
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from squorum_tests.node import Place
from squorum_tests.raw_http import RawConnection

BATCH = 10
POLL_SECONDS = 1
JOIN_SECONDS = 60.0
AWAITED_SECONDS_MAX = 60.0
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Handled:
    """A message that a consumer got: whose it is, when it was sent, when it came."""

    tenant: str
    sent: float
    at: float

    @property
    def dwell_seconds(self) -> float:
        return self.at - self.sent


class Hands:
    """A fixed set of consumers, one message at a time each, over all nodes in turn. They count what
    they got of `awaited` tenants."""

    def __init__(
        self,
        places: Sequence[Place],
        queue_url: str,
        processes: int,
        threads: int,
        work: float,
        awaited: Collection[str],
    ):
        self._stop = FORK.Event()
        self._awaited = awaited
        self._count = FORK.Value("i", 0)
        self._results = FORK.SimpleQueue()
        self._work_seconds = work
        self._queue_url = queue_url
        self._processes = [
            FORK.Process(target=self._run, args=(places[index % len(places)], threads))
            for index in range(processes)
        ]

    def __enter__(self) -> "Hands":
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_failure) -> None:
        self._stop.set()
        for process in self._processes:
            process.join(JOIN_SECONDS)
            process.kill()

    def wait_for(self, count: int) -> None:
        """Until so many messages of the awaited tenants have come."""
        deadline = time.monotonic() + AWAITED_SECONDS_MAX
        while self._count.value < count:
            assert time.monotonic() < deadline, f"{self._count.value} of {count} messages came"
            time.sleep(0.05)

    def end(self) -> list[Handled]:
        """Lets every consumer finish; what they got."""
        self._stop.set()
        handled = []
        for _ in self._processes:
            handled += self._results.get()
        return handled

    def _run(self, place: Place, threads: int) -> None:
        handled: list[Handled] = []
        in_threads(threads, lambda _: self._consume(place, handled))
        self._results.put(handled)

    def _consume(self, place: Place, handled: list[Handled]) -> None:
        receive = {"QueueUrl": self._queue_url, "WaitTimeSeconds": POLL_SECONDS}
        with RawConnection(place.port, host=place.host) as connection:
            while not self._stop.is_set():
                answer = connection.call("ReceiveMessage", receive)
                assert answer.status == 200, answer
                for message in answer.json.get("Messages", []):
                    now = time.monotonic()
                    body = json.loads(message["Body"])
                    handled.append(Handled(body["tenant"], body["sent"], now))
                    if body["tenant"] in self._awaited:
                        with self._count.get_lock():
                            self._count.value += 1
                    time.sleep(self._work_seconds)
                    handle = message["ReceiptHandle"]
                    delete = {"QueueUrl": self._queue_url, "ReceiptHandle": handle}
                    assert connection.call("DeleteMessage", delete).status == 200


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Runs `work` in threads, and passes the first failure on."""
    failures: list[BaseException] = []

    def run(index: int) -> None:
        try:
            work(index)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def payload(queue_url: str, tenant: str, with_group: bool) -> dict:
    message = {"MessageBody": json.dumps({"tenant": tenant, "sent": time.monotonic()})}
    group = {"MessageGroupId": tenant} if with_group else {}
    return {"QueueUrl": queue_url, **message, **group}


def flood(
    places: Sequence[Place], queue_url: str, tenant: str, count: int, with_group: bool
) -> None:
    """Sends a tenant's backlog, through all nodes at once."""

    def send(index: int) -> None:
        place = places[index]
        with RawConnection(place.port, host=place.host) as connection:
            for _ in range(index, count // BATCH, len(places)):
                entries = []
                for number in range(BATCH):
                    entry = payload(queue_url, tenant, with_group) | {"Id": str(number)}
                    del entry["QueueUrl"]
                    entries.append(entry)
                batch = {"QueueUrl": queue_url, "Entries": entries}
                answer = connection.call("SendMessageBatch", batch)
                assert answer.status == 200, answer
                assert "Failed" not in answer.json, answer

    in_threads(len(places), send)


class Senders:
    """Tenants that send one message after the other, all together at a fixed rate, each through a node
    of its own."""

    def __init__(
        self,
        places: Sequence[Place],
        queue_url: str,
        tenants: Sequence[str],
        rate: float,
        seconds: float,
        with_group: bool,
    ):
        def run() -> None:
            def send(index: int) -> None:
                place, pause = places[index % len(places)], len(tenants) / rate
                began = time.monotonic() + index * pause / len(tenants)
                with RawConnection(place.port, host=place.host) as connection:
                    for number in range(int(seconds / pause)):
                        time.sleep(max(0.0, began + number * pause - time.monotonic()))
                        message = payload(queue_url, tenants[index], with_group)
                        assert connection.call("SendMessage", message).status == 200

            in_threads(len(tenants), send)

        self._process = FORK.Process(target=run)

    def run(self) -> None:
        self._process.start()
        self._process.join()
        assert self._process.exitcode == 0, "a sender failed"


def p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


class Processors:
    """How busy the machine's processors are between two looks, by anybody."""

    def __init__(self):
        self._before = self._ticks()

    def share(self) -> float:
        idle, total = (
            after - before for before, after in zip(self._before, self._ticks(), strict=True)
        )
        return 1 - idle / total

    @staticmethod
    def _ticks() -> tuple[int, int]:
        fields = [
            int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
        ]
        # Idle, and waiting for the disk.
        return fields[3] + fields[4], sum(fields)
