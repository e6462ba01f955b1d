"""The other servers, run as processes at ports of their own."""

import contextlib
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from squorum_tests.node import free_port

NAMES = ("moto", "ministack", "localstack")
START_SECONDS = 90


def home() -> Path:
    return Path(os.environ.get("SQUORUM_PEERS", "~/.cache/squorum/peers")).expanduser()


def is_installed(name: str) -> bool:
    return (home() / name / "requirements.sha256").exists()


@contextlib.contextmanager
def running(name: str, directory: Path) -> Iterator[str]:
    """The endpoint of a peer that runs until the block ends; what it says is kept in `directory`."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command, environment = _started_by(name, port, directory)
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, endpoint, log)
            yield endpoint
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _started_by(name: str, port: int, directory: Path) -> tuple[list[str], dict[str, str]]:
    programs = home() / name / "bin"
    match name:
        case "moto":
            return [str(programs / "moto_server"), "-H", "127.0.0.1", "-p", str(port)], {}
        case "ministack":
            bind = ["--bind", f"127.0.0.1:{port}"]
            environment = {"GATEWAY_PORT": str(port), "SERVICES": "sqs"}
            return [str(programs / "hypercorn"), *bind, "ministack.app:app"], environment
        case "localstack":
            environment = {
                "GATEWAY_LISTEN": f"127.0.0.1:{port}",
                "LOCALSTACK_VOLUME_DIR": str(directory / "localstack"),
                "SERVICES": "sqs",
                "DISABLE_EVENTS": "1",
                "SKIP_SSL_CERT_DOWNLOAD": "1",
            }
            return [str(programs / "python"), "-m", "localstack.runtime.main"], environment
    raise ValueError(name)


def _wait(process: subprocess.Popen, endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{endpoint}/?Action=ListQueues", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{process.args[0]} does not serve:\n{log.read_text()[-2000:]}")
