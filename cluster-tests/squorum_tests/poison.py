"""A load of which some messages are poison: consumers never delete those. What became of each message
is judged by its message id, under every timing that the records allow."""

import random
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from squorum_tests import client
from squorum_tests.dead_letters import arn, entry_of, group_of, handles, tag_of
from squorum_tests.queue import Queue

PRODUCERS, CONSUMERS = 4, 8
POISON_EVERY = 10
BODY_BYTES = 256
# Poison that a consumer neither deletes nor returns: it comes back by itself.
FORGET_SHARE = 0.03
CLOCK_TOLERANCE_SECONDS = 0.1
RETRY_PAUSE_SECONDS = 0.05
SEND_DEADLINE_SECONDS = 60.0


def is_poison(tag: str) -> bool:
    return tag.startswith("poison")


class PoisonLoad:
    """Producers send `count` messages, as many as were released; consumers settle what they get."""

    def __init__(
        self, endpoint: str, source: Queue, count: int, visibility_seconds: int, seed: int
    ):
        self._endpoint, self.source, self._seed = endpoint, source, seed
        self._visibility_seconds = visibility_seconds
        kinds = ("poison" if n % POISON_EVERY == 0 else "sound" for n in range(count))
        self.tags = [f"{kind}-{n}" for n, kind in enumerate(kinds)]
        self._groups = max(50, count // 50)
        self._next, self._released, self._poison_received = 0, 0, 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.exceptions = 0
        # By tag. All keys are there from the start: producers and consumers share the sets.
        self.ids: dict[str, set[str]] = {tag: set() for tag in self.tags}
        self.sent_again: set[str] = set()
        # By message id. A delete counts that was acknowledged in time.
        self.received: Counter[str] = Counter()
        self.delete_tried: set[str] = set()
        self.deleted_at: dict[str, float] = {}
        self.violations: list[str] = []
        self._pool = ThreadPoolExecutor(PRODUCERS + CONSUMERS)
        self._producers = [self._start(self._produce, n) for n in range(PRODUCERS)]
        self._consumers = [self._start(self._consume, n) for n in range(CONSUMERS)]

    def release(self, share: float) -> int:
        """Lets producers send up to this share of all; returns how many messages those are."""
        self._released = round(share * len(self.tags) / 10) * 10
        return self._released

    def settled(self) -> int:
        """Messages that were deleted, and poison that was received."""
        return len(self.delete_tried) + self._poison_received

    def stop(self) -> None:
        self._over.set()
        self._pool.shutdown()
        self.assert_no_failure()

    def wait_until_sent(self) -> None:
        """Until everything was acknowledged. All must be released."""
        for producer in self._producers:
            producer.result(SEND_DEADLINE_SECONDS)

    def assert_no_failure(self) -> None:
        for worker in self._producers + self._consumers:
            if worker.done():
                worker.result()

    def _start(self, role, number: int) -> Future:
        return self._pool.submit(
            role, Queue(client.sqs_of_users(self._endpoint), self.source.url), number
        )

    def _batch(self) -> list[str]:
        with self._lock:
            first = self._next
            self._next = min(first + 10, max(first, self._released))
            return self.tags[first : self._next]

    def _produce(self, queue: Queue, _: int) -> None:
        while not self._over.is_set() and self._next < len(self.tags):
            left = self._batch()
            if not left:
                time.sleep(RETRY_PAUSE_SECONDS)
            while left:
                left = self._send(queue, left)

    def _send(self, queue: Queue, tags: list[str]) -> list[str]:
        """Returns those that were not acknowledged."""
        fifo = queue.name.endswith(".fifo")
        groups = [group_of(tag, self._groups) if fifo else None for tag in tags]
        entries = [
            entry_of(n, tag, BODY_BYTES, group)
            for n, (tag, group) in enumerate(zip(tags, groups, strict=True))
        ]
        answer = self._call(queue.sqs.send_message_batch, Entries=entries)
        sent = {int(entry["Id"]): entry["MessageId"] for entry in answer.get("Successful", [])}
        for n, message_id in sent.items():
            self.ids[tags[n]].add(message_id)
        left = [tag for n, tag in enumerate(tags) if n not in sent]
        if left or answer["ResponseMetadata"].get("RetryAttempts", 0):
            self.sent_again.update(tags)
        return left

    def _call(self, action, **parameters) -> dict:
        try:
            return action(QueueUrl=self.source.url, **parameters)
        except (BotoCoreError, ClientError):
            self.exceptions += 1
            time.sleep(RETRY_PAUSE_SECONDS)
            return {"ResponseMetadata": {}}

    def _consume(self, queue: Queue, number: int) -> None:
        randomness = random.Random(self._seed * 1000 + number)
        while not self._over.is_set():
            started = time.monotonic()
            answer = self._call(
                queue.sqs.receive_message,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=1,
            )
            messages = answer.get("Messages", [])
            for message in messages:
                self._note(message, started)
            poison = [message for message in messages if is_poison(tag_of(message))]
            sound = [message for message in messages if not is_poison(tag_of(message))]
            if sound:
                self._delete(queue, sound, started)
            back = [message for message in poison if randomness.random() >= FORGET_SHARE]
            if back:
                entries = [{**entry, "VisibilityTimeout": 0} for entry in handles(back)]
                self._call(queue.sqs.change_message_visibility_batch, Entries=entries)

    def _note(self, message: dict, started: float) -> None:
        message_id, tag = message["MessageId"], tag_of(message)
        with self._lock:
            self.ids[tag].add(message_id)
            self.received[message_id] += 1
            if is_poison(tag) and self.received[message_id] == 1:
                self._poison_received += 1
        if self.deleted_at.get(message_id, float("inf")) < started:
            self.violations.append(f"{tag} {message_id} was received after its delete")

    def _delete(self, queue: Queue, messages: list[dict], received: float) -> None:
        self.delete_tried.update(message["MessageId"] for message in messages)
        answer = self._call(queue.sqs.delete_message_batch, Entries=handles(messages))
        ended = time.monotonic()
        # Later it may have been somebody else's.
        if ended - received < self._visibility_seconds - CLOCK_TOLERANCE_SECONDS:
            for entry in answer.get("Successful", []):
                self.deleted_at[messages[int(entry["Id"])]["MessageId"]] = ended


def judge(load: PoisonLoad, dead: list[dict], receives_max: int) -> dict[str, int]:
    """Counts of what became of the messages, once the source is empty and `dead` is all that was in
    the dead-letter queue. Violations are added to those of the load."""
    fifo, violations = load.source.name.endswith(".fifo"), load.violations
    buried = Counter(message["MessageId"] for message in dead)
    for message in dead:
        check_dead(load, message, receives_max)
    for message_id, times in buried.items():
        if times > 1:
            violations.append(f"{message_id} is {times} times in the dead-letter queue")
    for message_id, times in load.received.items():
        if times > receives_max:
            violations.append(f"{message_id} was received {times} times")
    lost = 0
    for tag in load.tags:
        ids = load.ids[tag]
        if len(ids) != 1 and (fifo or not ids or tag not in load.sent_again):
            violations.append(f"{tag} has the message ids {sorted(ids)}")
        # Differences and unions of whole sets would take a hundred thousand steps a message.
        missing = [id for id in ids if id not in buried]
        if not is_poison(tag):
            missing = [id for id in missing if id not in load.delete_tried]
        lost += len(missing) + (not ids)
        violations += [f"{tag} {message_id} is nowhere" for message_id in missing]
        if not is_poison(tag):
            twice = [id for id in ids if id in buried and id in load.deleted_at]
            violations += [
                f"{tag} {message_id} was deleted and is a dead letter" for message_id in twice
            ]
    poison = [message for message in dead if is_poison(tag_of(message))]
    return {
        "poison": sum(map(is_poison, load.tags)),
        "poison_dead": len({tag_of(message) for message in poison}),
        "sound_dead": len(dead) - len(poison),
        "handled": len(load.delete_tried),
        "sent_twice_by_retries": sum(len(load.ids[tag]) > 1 for tag in load.tags),
        "receives_not_seen": sum(
            receives_max - load.received[message["MessageId"]] for message in dead
        ),
        "lost": lost,
        "exceptions": load.exceptions,
        "violations": len(violations),
    }


def check_dead(load: PoisonLoad, message: dict, receives_max: int) -> None:
    tag, message_id, attributes = tag_of(message), message["MessageId"], message["Attributes"]
    if tag not in load.ids:
        load.violations.append(f"{tag[:80]} {message_id} was never sent")
        return
    load.ids[tag].add(message_id)
    count = int(attributes["ApproximateReceiveCount"])
    # That by which it was received from the dead-letter queue included.
    if count != receives_max + 1:
        load.violations.append(f"{tag} {message_id} has left after {count - 1} receives")
    if attributes.get("DeadLetterQueueSourceArn") != arn(load.source.name):
        load.violations.append(f"{tag} {message_id} came from {attributes}")
