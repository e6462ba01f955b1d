"""Workers: programs that run until a signal tells them to end, and never end before."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

READY_SECONDS_MAX = 60.0
END_SECONDS_MAX = 60.0
DONE_SECONDS_MAX = 90.0
LOG_CHARACTERS_SHOWN = 3000


@contextlib.contextmanager
def ended_by_a_signal(
    command: list[str], directory: Path, environment: dict[str, str], log_path: Path, ready: str
) -> Iterator[None]:
    """From when the program has said `ready` on. SIGTERM ends it, by which it must exit with 0."""
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def shown() -> str:
        return log_path.read_text(errors="replace")[-LOG_CHARACTERS_SHOWN:]

    try:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while ready not in log_path.read_text(errors="replace"):
            assert process.poll() is None, f"ended with {process.returncode}: {shown()}"
            assert time.monotonic() < deadline, f"not ready: {shown()}"
            time.sleep(0.1)
        yield
        assert process.poll() is None, f"ended by itself: {shown()}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_SECONDS_MAX) == 0, shown()
    finally:
        process.kill()
        process.wait()


def wait_for(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DONE_SECONDS_MAX
    while not is_done():
        assert time.monotonic() < deadline, "not done"
        time.sleep(0.1)
