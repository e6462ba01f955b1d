"""How a campaign uses a queue, and the bodies by which its messages are known."""

from dataclasses import dataclass

FILLER = "0123456789abcdef" * 4096


@dataclass(frozen=True)
class Profile:
    """Probabilities are per received message."""

    queue_name: str
    producers: int = 2
    consumers: int = 2
    groups_per_producer: int = 4
    body_bytes: int = 512
    visibility_timeout_seconds: int = 4
    batch_probability: float = 0.5
    forget_probability: float = 0.01
    return_probability: float = 0.01
    # Between sends at least the pause, and from one send's start to the next's the period.
    producer_pause_seconds: float = 0.002
    send_period_seconds: float = 0.0
    wait_seconds: int = 1
    deduplication_scope: str = "queue"

    @property
    def fifo(self) -> bool:
        return self.queue_name.endswith(".fifo")

    def body_of(self, tag: str) -> str:
        return f"{tag}|{FILLER}"[: max(self.body_bytes, len(tag) + 1)]

    def tag_of(self, body: str) -> str:
        """The tag of a body that is exactly what was sent, else the body, which no send has."""
        tag = body.split("|", 1)[0]
        return tag if body == self.body_of(tag) else body
