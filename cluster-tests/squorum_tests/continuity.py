"""Judges what clients noticed of a fault, over the histories of all their queues. Rules:

1. exception: no exception reached a client that the fault does not concern. Not counted is what SQS
   itself answers to a retry of a change of visibility that had taken effect before its answer was
   lost: that the message is not in flight any more.
2. gap: such clients together never went longer without an acknowledged send than the bar says.
3. false success: a node that reaches no majority acknowledges nothing, and does not claim either
   that a queue is empty.
4. false refusal: it blames no client (4xx) for what is its own trouble.
5. recovery: its clients see no exception in calls that began later than the bar after healing.
6. delivery: once all is healed, a message waits no longer than the bar for its first receipt (P5).

As in the checker, only what is wrong under every possible timing of the calls is reported.
"""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from squorum_tests.checker import Violation, is_refusal
from squorum_tests.history import Failure, History

VIOLATIONS_SHOWN = 10
# A leader that was cut off may go on to read, not to write, until its lease ends.
LEASE_SECONDS_MAX = 1.0
NOT_IN_FLIGHT = "not available for visibility timeout change"


@dataclass(frozen=True)
class Period:
    """When a fault lasted: `started` once it was complete, `ended` before it was undone."""

    started: float
    ended: float


# How long the clients themselves stood still between two moments.
Stalled = Callable[[float, float], float]


def never(_earlier: float, _later: float) -> float:
    return 0.0


def longest_gap(
    histories: Iterable[History],
    period: Period,
    endpoints: set[str] | None = None,
    stalled: Stalled = never,
) -> float:
    """The longest time within `period` without an acknowledged send by the clients of `endpoints`
    (all if not said), without that for which they stood still themselves."""
    times = sorted(
        send.ended
        for history in histories
        for send in history.sends
        if send.acked and period.started <= send.ended <= period.ended and at(send, endpoints)
    )
    edges = [period.started, *times, period.ended]
    pairs = itertools.pairwise(edges)
    return max(later - earlier - stalled(earlier, later) for earlier, later in pairs)


def check_gap(
    histories: Iterable[History],
    period: Period,
    seconds_max: float,
    endpoints: set[str] | None = None,
    stalled: Stalled = never,
) -> list[Violation]:
    gap = longest_gap(histories, period, endpoints, stalled)
    return [Violation("gap", f"{gap:.2f} s without a send")] if gap > seconds_max else []


def check_exceptions(
    histories: Iterable[History], endpoints: set[str] | None = None
) -> list[Violation]:
    found = failures(histories, endpoints)
    return [Violation("exception", str(f)) for f in found if not tells_of_earlier_effect(f)]


def tells_of_earlier_effect(failure: Failure) -> bool:
    return (
        failure.action == "ChangeMessageVisibility"
        and failure.attempts > 1
        and failure.status == 400
        and NOT_IN_FLIGHT in failure.message
    )


def check_cut_off(
    histories: list[History], endpoint: str, cut: Period, recovery_seconds_max: float
) -> list[Violation]:
    """On the clients of a node that reached no majority during `cut`."""
    own = {endpoint}
    after_lease = Period(cut.started + LEASE_SECONDS_MAX, cut.ended)
    found = []
    for history in histories:
        writes = [r for r in (*history.sends, *history.deletes) if r.acked and within(r, cut)]
        reads = [r for r in history.empty_receives if within(r, after_lease)]
        for record in (*writes, *reads):
            if record.endpoint == endpoint:
                found.append(Violation("false success", f"{record} while cut off"))
    for failure in failures(histories, own):
        if is_refusal(failure):
            found.append(Violation("false refusal", str(failure)))
        since = failure.started - cut.ended
        if since > recovery_seconds_max:
            found.append(Violation("recovery", f"{since:.1f} s after healing: {failure}"))
    return found


def check_delivery(histories: list[History], healed: float, seconds_max: float) -> list[Violation]:
    """Of a message that was acknowledged before healing, from then on; of a later one, from its
    acknowledgement on."""
    found = []
    for history in histories:
        first: dict[str, float] = {}
        for delivery in history.deliveries:
            known = first.get(delivery.tag, float("inf"))
            first[delivery.tag] = min(known, delivery.started)
        for send in history.sends:
            waited = first.get(send.tag, float("inf")) - max(healed, send.ended)
            if send.acked and waited > seconds_max:
                found.append(Violation("delivery", f"{send.tag} waited {waited:.1f} s"))
    return found


def failures(histories: Iterable[History], endpoints: set[str] | None) -> list[Failure]:
    return [f for history in histories for f in history.failures if at(f, endpoints)]


def at(record, endpoints: set[str] | None) -> bool:
    return endpoints is None or record.endpoint in endpoints


def within(record, period: Period) -> bool:
    return period.started < record.started and record.ended < period.ended


def assert_none(violations: list[Violation]) -> None:
    shown = "\n".join(str(violation) for violation in violations[:VIOLATIONS_SHOWN])
    assert not violations, f"{len(violations)} violations\n{shown}"
