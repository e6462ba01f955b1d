"""A probe that sends through one node all the time, to measure how long nothing is acknowledged.

Sends go over a bare socket, one after another, at most `PERIOD_SECONDS` apart, so that neither an
SDK's retries nor its back-off blur the moment at which service returns. FIFO sends have a group and
an id each, so they go to the one partition of the queue and depend on its leader alone.
"""

import itertools
import threading
import time
from dataclasses import dataclass

from squorum_tests.node import Place
from squorum_tests.raw_http import RawConnection

PERIOD_SECONDS = 0.01


@dataclass(frozen=True)
class Attempt:
    """Status 0 means that no answer came."""

    started: float
    ended: float
    status: int


class SendProbe:
    """Use as a context manager: it probes in a thread of its own until the block ends. An attempt
    without an answer within the timeout is given up and made again on a new connection."""

    def __init__(self, place: Place, queue_url: str, timeout_seconds: float = 15.0):
        self.attempts: list[Attempt] = []
        self._place = place
        self._queue_url = queue_url
        self._timeout_seconds = timeout_seconds
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._connection: RawConnection | None = None

    def __enter__(self):
        self._running.set()
        self._thread.start()
        return self

    def __exit__(self, *_failure):
        self._running.clear()
        self._thread.join(self._timeout_seconds + 5)

    def wait_for_success(self, since: float, deadline_seconds: float = 30.0) -> float:
        """When the first send that began after `since` was acknowledged, in seconds after it."""
        deadline = time.monotonic() + deadline_seconds
        while time.monotonic() < deadline:
            # A copy: the probe goes on.
            for attempt in self.attempts[:]:
                if attempt.started >= since and attempt.status == 200:
                    return attempt.ended - since
            time.sleep(PERIOD_SECONDS)
        through = f"through {self._place.host}"
        raise AssertionError(f"nothing acknowledged {through} for {deadline_seconds} s")

    def failures(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.status != 200]

    def longest_gap(self, since: float) -> float:
        """The longest time from `since` until now without an acknowledgement."""
        times = [a.ended for a in self.attempts[:] if a.status == 200 and a.ended >= since]
        edges = [since, *times, time.monotonic()]
        return max(later - earlier for earlier, later in itertools.pairwise(edges))

    def _run(self) -> None:
        for number in itertools.count():
            if not self._running.is_set():
                break
            started = time.monotonic()
            status = self._send(number)
            self.attempts.append(Attempt(started, time.monotonic(), status))
            time.sleep(max(0.0, started + PERIOD_SECONDS - time.monotonic()))
        self._hang_up()

    def _send(self, number: int) -> int:
        payload = {"QueueUrl": self._queue_url, "MessageBody": f"probe {number}"}
        if self._queue_url.endswith(".fifo"):
            payload["MessageGroupId"] = f"g{number % 10}"
            payload["MessageDeduplicationId"] = f"{id(self)}-{number}"
        try:
            if self._connection is None:
                place, timeout = self._place, self._timeout_seconds
                self._connection = RawConnection(place.port, timeout, host=place.host)
            return self._connection.call("SendMessage", payload).status
        except OSError:
            self._hang_up()
            return 0

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
