"""A load of which some messages are poison: consumers never delete those."""

import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from squorum_tests import client
from squorum_tests.bulk import entry_of, group_of, handles, tag_of
from squorum_tests.poison_records import Records, is_poison
from squorum_tests.queue import Queue

PRODUCERS, CONSUMERS = 4, 8
POISON_EVERY = 10
BODY_BYTES = 256
# Poison that a consumer neither deletes nor returns: it comes back by itself.
FORGET_SHARE = 0.03
CLOCK_TOLERANCE_SECONDS = 0.1
RETRY_PAUSE_SECONDS = 0.05
SEND_DEADLINE_SECONDS = 60.0


class PoisonLoad:
    """Producers send `count` messages, as many as were released; consumers settle what they get."""

    def __init__(
        self, endpoint: str, source: Queue, count: int, visibility_seconds: int, seed: int
    ):
        self._endpoint, self._source, self._seed = endpoint, source, seed
        self._visibility_seconds = visibility_seconds
        kinds = ("poison" if n % POISON_EVERY == 0 else "sound" for n in range(count))
        tags = [f"{kind}-{n}" for n, kind in enumerate(kinds)]
        self.records = Records(source.name, tags)
        self._groups = max(50, count // 50)
        self._next, self._released = 0, 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(PRODUCERS + CONSUMERS)
        self._producers = [self._start(self._produce, n) for n in range(PRODUCERS)]
        self._consumers = [self._start(self._consume, n) for n in range(CONSUMERS)]

    def release(self, share: float) -> int:
        """Lets producers send up to this share of all; returns how many messages those are."""
        self._released = round(share * len(self.records.tags) / 10) * 10
        return self._released

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
            role, Queue(client.sqs_of_users(self._endpoint), self._source.url), number
        )

    def _batch(self) -> list[str]:
        with self._lock:
            first = self._next
            self._next = min(first + 10, max(first, self._released))
            return self.records.tags[first : self._next]

    def _produce(self, queue: Queue, _: int) -> None:
        while not self._over.is_set() and self._next < len(self.records.tags):
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
            self.records.ids[tags[n]].add(message_id)
        left = [tag for n, tag in enumerate(tags) if n not in sent]
        if left or answer["ResponseMetadata"].get("RetryAttempts", 0):
            self.records.sent_again.update(tags)
        return left

    def _call(self, action, **parameters) -> dict:
        try:
            return action(QueueUrl=self._source.url, **parameters)
        except (BotoCoreError, ClientError):
            self.records.exceptions += 1
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
                self.records.note_received(message, started)
            poison = [message for message in messages if is_poison(tag_of(message))]
            sound = [message for message in messages if not is_poison(tag_of(message))]
            if sound:
                self._delete(queue, sound, started)
            back = [message for message in poison if randomness.random() >= FORGET_SHARE]
            if back:
                entries = [{**entry, "VisibilityTimeout": 0} for entry in handles(back)]
                self._call(queue.sqs.change_message_visibility_batch, Entries=entries)

    def _delete(self, queue: Queue, messages: list[dict], received: float) -> None:
        self.records.delete_tried.update(message["MessageId"] for message in messages)
        answer = self._call(queue.sqs.delete_message_batch, Entries=handles(messages))
        ended = time.monotonic()
        # Later it may have been somebody else's.
        if ended - received < self._visibility_seconds - CLOCK_TOLERANCE_SECONDS:
            for entry in answer.get("Successful", []):
                self.records.deleted_at[messages[int(entry["Id"])]["MessageId"]] = ended
