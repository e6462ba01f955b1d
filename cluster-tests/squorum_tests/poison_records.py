"""What became of every message of a load with poison, and whether that is right."""

import threading
from collections import Counter

from squorum_tests.bulk import tag_of
from squorum_tests.dead_letters import arn


def is_poison(tag: str) -> bool:
    return tag.startswith("poison")


class Records:
    """What producers and consumers of one source saw. A tag is one message that is to be sent, which a
    repeated send may make several messages of, in a standard queue."""

    def __init__(self, source: str, tags: list[str]):
        self.source, self.tags = source, tags
        # By tag. All keys are there from the start: producers and consumers share the sets.
        self.ids: dict[str, set[str]] = {tag: set() for tag in tags}
        self.sent_again: set[str] = set()
        # By message id. A delete counts that was acknowledged in time.
        self.received: Counter[str] = Counter()
        self.delete_tried: set[str] = set()
        self.deleted_at: dict[str, float] = {}
        self.poison_received = self.exceptions = 0
        self.violations: list[str] = []
        self._lock = threading.Lock()

    def settled(self) -> int:
        """Messages that somebody tried to delete, and poison that was received."""
        return len(self.delete_tried) + self.poison_received

    def note_received(self, message: dict, started: float) -> None:
        """By a call that began at `started`."""
        message_id, tag = message["MessageId"], tag_of(message)
        if tag not in self.ids:
            self.violations.append(f"{tag[:80]} {message_id} was never sent")
            return
        with self._lock:
            self.ids[tag].add(message_id)
            self.received[message_id] += 1
            if is_poison(tag) and self.received[message_id] == 1:
                self.poison_received += 1
        if self.deleted_at.get(message_id, float("inf")) < started:
            self.violations.append(f"{tag} {message_id} was received after its delete")


def judge(records: Records, dead: list[dict], receives_max: int) -> dict[str, int]:
    """Counts of what became of the messages, once the source is empty and `dead` is all that was in
    the dead-letter queue. Violations are added to those of the records."""
    fifo, violations = records.source.endswith(".fifo"), records.violations
    buried = Counter(message["MessageId"] for message in dead)
    for message in dead:
        check_dead(records, message, receives_max)
    for message_id, times in buried.items():
        if times > 1:
            violations.append(f"{message_id} is {times} times in the dead-letter queue")
    for message_id, times in records.received.items():
        if times > receives_max:
            violations.append(f"{message_id} was received {times} times")
    lost = 0
    for tag in records.tags:
        ids = records.ids[tag]
        if len(ids) != 1 and (fifo or not ids or tag not in records.sent_again):
            violations.append(f"{tag} has the message ids {sorted(ids)}")
        # Differences and unions of whole sets would take a hundred thousand steps a message.
        missing = [id for id in ids if id not in buried]
        if not is_poison(tag):
            missing = [id for id in missing if id not in records.delete_tried]
        lost += len(missing) + (not ids)
        violations += [f"{tag} {message_id} is nowhere" for message_id in missing]
        if not is_poison(tag):
            twice = [id for id in ids if id in buried and id in records.deleted_at]
            violations += [
                f"{tag} {message_id} was deleted and is a dead letter" for message_id in twice
            ]
    poison = [message for message in dead if is_poison(tag_of(message))]
    return {
        "poison": sum(map(is_poison, records.tags)),
        "poison_dead": len({tag_of(message) for message in poison}),
        "sound_dead": len(dead) - len(poison),
        "handled": len(records.delete_tried),
        "sent_twice_by_retries": sum(len(records.ids[tag]) > 1 for tag in records.tags),
        "receives_not_seen": sum(
            receives_max - records.received[message["MessageId"]] for message in dead
        ),
        "lost": lost,
        "exceptions": records.exceptions,
        "violations": len(violations),
    }


def check_dead(records: Records, message: dict, receives_max: int) -> None:
    tag, message_id, attributes = tag_of(message), message["MessageId"], message["Attributes"]
    if tag not in records.ids:
        records.violations.append(f"{tag[:80]} {message_id} was never sent")
        return
    records.ids[tag].add(message_id)
    count = int(attributes["ApproximateReceiveCount"])
    # That by which it was received from the dead-letter queue included.
    if count != receives_max + 1:
        records.violations.append(f"{tag} {message_id} has left after {count - 1} receives")
    if attributes.get("DeadLetterQueueSourceArn") != arn(records.source):
        records.violations.append(f"{tag} {message_id} came from {attributes}")
