"""A consumer that deletes what it received, and now and then forgets or returns a message."""

import random
import threading
import time

from squorum_tests.caller import Caller
from squorum_tests.history import Delete, Delivery, EmptyReceive, History, VisibilityChange
from squorum_tests.profile import Profile

RETRY_PAUSE_SECONDS = 0.05


class Consumer:
    def __init__(self, sqs, caller: Caller, profile: Profile, history: History, seed: int):
        self._sqs = sqs
        self._caller = caller
        self._profile = profile
        self._history = history
        self._random = random.Random(seed)

    def run(self, consuming: threading.Event, draining: threading.Event) -> None:
        """Consumes while `consuming` is set; once `draining` is, it deletes everything."""
        while consuming.is_set():
            done = self._caller.call(
                self._sqs.receive_message,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=self._profile.wait_seconds,
                MessageSystemAttributeNames=["All"],
            )
            if done is None:
                time.sleep(RETRY_PAUSE_SECONDS)
                continue
            messages = done.answer.get("Messages", [])
            self._record(messages, done.started, done.ended)
            self._settle(messages, may_keep=not draining.is_set())

    def _record(self, messages: list[dict], started: float, ended: float) -> None:
        receive = self._history.next_receive()
        if not messages:
            name, endpoint = self._profile.queue_name, self._caller.endpoint
            self._history.empty_receives.append(EmptyReceive(name, endpoint, started, ended))
        for position, message in enumerate(messages):
            attributes = message["Attributes"]
            number = attributes.get("SequenceNumber")
            self._history.deliveries.append(
                Delivery(
                    queue=self._profile.queue_name,
                    tag=self._profile.tag_of(message["Body"]),
                    message_id=message["MessageId"],
                    receive=receive,
                    position=position,
                    started=started,
                    ended=ended,
                    visibility_timeout_seconds=self._profile.visibility_timeout_seconds,
                    group=attributes.get("MessageGroupId"),
                    deduplication_id=attributes.get("MessageDeduplicationId"),
                    sequence_number=int(number) if number else None,
                )
            )

    def _settle(self, messages: list[dict], may_keep: bool) -> None:
        """Deletes most messages, or all unless it `may_keep` some, in one batch or one by one. In a
        FIFO queue what follows a message that was kept is kept too: its turn comes later."""
        forget, give_back = self._profile.forget_probability, self._profile.return_probability
        done = []
        for message in messages:
            fate = self._random.random() if may_keep else 1.0
            if fate >= forget + give_back:
                done.append(message)
                continue
            if fate >= forget:
                self._return(message)
            if self._profile.fifo:
                break
        if len(done) > 1 and self._random.random() < self._profile.batch_probability:
            self._delete_batch(done)
        else:
            for message in done:
                self._delete(message)

    def _delete(self, message: dict) -> None:
        started = time.monotonic()
        handle = message["ReceiptHandle"]
        done = self._caller.call(self._sqs.delete_message, ReceiptHandle=handle)
        self._record_delete(message, started, done is not None)

    def _delete_batch(self, messages: list[dict]) -> None:
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
            for index, message in enumerate(messages)
        ]
        started = time.monotonic()
        done = self._caller.call(self._sqs.delete_message_batch, Entries=entries)
        answer = done.answer if done else {}
        deleted = {entry["Id"] for entry in answer.get("Successful", [])}
        for failed in answer.get("Failed", []):
            status = 400 if failed["SenderFault"] else 500
            text = failed.get("Message", "")
            self._caller.note("DeleteMessageBatch", started, status, failed["Code"], text)
        for index, message in enumerate(messages):
            self._record_delete(message, started, str(index) in deleted)

    def _record_delete(self, message: dict, started: float, acked: bool) -> None:
        self._history.deletes.append(
            Delete(
                self._profile.queue_name,
                message["MessageId"],
                started,
                time.monotonic(),
                acked,
                self._caller.endpoint,
            )
        )

    def _return(self, message: dict) -> None:
        started = time.monotonic()
        done = self._caller.call(
            self._sqs.change_message_visibility,
            ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=0,
        )
        self._history.visibility_changes.append(
            VisibilityChange(
                self._profile.queue_name,
                message["MessageId"],
                started,
                time.monotonic(),
                done is not None,
                0,
            )
        )
