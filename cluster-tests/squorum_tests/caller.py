"""Calls whose outcome may be unknown: what the server answered is told from what broke."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from squorum_tests.history import Failure, History


@dataclass(frozen=True)
class Answered:
    """An answered call. `attempts` counts those that the SDK made on its own."""

    answer: dict
    started: float
    ended: float
    attempts: int


class Caller:
    """Calls actions on one queue by one client and records every exception that reaches it."""

    def __init__(self, history: History, queue_url: str, endpoint: str):
        self._history = history
        self._queue_url = queue_url
        self.endpoint = endpoint

    def call(self, action: Callable, **parameters) -> Answered | None:
        """None when the call raised: its outcome is unknown, or the server answered an error."""
        started = time.monotonic()
        try:
            answer = action(QueueUrl=self._queue_url, **parameters)
            attempts = answer["ResponseMetadata"].get("RetryAttempts", 0) + 1
            return Answered(answer, started, time.monotonic(), attempts)
        except ClientError as error:
            details = error.response["Error"]
            metadata = error.response["ResponseMetadata"]
            status, attempts = metadata["HTTPStatusCode"], metadata.get("RetryAttempts", 0) + 1
            code, text = details.get("Code", ""), details.get("Message", "")
            self.note(error.operation_name, started, status, code, text, attempts)
        except BotoCoreError as error:
            self.note(action.__name__, started, 0, type(error).__name__, str(error))
        return None

    def note(
        self, action: str, started: float, status: int, code: str, text: str, attempts: int = 1
    ) -> None:
        """Records a failure of a call or of a batch's entry; status 0 when nothing was answered."""
        self._history.failures.append(
            Failure(
                queue=self._history.queue,
                action=action,
                endpoint=self.endpoint,
                started=started,
                ended=time.monotonic(),
                status=status,
                code=code,
                message=text,
                attempts=attempts,
            )
        )
