"""What happens to clusters in the hands of users, under the load of users, and the bars that hold.

A scenario takes any `Breakable`: processes in namespaces, or containers. The load is eight producers
of twenty messages a second each and eight consumers, half on standard and half on FIFO queues, with
boto3's own settings. After the fault the queues are drained and judged by the checker (P1-P6), and
by what clients noticed.
"""

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Protocol

from squorum_tests import client
from squorum_tests.continuity import (
    Period,
    assert_none,
    check_cut_off,
    check_delivery,
    check_exceptions,
    check_gap,
    failures,
    longest_gap,
    tells_of_earlier_effect,
)
from squorum_tests.figures import Figures
from squorum_tests.history import History
from squorum_tests.machine import Stalls
from squorum_tests.node import Place
from squorum_tests.probe import SendProbe
from squorum_tests.profile import Profile
from squorum_tests.resolver import resolving
from squorum_tests.size import LONG, seed, size
from squorum_tests.workload import Workload, judge, running

NAME = "squorum.test"
KILL_ROUNDS = size(1, 3)
# Three rounds of three nodes in 60 s.
KILL_PERIOD_SECONDS = 60 / 9
DOWN_SECONDS = 1.0
HANG_SECONDS = size(10, 30)
LOSSES_OF_ALL = size(1, 5)
# Of each queue, before a fault and after all nodes were lost; twice as many mean something.
SENDS_BETWEEN = 60
SENDS_DEADLINE_SECONDS = 60.0
ACKED_MIN = 100

KILL_GAP_SECONDS_MAX = 2.0
HANG_GAP_SECONDS_MAX = 3.0
RECOVERY_SECONDS_MAX = 3.0
BACK_SECONDS_MAX = 5.0
VISIBILITY_TIMEOUT_SECONDS = 10
# Ten seconds (P5), behind a message whose receive was answered to nobody, or which a consumer forgot.
DELIVERY_SECONDS_MAX = 10.0 + 2 * VISIBILITY_TIMEOUT_SECONDS


class Breakable(Protocol):
    """A cluster whose nodes, by index, can be ended and started."""

    @property
    def places(self) -> list[Place]: ...
    def kill(self, *indexes: int) -> None: ...
    def start_node(self, index: int) -> float: ...

    def spawn(self) -> None:
        """Returns when all processes exist."""


def profiles() -> list[Profile]:
    """Two standard queues and two FIFO queues, one of each scope of deduplication. Their names are new
    each time, because deduplication remembers what earlier loads sent."""
    run = uuid.uuid4().hex[:8]
    common = {"send_period_seconds": 0.05, "visibility_timeout_seconds": VISIBILITY_TIMEOUT_SECONDS}
    return [
        Profile(f"orders-{run}", **common),
        Profile(f"mails-{run}", **common),
        Profile(f"payments-{run}.fifo", **common),
        Profile(f"stock-{run}.fifo", deduplication_scope="messageGroup", **common),
    ]


@contextlib.contextmanager
def one_name(cluster: Breakable) -> Iterator[str]:
    """The endpoint by which users know a cluster: one name, the address of every node, one port."""
    with resolving(NAME, [place.host for place in cluster.places]):
        yield f"http://{NAME}:{cluster.places[0].port}"


@contextlib.contextmanager
def load_of_users(endpoints: str | list[str], figures: Figures) -> Iterator[list[Workload]]:
    run_seed = seed()
    figures.note(seed=run_seed)
    with running(endpoints, profiles(), run_seed, client.sqs_of_users) as workloads:
        wait_for_sends(workloads)
        yield workloads


def wait_for_sends(workloads: list[Workload]) -> None:
    """Until some more sends of every queue were acknowledged."""
    before = [acked(history) for history in histories(workloads)]
    deadline = time.monotonic() + SENDS_DEADLINE_SECONDS
    while True:
        more = [acked(h) - b for h, b in zip(histories(workloads), before, strict=True)]
        if min(more) >= SENDS_BETWEEN:
            return
        assert time.monotonic() < deadline, f"the load does not get going: {more} sends"
        time.sleep(0.1)


def survive_kills_in_turn(cluster: Breakable, figures: Figures) -> None:
    """SIGKILL of each node in turn, each back before the next one dies."""
    nodes = len(cluster.places)
    with (
        Stalls() as stalls,
        one_name(cluster) as endpoint,
        load_of_users(endpoint, figures) as workloads,
    ):
        found = histories(workloads)
        began = time.monotonic()
        gaps, ready = [], []
        for kill in range(KILL_ROUNDS * nodes):
            killed = time.monotonic()
            cluster.kill(kill % nodes)
            time.sleep(DOWN_SECONDS)
            ready.append(cluster.start_node(kill % nodes))
            time.sleep(max(0.0, killed + KILL_PERIOD_SECONDS - time.monotonic()))
            gaps.append(longest_gap(found, Period(killed, time.monotonic())))
        under_fault = Period(began, time.monotonic())
        sent = sum(acked_within(history, under_fault) for history in found)
        figures.note(
            kills=len(gaps),
            acknowledged_per_second=round(sent / (under_fault.ended - under_fault.started)),
            seconds=round(under_fault.ended - under_fault.started, 1),
            gap_seconds=round(longest_gap(found, under_fault), 3),
            gap_seconds_of_each_kill=rounded(gaps),
            ready_seconds=rounded(ready),
        )
        judge(workloads, ACKED_MIN, figures)
        note_exceptions(figures, found)
        violations = check_exceptions(found)
        violations += check_gap(found, under_fault, KILL_GAP_SECONDS_MAX, stalled=stalls.longest)
        violations += check_delivery(found, under_fault.ended, DELIVERY_SECONDS_MAX)
        assert_none(violations)


def survive_loss_of_all(cluster: Breakable, lose_all: Callable[[], None], figures: Figures) -> None:
    """`lose_all` ends all nodes at once. Nobody serves then, so that clients see exceptions."""
    client.sqs_of_users(endpoint_of(cluster.places[0])).create_queue(QueueName="probe")
    with one_name(cluster) as endpoint, load_of_users(endpoint, figures) as workloads:
        back = []
        for _ in range(LOSSES_OF_ALL):
            lose_all()
            with probes(cluster) as running_probes:
                ordered = time.monotonic()
                cluster.spawn()
                # How soon a container has a process is the machine's matter, which the short form
                # does not judge.
                started = ordered if LONG else time.monotonic()
                back.append([probe.wait_for_success(started) for probe in running_probes])
            wait_for_sends(workloads)
        figures.note(
            losses=len(back),
            first_node_back_seconds=rounded([min(b) for b in back]),
            last_node_back_seconds=rounded([max(b) for b in back]),
        )
        healed = time.monotonic()
        judge(workloads, ACKED_MIN, figures)
        figures.note(exceptions=len(failures(histories(workloads), None)))
        assert_none(check_delivery(histories(workloads), healed, DELIVERY_SECONDS_MAX))
        slowest = max(min(b) for b in back)
        assert slowest <= BACK_SECONDS_MAX, f"a node served again only after {slowest:.2f} s"


def survive_hang(
    cluster: Breakable,
    index: int,
    break_node: Callable[[int], None],
    mend_node: Callable[[int], None],
    figures: Figures,
) -> None:
    """One node hangs or is cut off for a while. Every client knows one node only."""
    endpoints = [endpoint_of(place) for place in cluster.places]
    others = set(endpoints) - {endpoints[index]}
    with load_of_users(endpoints, figures) as workloads:
        found = histories(workloads)
        with impatient_probe(cluster, index) as probe:
            break_node(index)
            broken = time.monotonic()
            time.sleep(HANG_SECONDS)
            cut = Period(broken, time.monotonic())
            mend_node(index)
            recovery = probe.wait_for_success(cut.ended)
        time.sleep(RECOVERY_SECONDS_MAX + 2.0)
        under_fault = Period(cut.started, time.monotonic())
        figures.note(
            hang_seconds=HANG_SECONDS,
            gap_seconds=round(longest_gap(found, under_fault, others), 3),
            served_again_seconds=round(recovery, 3),
        )
        judge(workloads, ACKED_MIN, figures)
        note_exceptions(figures, found, others)
        figures.note(exceptions_of_its_clients=len(failures(found, {endpoints[index]})))
        violations = check_exceptions(found, others)
        violations += check_gap(found, under_fault, HANG_GAP_SECONDS_MAX, others)
        violations += check_cut_off(found, endpoints[index], cut, RECOVERY_SECONDS_MAX)
        violations += check_delivery(found, cut.ended, DELIVERY_SECONDS_MAX)
        assert_none(violations)
        assert recovery <= RECOVERY_SECONDS_MAX


def impatient_probe(cluster: Breakable, index: int) -> SendProbe:
    """Through one node, on a queue of its own, whose answers may take half a second."""
    place = cluster.places[index]
    sqs = client.sqs_of_users(endpoint_of(place))
    url = sqs.create_queue(QueueName=f"probe{index}")["QueueUrl"]
    return SendProbe(place, url, timeout_seconds=0.5)


@contextlib.contextmanager
def probes(cluster: Breakable) -> Iterator[list[SendProbe]]:
    """One through every node, on the queue `probe`."""
    with contextlib.ExitStack() as stack:
        found = []
        for place in cluster.places:
            url = f"{endpoint_of(place)}/{client.ACCOUNT}/probe"
            found.append(stack.enter_context(SendProbe(place, url, timeout_seconds=0.5)))
        yield found


def histories(workloads: list[Workload]) -> list[History]:
    return [workload.history for workload in workloads]


def acked(history: History) -> int:
    return sum(send.acked for send in history.sends)


def note_exceptions(figures: Figures, found: list[History], endpoints: set[str] | None = None):
    noticed = failures(found, endpoints)
    told = sum(tells_of_earlier_effect(failure) for failure in noticed)
    figures.note(exceptions=len(noticed) - told, told_of_earlier_effect=told)


def acked_within(history: History, period: Period) -> int:
    return sum(s.acked and period.started <= s.ended <= period.ended for s in history.sends)


def endpoint_of(place: Place) -> str:
    return f"http://{place.host}:{place.port}"


def rounded(seconds: list[float]) -> list[float]:
    return [round(value, 2) for value in seconds]
