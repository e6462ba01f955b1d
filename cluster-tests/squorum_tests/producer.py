"""A producer that repeats a send until it is acknowledged, as a careful application would."""

import threading
import time

from squorum_tests.caller import Caller
from squorum_tests.history import History, Send
from squorum_tests.profile import Profile

RETRY_PAUSE_SECONDS = 0.05


class Producer:
    def __init__(self, sqs, queue_url: str, profile: Profile, history: History, index: int):
        self._sqs = sqs
        self._caller = Caller(history, queue_url)
        self._profile = profile
        self._history = history
        self._index = index

    def run(self, producing: threading.Event) -> None:
        """Sends while `producing` is set, and then until the last message is acknowledged."""
        number = 0
        while producing.is_set():
            tag = f"{self._profile.queue_name}-p{self._index}-{number}"
            group = f"p{self._index}-g{number % self._profile.groups_per_producer}"
            while not self._send_once(tag, group):
                time.sleep(RETRY_PAUSE_SECONDS)
            number += 1
            time.sleep(self._profile.producer_pause_seconds)

    def _send_once(self, tag: str, group: str) -> bool:
        fifo = {"MessageGroupId": group, "MessageDeduplicationId": tag}
        started = time.monotonic()
        answer = self._caller.call(
            self._sqs.send_message,
            MessageBody=self._profile.body_of(tag),
            **(fifo if self._profile.fifo else {}),
        )
        number = int(answer["SequenceNumber"]) if answer and self._profile.fifo else None
        self._history.sends.append(
            Send(
                queue=self._profile.queue_name,
                tag=tag,
                started=started,
                ended=time.monotonic(),
                acked=answer is not None,
                message_id=answer["MessageId"] if answer else None,
                group=group if self._profile.fifo else None,
                deduplication_id=tag if self._profile.fifo else None,
                sequence_number=number,
            )
        )
        return answer is not None
