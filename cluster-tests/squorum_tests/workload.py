"""Producers and consumers over boto3 that record everything they do, for campaigns with faults.

A producer repeats a send until it is acknowledged, as a careful application would; a consumer
deletes what it received, and now and then forgets a message or makes it visible again.
"""

import contextlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from squorum_tests import client
from squorum_tests.history import (
    Delete,
    Delivery,
    ErrorAnswer,
    History,
    Send,
    VisibilityChange,
)

RETRY_PAUSE_SECONDS = 0.05
FILLER = "0123456789abcdef" * 64
# A consumer that was slow, or whose earlier attempt took effect, is told so: no lie of the server.
LATE_CODES = ("The receipt handle has expired", "not available for visibility timeout change")


@dataclass(frozen=True)
class Profile:
    """How a queue is used. Probabilities are per received message."""

    queue_name: str
    producers: int = 2
    consumers: int = 2
    groups_per_producer: int = 4
    body_bytes: int = 512
    visibility_timeout_seconds: int = 4
    batch_probability: float = 0.5
    forget_probability: float = 0.01
    return_probability: float = 0.01
    producer_pause_seconds: float = 0.002

    @property
    def fifo(self) -> bool:
        return self.queue_name.endswith(".fifo")


def body_of(tag: str, body_bytes: int) -> str:
    return f"{tag}|{FILLER}"[: max(body_bytes, len(tag) + 1)]


def tag_of(body: str, body_bytes: int) -> str:
    """The tag of a body that is exactly what was sent, else the body itself, which no send has."""
    tag = body.split("|", 1)[0]
    return tag if body == body_of(tag, body_bytes) else body


class Workload:
    """One queue's producers and consumers. `stop_producers`, then `drain`, then check `history`."""

    def __init__(self, endpoint: str, profile: Profile, seed: int):
        self.profile = profile
        self.endpoint = endpoint
        self.history = History(profile.queue_name, fifo=profile.fifo)
        self._producing = threading.Event()
        self._consuming = threading.Event()
        self._draining = threading.Event()
        self._failures: list[BaseException] = []
        self.queue_url = self._create_queue()
        roles = [self._produce] * profile.producers + [self._consume] * profile.consumers
        self._threads = [
            threading.Thread(target=self._run, args=(role, index, seed * 1000 + index), daemon=True)
            for index, role in enumerate(roles)
        ]

    def _create_queue(self) -> str:
        attributes = {"VisibilityTimeout": str(self.profile.visibility_timeout_seconds)}
        if self.profile.fifo:
            attributes["FifoQueue"] = "true"
        sqs = client.sqs(self.endpoint)
        return sqs.create_queue(QueueName=self.profile.queue_name, Attributes=attributes)[
            "QueueUrl"
        ]

    def start(self) -> None:
        self._producing.set()
        self._consuming.set()
        for thread in self._threads:
            thread.start()

    def stop_producers(self, deadline_seconds: float = 60.0) -> None:
        """Returns when every message begun was acknowledged."""
        self._producing.clear()
        deadline = time.monotonic() + deadline_seconds
        for thread in self._threads[: self.profile.producers]:
            thread.join(max(0.0, deadline - time.monotonic()))
            assert not thread.is_alive(), "a producer's message was never acknowledged"

    def drain(self, deadline_seconds: float = 300.0) -> None:
        """Consumes until nothing came for more than a visibility timeout, then ends the consumers.
        From now on they neither forget nor return a message."""
        self._draining.set()
        quiet = self.profile.visibility_timeout_seconds + 2.0
        began = time.monotonic()
        while time.monotonic() - max(began, self.history.last_delivery_ended()) < quiet:
            assert time.monotonic() - began < deadline_seconds, "the queue does not get empty"
            assert not self._failures, f"a worker failed: {self._failures[0]!r}"
            time.sleep(0.1)
        self._consuming.clear()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a worker hangs"
        assert not self._failures, f"a worker failed: {self._failures[0]!r}"

    def counters(self) -> dict[str, int]:
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        sqs = client.sqs(self.endpoint)
        answer = sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)
        return {name: int(answer["Attributes"][name]) for name in names}

    def abandon(self) -> None:
        """Ends all threads of a test that failed already."""
        self._producing.clear()
        self._consuming.clear()

    def _run(self, role: Callable, index: int, seed: int) -> None:
        sqs = client.sqs(self.endpoint, read_timeout_seconds=10)
        try:
            role(sqs, index, random.Random(seed))
        except BaseException as failure:
            self._failures.append(failure)

    def _produce(self, sqs, index: int, _random: random.Random) -> None:
        number = 0
        while self._producing.is_set():
            tag = f"{self.profile.queue_name}-p{index}-{number}"
            group = f"p{index}-g{number % self.profile.groups_per_producer}"
            while not self._send_once(sqs, tag, group):
                time.sleep(RETRY_PAUSE_SECONDS)
            number += 1
            time.sleep(self.profile.producer_pause_seconds)

    def _send_once(self, sqs, tag: str, group: str) -> bool:
        fifo = {"MessageGroupId": group, "MessageDeduplicationId": tag}
        started = time.monotonic()
        answer = self._call(
            sqs.send_message,
            MessageBody=body_of(tag, self.profile.body_bytes),
            **(fifo if self.profile.fifo else {}),
        )
        number = int(answer["SequenceNumber"]) if answer and self.profile.fifo else None
        self.history.sends.append(
            Send(
                queue=self.profile.queue_name,
                tag=tag,
                started=started,
                ended=time.monotonic(),
                acked=answer is not None,
                message_id=answer["MessageId"] if answer else None,
                group=group if self.profile.fifo else None,
                deduplication_id=tag if self.profile.fifo else None,
                sequence_number=number,
            )
        )
        return answer is not None

    def _consume(self, sqs, _index: int, randomness: random.Random) -> None:
        while self._consuming.is_set():
            started = time.monotonic()
            answer = self._call(
                sqs.receive_message,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=1,
                MessageSystemAttributeNames=["All"],
            )
            if answer is None:
                time.sleep(RETRY_PAUSE_SECONDS)
                continue
            messages = answer.get("Messages", [])
            self._record(messages, started, time.monotonic())
            self._settle(sqs, messages, randomness)

    def _record(self, messages: list[dict], started: float, ended: float) -> None:
        receive = self.history.next_receive()
        for position, message in enumerate(messages):
            attributes = message["Attributes"]
            number = attributes.get("SequenceNumber")
            self.history.deliveries.append(
                Delivery(
                    queue=self.profile.queue_name,
                    tag=tag_of(message["Body"], self.profile.body_bytes),
                    message_id=message["MessageId"],
                    receive=receive,
                    position=position,
                    started=started,
                    ended=ended,
                    visibility_timeout_seconds=self.profile.visibility_timeout_seconds,
                    group=attributes.get("MessageGroupId"),
                    deduplication_id=attributes.get("MessageDeduplicationId"),
                    sequence_number=int(number) if number else None,
                )
            )

    def _settle(self, sqs, messages: list[dict], randomness: random.Random) -> None:
        """Deletes most messages, in one batch or one by one; forgets or returns the others. In a
        FIFO queue what follows a message that was kept is kept too: its turn comes later."""
        done = []
        for message in messages:
            fate = 1.0 if self._draining.is_set() else randomness.random()
            if fate >= self.profile.forget_probability + self.profile.return_probability:
                done.append(message)
                continue
            if fate >= self.profile.forget_probability:
                self._return(sqs, message)
            if self.profile.fifo:
                break
        if len(done) > 1 and randomness.random() < self.profile.batch_probability:
            self._delete_batch(sqs, done)
        else:
            for message in done:
                self._delete(sqs, message)

    def _delete(self, sqs, message: dict) -> None:
        started = time.monotonic()
        answer = self._call(sqs.delete_message, ReceiptHandle=message["ReceiptHandle"])
        self._record_delete(message, started, answer is not None)

    def _delete_batch(self, sqs, messages: list[dict]) -> None:
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
            for index, message in enumerate(messages)
        ]
        started = time.monotonic()
        answer = self._call(sqs.delete_message_batch, Entries=entries) or {}
        deleted = {entry["Id"] for entry in answer.get("Successful", [])}
        for index, message in enumerate(messages):
            self._record_delete(message, started, str(index) in deleted)

    def _record_delete(self, message: dict, started: float, acked: bool) -> None:
        name, message_id = self.profile.queue_name, message["MessageId"]
        self.history.deletes.append(Delete(name, message_id, started, time.monotonic(), acked))

    def _return(self, sqs, message: dict) -> None:
        started = time.monotonic()
        handle = message["ReceiptHandle"]
        answer = self._call(
            sqs.change_message_visibility, ReceiptHandle=handle, VisibilityTimeout=0
        )
        self.history.visibility_changes.append(
            VisibilityChange(
                self.profile.queue_name,
                message["MessageId"],
                started,
                time.monotonic(),
                answer is not None,
                0,
            )
        )

    def _call(self, action: Callable, **parameters) -> dict | None:
        """The answer, or None when the outcome is unknown or the server answered an error."""
        try:
            return action(QueueUrl=self.queue_url, **parameters)
        except ClientError as error:
            details = error.response["Error"]
            if not any(late in details.get("Message", "") for late in LATE_CODES):
                self.history.errors.append(
                    ErrorAnswer(
                        self.profile.queue_name,
                        error.operation_name,
                        error.response["ResponseMetadata"]["HTTPStatusCode"],
                        details.get("Code", ""),
                        details.get("Message", ""),
                    )
                )
        except BotoCoreError:
            pass
        return None


@contextlib.contextmanager
def running(endpoint: str, profiles: list[Profile], seed: int):
    """Workloads on several queues at once; whatever happens, their threads end with the block."""
    workloads = [Workload(endpoint, profile, seed + n) for n, profile in enumerate(profiles)]
    try:
        for workload in workloads:
            workload.start()
        yield workloads
    finally:
        for workload in workloads:
            workload.abandon()
