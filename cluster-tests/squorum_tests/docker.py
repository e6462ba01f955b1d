"""Docker by its own commands: an engine, an image of the binary under test, containers as nodes."""

import os
import shutil
import subprocess
import time
import uuid
from pathlib import Path

from squorum_tests.cluster import ADMIN_PORT, PORT
from squorum_tests.node import START_DEADLINE_SECONDS, Node, NodeFailed, Place

SCRIPTS = Path(__file__).parents[2] / "scripts"
# Of everything that tests make; the process id that follows tells whose it is.
PREFIX = "squorum-test"
COMMAND_DEADLINE_SECONDS = 300.0
READY_POLL_SECONDS = 0.02


def why_not_available() -> str | None:
    """An engine is started where there is none; that needs root."""
    if os.geteuid() == 0 or docker_answers():
        return None
    return "no Docker engine answers, and starting one needs root"


def docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def start_engine() -> None:
    run(SCRIPTS / "start-docker-engine")


def build_image() -> str:
    """An image of the binary under test, with a name of its own."""
    image = f"{PREFIX}:{os.getpid()}-{uuid.uuid4().hex[:8]}"
    run(SCRIPTS / "build-image", SQUORUM_IMAGE=image)
    return image


def run(*command: str | Path, **environment: str) -> str:
    """What the command wrote to its standard output."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        timeout=COMMAND_DEADLINE_SECONDS,
    )
    if done.returncode != 0:
        raise NodeFailed(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Container(Node):
    """A node in a container. Its process belongs to the engine, so signals go through it."""

    def __init__(self, directory: Path, name: str, address: str):
        super().__init__(directory, place=Place(address, PORT, ADMIN_PORT))
        self.name = name

    @property
    def pid(self) -> int:
        return int(self._inspect("{{.State.Pid}}"))

    def spawn(self) -> None:
        self._spawned = time.monotonic()
        run("docker", "start", self.name)

    def is_running(self) -> bool:
        """A container that its restart policy starts again counts as exited."""
        return self._inspect("{{.State.Status}}") in ("running", "paused")

    def wait_until_ready(self, deadline_seconds: float = START_DEADLINE_SECONDS) -> float:
        while not self.is_ready():
            elapsed = time.monotonic() - self._spawned
            if not self.is_running() or elapsed > deadline_seconds:
                state = self._inspect("{{.State.Status}}, exit code {{.State.ExitCode}}")
                raise NodeFailed(f"{self.name} is not ready: {state}\n{self.log_tail()}")
            time.sleep(READY_POLL_SECONDS)
        self.ready_seconds.append(time.monotonic() - self._spawned)
        return self.ready_seconds[-1]

    def kill(self) -> None:
        if self.is_running():
            run("docker", "kill", self.name)

    def stop(self, deadline_seconds: float = 30.0) -> int:
        """SIGTERM, as `docker stop` sends it; returns the exit code."""
        started = time.monotonic()
        run("docker", "stop", "--time", str(int(deadline_seconds)), self.name)
        if time.monotonic() - started >= deadline_seconds:
            raise NodeFailed(f"{self.name} ignored SIGTERM for {deadline_seconds} s")
        return int(self._inspect("{{.State.ExitCode}}"))

    def pause(self) -> None:
        run("docker", "pause", self.name)

    def resume(self) -> None:
        run("docker", "unpause", self.name)

    def health(self) -> str:
        """What the health check of docker-compose.yml says: starting, healthy or unhealthy."""
        return self._inspect("{{.State.Health.Status}}")

    def log_tail(self, lines: int = 30) -> str:
        self._fetch_log()
        return super().log_tail(lines)

    def unexpected_errors(self) -> list[str]:
        self._fetch_log()
        return super().unexpected_errors()

    def remove(self) -> None:
        """The container goes with its cluster; what was fetched from it goes here."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _fetch_log(self) -> None:
        with self.log_path.open("wb") as log:
            subprocess.run(["docker", "logs", self.name], stdout=log, stderr=log, check=False)

    def _inspect(self, template: str) -> str:
        return run("docker", "inspect", "--format", template, self.name).strip()
