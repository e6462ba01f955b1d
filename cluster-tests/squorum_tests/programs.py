"""Runs the programs of examples/ as users do, against a cluster whose nodes are killed meanwhile."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from squorum_tests import resolver
from squorum_tests.cluster import Cluster
from squorum_tests.documents import ROOT
from squorum_tests.scenarios import NAME
from squorum_tests.size import size

# Each node once, or ten times.
KILLS_MIN = size(3, 30)
DOWN_SECONDS = 1.0
UP_SECONDS = 1.0
# Longer than the programs themselves wait for anything.
PROGRAM_SECONDS_MAX = 400.0
LINES_SHOWN = 60


class Kills(threading.Thread):
    """SIGKILL of each node in turn, each back and the cluster well before the next one dies."""

    def __init__(self, cluster: Cluster):
        super().__init__(daemon=True)
        self.count = 0
        self.failure: BaseException | None = None
        self._cluster = cluster
        self._ending = threading.Event()

    def run(self) -> None:
        try:
            while not self._ending.wait(UP_SECONDS):
                index = self.count % len(self._cluster.nodes)
                self._cluster.kill(index)
                self.count += 1
                self._ending.wait(DOWN_SECONDS)
                self._cluster.start_node(index)
                self._cluster.wait_until_well()
        except BaseException as failure:
            self.failure = failure

    def rounds(self, directory: Path) -> Iterator[Path]:
        """Directories for one run of a program each, until every node was killed often enough: so that
        nothing depends on how long a run takes."""
        number = 0
        while self.count < KILLS_MIN and self.failure is None:
            made = directory / f"run{number}"
            made.mkdir()
            yield made
            number += 1
        print(f"{number} runs, {self.count} kills")

    def end(self) -> None:
        """When the node that is down is back."""
        self._ending.set()
        self.join()


@contextlib.contextmanager
def kills_in_turn(cluster: Cluster) -> Iterator[Kills]:
    kills = Kills(cluster)
    kills.start()
    try:
        yield kills
    finally:
        kills.end()
    if kills.failure is not None:
        raise kills.failure


def run_to_the_end(cluster: Cluster, directory: Path, program: str, *arguments: str) -> list[str]:
    """The lines that it printed. It must end with 0, though everybody else may end it by force."""
    log_path = directory / "printed"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "examples" / program), *arguments],
            env=environment(cluster, directory),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            exit_code = process.wait(PROGRAM_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            exit_code = f"nothing for {PROGRAM_SECONDS_MAX} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    lines = log_path.read_text().splitlines()
    shown = "\n".join(lines[-LINES_SHOWN:])
    assert exit_code == 0, f"{program} ended with {exit_code}:\n{shown}"
    return lines


def environment(cluster: Cluster, directory: Path) -> dict[str, str]:
    """What the README of an example says, and one name for all nodes."""
    addresses = [place.host for place in cluster.places]
    return {
        **os.environ,
        **resolver.environment(NAME, addresses),
        "AWS_ENDPOINT_URL": f"http://{NAME}:{cluster.places[0].port}",
        "AWS_ACCESS_KEY_ID": "anything",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": "us-east-1",
        "TMPDIR": str(directory),
        # Unbuffered, Python writes a line in pieces, between which another process may write.
        "PYTHONUNBUFFERED": "",
    }


def words(lines: list[str], first: str) -> list[list[str]]:
    """The words of each line that begins with this one."""
    return [line.split() for line in lines if line.split()[:1] == [first]]
