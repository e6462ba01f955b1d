"""Programs that send numbered messages and receive them while nodes die, and what must be true of them.

They print what they did, one JSON object a line, and any error that their client's own retries did not
hide. When their input ends they send no more and receive what is left.
"""

import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from squorum_tests import clients, network
from squorum_tests.cluster import PORT, Cluster
from squorum_tests.leaders import wait_for_leaders
from squorum_tests.name_server import NameServer
from squorum_tests.scenarios import NAME

ENDPOINT = f"http://{NAME}:{PORT}"
PROGRESS_MESSAGES = 30
PROGRESS_SECONDS_MAX = 60.0
DOWN_SECONDS = 1.0
END_SECONDS_MAX = 120.0
SHOWN = 5


class Stream:
    """A running program. A context manager: ends it by force if the block does not."""

    def __init__(self, names: NameServer, command: list[str], directory: Path, **more: str):
        self.sent: set[int] = set()
        self.received: Counter[int] = Counter()
        self.errors: list[str] = []
        self._process = subprocess.Popen(
            [*names.enter, *command],
            cwd=directory,
            env=clients.environment(ENDPOINT, **more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self):
        self._reader.start()
        return self

    def __exit__(self, *_failure):
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        for line in self._process.stdout:
            for what, value in json.loads(line).items():
                if what == "sent":
                    self.sent.add(value)
                elif what == "received":
                    self.received[value] += 1
                else:
                    self.errors.append(value)

    def progress(self) -> int:
        """How many messages came back: what grows as long as all is well."""
        return len(self.received)

    def end(self) -> None:
        """Ends its input and waits until it has received what is left."""
        self._process.stdin.close()
        exit_code = self._process.wait(END_SECONDS_MAX)
        self._reader.join()
        assert exit_code == 0, f"ended with {exit_code}"

    def judge(self) -> None:
        """No error reached the program, and every message that was sent came."""
        lost = sorted(self.sent - self.received.keys())
        again = sum(count - 1 for count in self.received.values())
        print(f"{len(self.sent)} sent, {len(self.received)} received, {again} received again")
        assert self.errors[:SHOWN] == []
        assert lost[:SHOWN] == []
        assert sorted(self.received.keys() - self.sent)[:SHOWN] == []


def survives_two_deaths(cluster: Cluster, command: list[str], directory: Path) -> None:
    """The program, whose last argument is the queue's name."""
    addresses = [place.host for place in cluster.places]
    with NameServer(NAME, addresses) as names, Stream(names, command, directory) as stream:
        two_deaths(cluster, command[-1], stream.progress)
        stream.end()
        stream.judge()


def two_deaths(cluster: Cluster, queue: str, progress: Callable[[], int]) -> None:
    """SIGKILL of the node that clients talk to, and then of another that leads the queue. Each is back,
    and the cluster well, before anything else happens."""
    wait_for_progress(progress)
    first = talked_to(cluster)
    kill_and_start(cluster, first, progress)
    second = other_leader(cluster, queue, first)
    kill_and_start(cluster, second, progress)
    print(f"killed: node {first}, which clients talked to, and node {second}, which led")


def kill_and_start(cluster: Cluster, index: int, progress: Callable[[], int]) -> None:
    cluster.kill(index)
    time.sleep(DOWN_SECONDS)
    # Work goes on without it.
    wait_for_progress(progress)
    cluster.start_node(index)
    cluster.wait_until_well()
    wait_for_progress(progress)


def wait_for_progress(progress: Callable[[], int]) -> None:
    wanted = progress() + PROGRESS_MESSAGES
    deadline = time.monotonic() + PROGRESS_SECONDS_MAX
    while progress() < wanted:
        assert time.monotonic() < deadline, f"{progress()} of {wanted} messages"
        time.sleep(0.05)


def talked_to(cluster: Cluster) -> int:
    """The node to which this machine has most connections."""
    counts = [connections(place.host, place.port) for place in cluster.places]
    assert max(counts) > 0, "no client is connected"
    return counts.index(max(counts))


def connections(host: str, port: int) -> int:
    listed = network.run("ss", "-Htn", "state", "established", "dst", f"{host}:{port}")
    return len(listed.splitlines())


def other_leader(cluster: Cluster, queue: str, index: int) -> int:
    """A node other than `index` that leads a partition of the queue, or else anything: what leads moves
    when a node dies, and comes back later."""
    other = cluster.others(index)[0]
    leaders = wait_for_leaders(cluster, queue, through=other)
    others = [leader for leader in leaders if leader != index]
    return others[0] if others else other
