"""Calls whose outcome may be unknown: what the server answered is told from what broke."""

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from squorum_tests.history import ErrorAnswer, History

# A consumer that was slow, or whose earlier attempt took effect, is told so: no lie of the server.
LATE_TEXTS = ("The receipt handle has expired", "not available for visibility timeout change")


class Caller:
    """Calls actions on one queue and records the errors that the server answers."""

    def __init__(self, history: History, queue_url: str):
        self._history = history
        self._queue_url = queue_url

    def call(self, action: Callable, **parameters) -> dict | None:
        """The answer, or None when the outcome is unknown or the server answered an error."""
        try:
            return action(QueueUrl=self._queue_url, **parameters)
        except ClientError as error:
            details = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            code, text = details.get("Code", ""), details.get("Message", "")
            self.note(error.operation_name, status, code, text)
        except BotoCoreError:
            pass
        return None

    def note(self, action: str, status: int, code: str, text: str) -> None:
        """Records an error of a call or of a batch's entry, unless a correct client must expect it."""
        if not any(late in text for late in LATE_TEXTS) and "Throttl" not in code:
            error = ErrorAnswer(self._history.queue, action, status, code, text)
            self._history.errors.append(error)
