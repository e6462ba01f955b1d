"""What clients did and saw: one record per call, times from this process's monotonic clock.

A call's effect happened somewhere between `started` and `ended`; the checker assumes no more.
"""

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Send:
    """One call that sends the message `tag`; a retry by the application is another record with the
    same tag, retries by the SDK within the call are counted in `attempts`."""

    queue: str
    tag: str
    started: float
    ended: float
    acked: bool
    message_id: str | None = None
    group: str | None = None
    deduplication_id: str | None = None
    sequence_number: int | None = None
    endpoint: str = ""
    attempts: int = 1


@dataclass(frozen=True)
class Delivery:
    """One message of one answered receive. `receive` names the call, `position` its place in it."""

    queue: str
    tag: str
    message_id: str
    receive: int
    position: int
    started: float
    ended: float
    visibility_timeout_seconds: float
    group: str | None = None
    deduplication_id: str | None = None
    sequence_number: int | None = None


@dataclass(frozen=True)
class Delete:
    """One attempt to delete a message by the handle of one of its deliveries."""

    queue: str
    message_id: str
    started: float
    ended: float
    acked: bool
    endpoint: str = ""


@dataclass(frozen=True)
class VisibilityChange:
    """One attempt to change a delivered message's visibility timeout."""

    queue: str
    message_id: str
    started: float
    ended: float
    acked: bool
    visibility_timeout_seconds: float


@dataclass(frozen=True)
class EmptyReceive:
    """A receive that was answered, without a message."""

    queue: str
    endpoint: str
    started: float
    ended: float


@dataclass(frozen=True)
class Failure:
    """An exception that reached the application: an error that the server answered to a call or to a
    batch's entry, or, with status 0, a call without an answer. `attempts` as in a send; 1 where the
    SDK does not tell."""

    queue: str
    action: str
    endpoint: str
    started: float
    ended: float
    status: int
    code: str
    message: str
    attempts: int = 1

    def __str__(self):
        took = self.ended - self.started
        answer = f"{self.action} on {self.queue} by {self.endpoint}: {self.status} {self.code}"
        return f"{answer} after {took:.2f} s: {self.message[:120]}"


@dataclass
class History:
    """The records of one queue. Threads append, the checker reads when they are done."""

    queue: str
    fifo: bool = False
    sends: list[Send] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    deletes: list[Delete] = field(default_factory=list)
    visibility_changes: list[VisibilityChange] = field(default_factory=list)
    empty_receives: list[EmptyReceive] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def __post_init__(self):
        self._lock = threading.Lock()
        self._receives = 0

    def next_receive(self) -> int:
        with self._lock:
            self._receives += 1
            return self._receives

    # `list.append` is atomic, so records need no lock of their own.
    def last_delivery_ended(self) -> float:
        return max((d.ended for d in self.deliveries[-50:]), default=0.0)
