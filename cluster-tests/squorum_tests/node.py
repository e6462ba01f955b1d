"""One `squorum serve` process with its data directory, ports and log."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

READY_POLL_SECONDS = 0.005
START_DEADLINE_SECONDS = 60.0
# Of what is asked once and must be answered, on a busy machine too.
ADMIN_DEADLINE_SECONDS = 30.0
# A level as tracing prints it, or a panic's message.
ERROR_LINE = re.compile(r"(^|\s)ERROR(\s|$)|panicked at")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class NodeFailed(AssertionError):
    """The node exited, did not get ready, or logged what it must not."""


def binary(name: str, variable: str) -> Path:
    """A release binary: where `variable` says, or in cargo's target directory."""
    given = os.environ.get(variable)
    if given:
        return Path(given)
    cache = Path.home() / ".cache/squorum/target"
    return Path(os.environ.get("CARGO_TARGET_DIR", cache)) / "release" / name


_reserved: list[socket.socket] = []


def free_port() -> int:
    """A port of the loopback for one server of this process's tests, also while that is down.

    It stays bound and never listens: the kernel gives it to no client and to no other test, and a
    server that sets SO_REUSEADDR, as ours does, may listen on it.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _reserved.append(holder)
    return holder.getsockname()[1]


@dataclass(frozen=True)
class Place:
    """Where a node is reached. `enter` starts a command line in the node's network namespace."""

    host: str
    port: int
    admin_port: int
    enter: tuple[str, ...] = ()

    @property
    def listens_on(self) -> str:
        """In a namespace of its own a node has all addresses for itself."""
        return "0.0.0.0" if self.enter else self.host


def on_loopback() -> Place:
    return Place("127.0.0.1", free_port(), free_port())


class Node:
    """Keeps its ports and data directory over restarts, as a restarted machine would."""

    def __init__(
        self,
        directory: Path,
        data_dir: Path | None = None,
        arguments: tuple = (),
        place: Place | None = None,
    ):
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir or directory / "data"
        self.place = place or on_loopback()
        self.arguments = arguments
        self.log_path = directory / "node.log"
        self.process: subprocess.Popen | None = None
        self.expected_errors: list[re.Pattern] = []
        self.ready_seconds: list[float] = []
        self._log_offset = 0
        self._spawned = 0.0

    @property
    def port(self) -> int:
        return self.place.port

    @property
    def admin_port(self) -> int:
        return self.place.admin_port

    @property
    def endpoint(self) -> str:
        return f"http://{self.place.host}:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None, "the node was not started"
        return self.process.pid

    def command(self) -> list[str]:
        return [
            *self.place.enter,
            str(binary("squorum", "SQUORUM_BINARY")),
            "serve",
            *("--data-dir", str(self.data_dir)),
            *("--listen", f"{self.place.listens_on}:{self.port}"),
            *("--admin-listen", f"{self.place.listens_on}:{self.admin_port}"),
            *self.arguments,
        ]

    def spawn(self) -> None:
        assert not self.is_running(), "the node is running already"
        self._spawned = time.monotonic()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "NO_COLOR": "1"},
                cwd=self.directory,
            )

    def start(self, deadline_seconds: float = START_DEADLINE_SECONDS) -> float:
        """Starts the process and waits until it is ready; returns the seconds that took."""
        self.spawn()
        return self.wait_until_ready(deadline_seconds)

    def wait_until_ready(self, deadline_seconds: float = START_DEADLINE_SECONDS) -> float:
        """Waits for a spawned process; returns the seconds since it was spawned."""
        started = self._spawned
        while time.monotonic() - started < deadline_seconds:
            if self.is_ready():
                self.ready_seconds.append(time.monotonic() - started)
                return self.ready_seconds[-1]
            if not self.is_running():
                raise NodeFailed(f"exited with {self.process.returncode}:\n{self.log_tail()}")
            time.sleep(READY_POLL_SECONDS)
        raise NodeFailed(f"not ready after {deadline_seconds} s:\n{self.log_tail()}")

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def is_ready(self) -> bool:
        return self.admin_get("/health/ready")[0] == 200

    def admin_get(self, path: str, timeout_seconds: float = 2.0) -> tuple[int, str]:
        """Status and body of a GET on the admin port; status 0 when there is no answer."""
        host, port = self.place.host, self.admin_port
        connection = http.client.HTTPConnection(host, port, timeout=timeout_seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def status(self) -> dict:
        """What the node knows of its cluster."""
        status, text = self.admin_get("/status", ADMIN_DEADLINE_SECONDS)
        assert status == 200, f"/status: {status} {text}"
        return json.loads(text)

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all series of this name that have these labels, of which there may be none; a
        counter without its `_total`."""
        status, text = self.admin_get("/metrics", ADMIN_DEADLINE_SECONDS)
        assert status == 200, f"/metrics: {status} {text}"
        assert f"# TYPE {name} " in text, f"no metric named {name}"
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        names = (name, f"{name}_total")
        series = [line.rsplit(" ", 1) for line in lines if re.split("[{ ]", line)[0] in names]
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(value) for key, value in series if all(text in key for text in wanted))

    def pause(self) -> None:
        """SIGSTOP: the process hangs; the kernel still accepts connections for it."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, as the kernel's out-of-memory killer would; returns when the process is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self, deadline_seconds: float = 30.0) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None, "the node was not started"
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(deadline_seconds)
        except subprocess.TimeoutExpired as timeout:
            self.kill()
            raise NodeFailed(f"ignored SIGTERM for {deadline_seconds} s") from timeout

    def resident_bytes(self) -> int:
        return self._status_kib("VmRSS") * 1024

    def cpu_seconds(self) -> float:
        """User and system time of the process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status_kib(self, field: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise NodeFailed(f"no {field} in /proc/{self.pid}/status")

    def log_tail(self, lines: int = 30) -> str:
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def unexpected_errors(self) -> list[str]:
        """ERROR lines and panics since the last call, without those of `expected_errors`."""
        if not self.log_path.exists():
            return []
        with self.log_path.open("rb") as log:
            log.seek(self._log_offset)
            text = log.read()
            self._log_offset += len(text)
        lines = [ANSI.sub("", line) for line in text.decode(errors="replace").splitlines()]
        return [
            line
            for line in lines
            if ERROR_LINE.search(line) and not any(e.search(line) for e in self.expected_errors)
        ]

    def remove(self) -> None:
        """Ends the process and deletes everything that the node wrote."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
