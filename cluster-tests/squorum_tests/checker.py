"""Judges a queue's history after it was drained. Rules, each named in its violations:

1. lost: every acknowledged send was received at least once (P1).
2. unexpected: nothing was received that nobody tried to send.
3. doubled: a message sent by one attempt was received under one message id only; in a FIFO queue
   that holds for any number of attempts (P4).
4. exclusive: two deliveries of a message are at least its visibility timeout apart, unless somebody
   changed its visibility in between (P2).
5. resurrected: nothing is received after its delete was acknowledged (P6).
6. send order: in a group, a send acknowledged before another began has the lower number (P3).
7. delivery order: in a group, no message is received before the first receipt of one with a lower
   number, and one answer lists a group's messages in order (P3).
8. group lock: while a message of a group is in flight, no other receive gets a later one (P3).
9. deduplication: one deduplication id has one message id and one sequence number (P4, P7).
10. honest errors: no 4xx for what a correct client asked (P9).

Only what must be wrong under every possible timing of the calls is reported: a call's effect may
have happened at any moment between its start and its end.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from squorum_tests.history import Delivery, Failure, History, Send

VIOLATIONS_SHOWN = 10
# The server's clock and this process's may run at slightly different speeds.
CLOCK_TOLERANCE_SECONDS = 0.05
# A consumer that was slow, or whose earlier attempt took effect, is told so: no lie of the server.
LATE_TEXTS = ("The receipt handle has expired", "not available for visibility timeout change")


@dataclass(frozen=True)
class Violation:
    rule: str
    text: str

    def __str__(self):
        return f"{self.rule}: {self.text}"


@dataclass
class Verdict:
    queue: str
    attempted: int = 0
    acked: int = 0
    received: int = 0
    recovered: int = 0
    doubled: int = 0
    redelivered: int = 0
    violations: list[Violation] = field(default_factory=list)

    def add(self, rule: str, text: str) -> None:
        self.violations.append(Violation(rule, text))

    def rules(self) -> set[str]:
        return {violation.rule for violation in self.violations}

    def summary(self) -> str:
        return (
            f"{self.queue}: {self.attempted} attempted, {self.acked} acknowledged, "
            f"{self.received} received, {self.recovered} received without acknowledgement, "
            f"{self.doubled} doubled by retries, {self.redelivered} delivered again, "
            f"{len(self.violations)} violations"
        )

    def assert_clean(self) -> None:
        shown = "\n".join(str(violation) for violation in self.violations[:VIOLATIONS_SHOWN])
        assert not self.violations, f"{self.summary()}\n{shown}"


def check(history: History) -> Verdict:
    """The verdict on a history whose queue was drained for at least one visibility timeout."""
    verdict = Verdict(history.queue)
    check_multiset(history, verdict)
    check_exclusive(history, verdict)
    check_deleted(history, verdict)
    check_errors(history, verdict)
    if history.fifo:
        check_send_order(history, verdict)
        check_delivery_order(history, verdict)
        check_group_lock(history, verdict)
        check_deduplication(history, verdict)
    return verdict


def check_multiset(history: History, verdict: Verdict) -> None:
    attempts: dict[str, int] = defaultdict(int)
    acked: set[str] = set()
    for send in history.sends:
        # A call that failed may have been tried any number of times.
        attempts[send.tag] += send.attempts if send.acked else 2
        if send.acked:
            acked.add(send.tag)
    ids: dict[str, set[str]] = defaultdict(set)
    for delivery in history.deliveries:
        ids[delivery.tag].add(delivery.message_id)

    verdict.attempted, verdict.acked, verdict.received = len(attempts), len(acked), len(ids)
    verdict.recovered = len((ids.keys() & attempts.keys()) - acked)
    verdict.doubled = sum(1 for tag_ids in ids.values() if len(tag_ids) > 1)
    verdict.redelivered = len(history.deliveries) - sum(len(tag_ids) for tag_ids in ids.values())
    for tag in sorted(acked - ids.keys()):
        verdict.add("lost", f"{tag} was acknowledged and never received")
    for tag in sorted(ids.keys() - attempts.keys()):
        verdict.add("unexpected", f"{tag[:80]} was received and never sent")
    for tag, tag_ids in sorted(ids.items()):
        if len(tag_ids) > 1 and (history.fifo or attempts[tag] == 1):
            verdict.add("doubled", f"{tag}, {attempts[tag]} attempts: {sorted(tag_ids)}")


def check_exclusive(history: History, verdict: Verdict) -> None:
    changes = first_starts(history.visibility_changes)
    for message_id, deliveries in by_message(history.deliveries).items():
        changed = changes.get(message_id, float("inf"))
        for index, later in enumerate(deliveries):
            for earlier in deliveries[:index]:
                apart = max(earlier.ended, later.ended) - earlier.started
                timeout = earlier.visibility_timeout_seconds - CLOCK_TOLERANCE_SECONDS
                if apart < timeout and changed > max(earlier.ended, later.ended):
                    verdict.add("exclusive", f"{earlier.tag} twice in {apart:.3f} s: {message_id}")


def check_deleted(history: History, verdict: Verdict) -> None:
    deleted: dict[str, float] = {}
    for delete in history.deletes:
        if delete.acked:
            known = deleted.get(delete.message_id, float("inf"))
            deleted[delete.message_id] = min(known, delete.ended)
    for delivery in history.deliveries:
        since = delivery.started - deleted.get(delivery.message_id, float("inf"))
        if since > 0:
            verdict.add("resurrected", f"{delivery.tag} received {since:.3f} s after its delete")


def check_errors(history: History, verdict: Verdict) -> None:
    for failure in history.failures:
        if is_refusal(failure):
            verdict.add("honest errors", str(failure))


def is_refusal(failure: Failure) -> bool:
    """Whether the server blamed the client without reason. To ask it to slow down is no blame."""
    is_late = any(text in failure.message for text in LATE_TEXTS)
    return 400 <= failure.status < 500 and "Throttl" not in failure.code and not is_late


def check_send_order(history: History, verdict: Verdict) -> None:
    """A retry's answer carries the first attempt's number, so the interval of a message runs from
    its first attempt's start to its first acknowledgement."""
    first_attempt: dict[str, float] = {}
    first_ack: dict[str, Send] = {}
    for send in history.sends:
        first_attempt[send.tag] = min(first_attempt.get(send.tag, send.started), send.started)
        if send.acked and (send.tag not in first_ack or send.ended < first_ack[send.tag].ended):
            first_ack[send.tag] = send
    groups: dict[str, list[Send]] = defaultdict(list)
    for send in first_ack.values():
        groups[send.group].append(send)
    for group, sends in groups.items():
        by_end = sorted(sends, key=lambda send: send.ended)
        done, highest = 0, None
        for send in sorted(sends, key=lambda send: first_attempt[send.tag]):
            while done < len(by_end) and by_end[done].ended < first_attempt[send.tag]:
                if highest is None or by_end[done].sequence_number > highest.sequence_number:
                    highest = by_end[done]
                done += 1
            if highest is not None and highest.sequence_number >= send.sequence_number:
                verdict.add("send order", f"{group}: {highest.tag} has a number above {send.tag}")


def check_delivery_order(history: History, verdict: Verdict) -> None:
    first: dict[tuple, Delivery] = {}
    last_in_answer: dict[tuple, Delivery] = {}
    for delivery in sorted(history.deliveries, key=lambda d: (d.receive, d.position)):
        key = (delivery.group, delivery.sequence_number)
        if key not in first or delivery.ended < first[key].ended:
            first[key] = delivery
        answer = (delivery.receive, delivery.group)
        before = last_in_answer.get(answer)
        if before is not None and before.sequence_number >= delivery.sequence_number:
            verdict.add("delivery order", f"one answer: {before.tag} before {delivery.tag}")
        last_in_answer[answer] = delivery

    earliest_later: dict[str, Delivery] = {}
    for (group, _), delivery in sorted(first.items(), key=lambda item: item[0], reverse=True):
        later = earliest_later.get(group)
        if later is not None and later.ended < delivery.started:
            text = f"{group}: {later.tag} was received before {delivery.tag}"
            verdict.add("delivery order", text)
        if later is None or delivery.ended < later.ended:
            earliest_later[group] = delivery


def check_group_lock(history: History, verdict: Verdict) -> None:
    touched = first_starts(history.deletes)
    for message_id, started in first_starts(history.visibility_changes).items():
        touched[message_id] = min(touched.get(message_id, float("inf")), started)
    groups: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in history.deliveries:
        groups[delivery.group].append(delivery)
    for group, deliveries in groups.items():
        deliveries.sort(key=lambda delivery: delivery.started)
        window: list[Delivery] = []
        for later in deliveries:
            window = [d for d in window if in_flight_until(d, touched) > later.started]
            for held in window:
                if (
                    held.receive != later.receive
                    and held.sequence_number < later.sequence_number
                    and held.ended < later.started
                    and later.ended < in_flight_until(held, touched)
                ):
                    text = f"{group}: {later.tag} received while {held.tag} was in flight"
                    verdict.add("group lock", text)
            window.append(later)


def check_deduplication(history: History, verdict: Verdict) -> None:
    numbers: dict[str, set[tuple]] = defaultdict(set)
    for record in (*(s for s in history.sends if s.acked), *history.deliveries):
        numbers[record.deduplication_id].add((record.message_id, record.sequence_number))
    for deduplication_id, found in numbers.items():
        if len(found) > 1:
            verdict.add("deduplication", f"{deduplication_id}: {sorted(found)}")


def by_message(deliveries: list[Delivery]) -> dict[str, list[Delivery]]:
    """Deliveries of each message in the order in which their receives began."""
    found: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        found[delivery.message_id].append(delivery)
    for message_deliveries in found.values():
        message_deliveries.sort(key=lambda delivery: delivery.started)
    return found


def first_starts(records) -> dict[str, float]:
    """When the first attempt on each message began, acknowledged or not."""
    starts: dict[str, float] = {}
    for record in records:
        starts[record.message_id] = min(starts.get(record.message_id, float("inf")), record.started)
    return starts


def in_flight_until(delivery: Delivery, touched: dict[str, float]) -> float:
    """Up to when the delivery was certainly in flight: its timeout, or the first attempt ever to
    delete or change the message."""
    timeout = delivery.started + delivery.visibility_timeout_seconds - CLOCK_TOLERANCE_SECONDS
    return min(timeout, touched.get(delivery.message_id, float("inf")))
