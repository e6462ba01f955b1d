"""A queue's producers and consumers over boto3, which record all they do, for campaigns with faults."""

import contextlib
import threading
import time
from collections.abc import Callable

from squorum_tests import client
from squorum_tests.caller import Caller
from squorum_tests.checker import check
from squorum_tests.consumer import Consumer
from squorum_tests.figures import Figures
from squorum_tests.history import History
from squorum_tests.producer import Producer
from squorum_tests.profile import Profile

JOIN_SECONDS_MAX = 60.0


class Workload:
    """One queue's load. `stop_producers`, `begin_drain`, `drain`, then check `history`. Producers take
    the endpoints in turn, consumers from the second on, each with a client of its own that `connect`
    makes."""

    def __init__(
        self,
        endpoints: list[str],
        profile: Profile,
        seed: int,
        connect: Callable = client.impatient_sqs,
    ):
        self.profile = profile
        self.endpoints = endpoints
        self._connect = connect
        self.history = History(profile.queue_name, fifo=profile.fifo)
        self._producing = threading.Event()
        self._consuming = threading.Event()
        self._draining = threading.Event()
        self._drain_began = 0.0
        self._failures: list[BaseException] = []
        self.queue_url = self._create_queue()
        self._producers = [self._thread(self._produce, n, n) for n in range(profile.producers)]
        self._consumers = [
            self._thread(self._consume, n + 1, seed * 1000 + n) for n in range(profile.consumers)
        ]

    def start(self) -> None:
        self._producing.set()
        self._consuming.set()
        for thread in self._producers + self._consumers:
            thread.start()

    def stop_producers(self) -> None:
        """Returns when every message begun was acknowledged."""
        self._producing.clear()
        join(self._producers)
        self._assert_no_failure()

    def begin_drain(self) -> None:
        """From now on consumers neither forget nor return a message."""
        self._draining.set()
        self._drain_began = time.monotonic()

    def drain(self, deadline_seconds: float = 300.0) -> None:
        """Consumes until nothing came for more than a visibility timeout, then ends the consumers."""
        quiet_seconds = self.profile.visibility_timeout_seconds + 2.0
        began = self._drain_began
        while time.monotonic() - max(began, self.history.last_delivery_ended()) < quiet_seconds:
            assert time.monotonic() - began < deadline_seconds, "the queue does not get empty"
            self._assert_no_failure()
            time.sleep(0.1)
        self._consuming.clear()
        join(self._consumers)
        self._assert_no_failure()

    def counters(self) -> dict[str, int]:
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        sqs = self._connect(self.endpoints[0])
        answer = sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)
        return {name: int(answer["Attributes"][name]) for name in names}

    def abandon(self) -> None:
        """Lets all threads end, whatever they were doing."""
        self._producing.clear()
        self._consuming.clear()

    def _create_queue(self) -> str:
        attributes = {"VisibilityTimeout": str(self.profile.visibility_timeout_seconds)}
        if self.profile.fifo:
            attributes["FifoQueue"] = "true"
            scope = self.profile.deduplication_scope
            attributes["DeduplicationScope"] = scope
            limit = "perQueue" if scope == "queue" else "perMessageGroupId"
            attributes["FifoThroughputLimit"] = limit
        sqs = self._connect(self.endpoints[0])
        created = sqs.create_queue(QueueName=self.profile.queue_name, Attributes=attributes)
        return created["QueueUrl"]

    def _thread(self, role: Callable, index: int, argument: int) -> threading.Thread:
        endpoint = self.endpoints[index % len(self.endpoints)]
        return threading.Thread(target=self._run, args=(role, endpoint, argument), daemon=True)

    def _run(self, role: Callable, endpoint: str, argument: int) -> None:
        try:
            caller = Caller(self.history, self.queue_url, endpoint)
            role(self._connect(endpoint), caller, argument)
        except BaseException as failure:
            self._failures.append(failure)

    def _produce(self, sqs, caller: Caller, index: int) -> None:
        producer = Producer(sqs, caller, self.profile, self.history, index)
        producer.run(self._producing)

    def _consume(self, sqs, caller: Caller, seed: int) -> None:
        consumer = Consumer(sqs, caller, self.profile, self.history, seed)
        consumer.run(self._consuming, self._draining)

    def _assert_no_failure(self) -> None:
        assert not self._failures, f"a worker failed: {self._failures[0]!r}"


def join(threads: list[threading.Thread]) -> None:
    deadline = time.monotonic() + JOIN_SECONDS_MAX
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        assert not thread.is_alive(), "a worker hangs: some call is never answered as it should"


def judge(workloads: list[Workload], acked_min: int, figures: Figures | None = None) -> None:
    """Ends the load, drains the queues, and asserts that every history is clean."""
    for workload in workloads:
        workload.stop_producers()
    for workload in workloads:
        workload.begin_drain()
    for workload in workloads:
        workload.drain()
    verdicts = [check(workload.history) for workload in workloads]
    if figures is not None:
        figures.note(
            acknowledged=sum(verdict.acked for verdict in verdicts),
            received=sum(verdict.received for verdict in verdicts),
            violations=sum(len(verdict.violations) for verdict in verdicts),
        )
    for workload, verdict in zip(workloads, verdicts, strict=True):
        print(verdict.summary())
        verdict.assert_clean()
        assert verdict.acked > acked_min, "too little load to mean anything"
        assert set(workload.counters().values()) == {0}, "drained, and yet not empty"


@contextlib.contextmanager
def running(
    endpoints: str | list[str],
    profiles: list[Profile],
    seed: int,
    connect: Callable = client.impatient_sqs,
):
    """Workloads on several queues at once; whatever happens, their threads end with the block. Each
    starts with another one of the endpoints."""
    if isinstance(endpoints, str):
        endpoints = [endpoints]
    turns = [n % len(endpoints) for n in range(len(profiles))]
    workloads = [
        Workload(endpoints[turn:] + endpoints[:turn], profile, seed + n, connect)
        for n, (turn, profile) in enumerate(zip(turns, profiles, strict=True))
    ]
    try:
        for workload in workloads:
            workload.start()
        yield workloads
    finally:
        for workload in workloads:
            workload.abandon()
