"""A producer that repeats a send until it is acknowledged, as a careful application would."""

import threading
import time

from squorum_tests.caller import Caller
from squorum_tests.history import History, Send
from squorum_tests.profile import Profile

RETRY_PAUSE_SECONDS = 0.05


class Producer:
    def __init__(self, sqs, caller: Caller, profile: Profile, history: History, index: int):
        self._sqs = sqs
        self._caller = caller
        self._profile = profile
        self._history = history
        self._index = index

    def run(self, producing: threading.Event) -> None:
        """Sends while `producing` is set, and then until the last message is acknowledged."""
        number = 0
        while producing.is_set():
            began = time.monotonic()
            tag = f"{self._profile.queue_name}-p{self._index}-{number}"
            group = f"p{self._index}-g{number % self._profile.groups_per_producer}"
            while not self._send_once(tag, group):
                time.sleep(RETRY_PAUSE_SECONDS)
            number += 1
            period_left = began + self._profile.send_period_seconds - time.monotonic()
            time.sleep(max(self._profile.producer_pause_seconds, period_left))

    def _send_once(self, tag: str, group: str) -> bool:
        fifo = {"MessageGroupId": group, "MessageDeduplicationId": tag}
        started = time.monotonic()
        done = self._caller.call(
            self._sqs.send_message,
            MessageBody=self._profile.body_of(tag),
            **(fifo if self._profile.fifo else {}),
        )
        answer = done.answer if done else {}
        number = answer.get("SequenceNumber")
        self._history.sends.append(
            Send(
                queue=self._profile.queue_name,
                tag=tag,
                started=started,
                ended=time.monotonic(),
                acked=done is not None,
                message_id=answer.get("MessageId"),
                group=group if self._profile.fifo else None,
                deduplication_id=tag if self._profile.fifo else None,
                sequence_number=int(number) if number else None,
                endpoint=self._caller.endpoint,
                attempts=done.attempts if done else 1,
            )
        )
        return done is not None
