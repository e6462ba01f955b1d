"""What the machine itself takes, as a control beside what a node takes."""

import os
import threading
import time
from pathlib import Path

from squorum_tests.size import LONG

WRITES = 20
WRITE_BYTES = 4096
STEP_SECONDS = 0.01


def synced_writes_seconds(directory: Path) -> float:
    """Of some writes one after the other, each synced."""
    path = directory / "control"
    started = time.monotonic()
    with path.open("wb", buffering=0) as file:
        for _ in range(WRITES):
            file.write(b"x" * WRITE_BYTES)
            os.fsync(file.fileno())
    elapsed = time.monotonic() - started
    path.unlink()
    return elapsed


def start_bar(seconds: float, directory: Path) -> float:
    """Within which a node whose disk has `directory` must be ready: a promise at full size. The short
    form runs on slow machines too, where a start may take what some synced writes take on top."""
    return seconds if LONG else seconds + synced_writes_seconds(directory)


class Stalls:
    """Notes, until the block ends, when this process stood still though it wanted to run: what clients
    see then is not what the nodes did."""

    def __init__(self):
        self._found: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_failure):
        self._over.set()
        self._thread.join()

    def longest(self, earlier: float, later: float) -> float:
        """The longest one that touches this time; none at full size."""
        touching = (to - since for since, to in self._found[:] if since < later and earlier < to)
        return 0.0 if LONG else max(touching, default=0.0)

    def _run(self) -> None:
        while not self._over.is_set():
            wanted = time.monotonic() + STEP_SECONDS
            time.sleep(STEP_SECONDS)
            now = time.monotonic()
            if now - wanted > STEP_SECONDS:
                self._found.append((wanted, now))
