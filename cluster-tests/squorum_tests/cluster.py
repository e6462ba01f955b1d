"""Three nodes that form a cluster, each on a machine of its own as far as the network goes.

In namespaces all nodes have the same ports on addresses of their own, so that one name with three
addresses leads to them, and the links between them can be cut. On loopback they differ by port.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from squorum_tests.network import Network
from squorum_tests.node import (
    ADMIN_DEADLINE_SECONDS,
    Node,
    NodeFailed,
    Place,
    binary,
    free_port,
)

PORT, ADMIN_PORT, CLUSTER_PORT = 9324, 9325, 9326
NODES = 3
READY_DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.02
COMMAND_DEADLINE_SECONDS = 300.0


class Cluster:
    """Nodes by index. What breaks one, and what heals it, is named as users would name it."""

    def __init__(self, nodes: list[Node], network: Network | None = None):
        self.nodes = nodes
        self._network = network

    @property
    def endpoints(self) -> list[str]:
        """One address each, for clients that know only one node."""
        return [node.endpoint for node in self.nodes]

    @property
    def places(self) -> list[Place]:
        return [node.place for node in self.nodes]

    def start(self) -> float:
        """Starts all nodes together; returns the seconds until every one is ready."""
        self.spawn()
        return max(node.wait_until_ready(READY_DEADLINE_SECONDS) for node in self.nodes)

    def spawn(self) -> None:
        """Starts all processes and waits for none."""
        for node in self.nodes:
            node.spawn()

    def start_node(self, index: int) -> float:
        return self.nodes[index].start(READY_DEADLINE_SECONDS)

    def kill(self, *indexes: int) -> None:
        """SIGKILL of several at once: none outlives the first by more than the signal takes."""
        for index in indexes:
            process = self.nodes[index].process
            if process is not None:
                process.kill()
        for index in indexes:
            self.nodes[index].kill()

    def kill_and_wipe(self, index: int) -> None:
        """SIGKILL, and nothing of what the node had on disk is left."""
        self.kill(index)
        shutil.rmtree(self.nodes[index].data_dir)

    def start_waiting(self, index: int, through: int) -> str:
        """Starts a node that has nothing on disk; returns the id under which it waits, as another node
        knows it, to be taken in."""
        self.nodes[index].spawn()
        deadline = time.monotonic() + READY_DEADLINE_SECONDS
        while not (waiting := self.nodes[through].status()["waiting"]):
            assert time.monotonic() < deadline, self.nodes[index].log_tail()
            time.sleep(POLL_SECONDS)
        return waiting[0]["id"]

    def command(self, through: int, *arguments: str) -> subprocess.CompletedProcess:
        """Runs a command of the binary, given to a node by its admin port."""
        with self.running_command(through, *arguments) as process:
            output, errors = process.communicate(timeout=COMMAND_DEADLINE_SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    @contextlib.contextmanager
    def running_command(self, through: int, *arguments: str):
        """Ends it if the block does not."""
        place = self.nodes[through].place
        process = subprocess.Popen(
            [str(binary("squorum", "SQUORUM_BINARY")), *arguments],
            env={**os.environ, "SQUORUM_ADMIN": f"http://{place.host}:{place.admin_port}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def pause(self, index: int) -> None:
        self.nodes[index].pause()

    def resume(self, index: int) -> None:
        self.nodes[index].resume()

    def isolate(self, index: int) -> None:
        self._links().isolate(index)

    def deafen(self, index: int) -> None:
        self._links().deafen(index)

    def mute(self, index: int) -> None:
        self._links().mute(index)

    def heal(self) -> None:
        self._links().heal()

    def others(self, index: int) -> list[int]:
        return [other for other in range(len(self.nodes)) if other != index]

    def index_of(self, node_id: str) -> int:
        """The index of the node that the cluster calls `node_id`."""
        ids = [node.status()["this_node"] for node in self.nodes]
        return ids.index(node_id)

    def leader_of(self, queue: str, through: int = 0) -> int | None:
        """The index of the node that leads the first partition of `queue`."""
        partitions = self.partitions(queue, through)
        leader = partitions[0]["leader"]
        return None if leader is None else self.index_of(leader)

    def partitions(self, queue: str, through: int = 0) -> list[dict]:
        """Partition, shard and leader, as node `through` knows them."""
        path = f"/status/queue?name={queue}"
        status, text = self.nodes[through].admin_get(path, ADMIN_DEADLINE_SECONDS)
        assert status == 200, f"/status/queue: {status} {text}"
        return json.loads(text)["partitions"]

    def is_balanced(self) -> bool:
        """In a new cluster, and after a start, leaderships still go to where they belong."""
        leads = [node["leads"] for node in self.nodes[0].status()["nodes"]]
        return max(leads) - min(leads) <= 1

    def wait_until_well(self, deadline_seconds: float = READY_DEADLINE_SECONDS) -> float:
        """Until every node says that all is well; returns the seconds that took."""
        started = time.monotonic()
        while time.monotonic() - started < deadline_seconds:
            verdicts = [verdict_of(node) for node in self.nodes]
            if set(verdicts) == {"well"}:
                return time.monotonic() - started
            time.sleep(POLL_SECONDS)
        raise NodeFailed(f"not well after {deadline_seconds} s: {verdicts}")

    def _links(self) -> Network:
        assert self._network is not None, "links can be cut between namespaces only"
        return self._network


def verdict_of(node: Node) -> str:
    status, text = node.admin_get("/status")
    return json.loads(text)["verdict"] if status == 200 else "no answer"


def in_namespaces(
    directory: Path,
    network: Network,
    arguments: tuple = (),
    data_dirs: list[Path] | None = None,
) -> Cluster:
    """One node on each machine of `network`."""
    addresses = network.addresses
    seeds = ",".join(f"{address}:{CLUSTER_PORT}" for address in addresses)
    nodes = []
    for index, address in enumerate(addresses):
        peers = (
            *("--cluster-listen", f"{address}:{CLUSTER_PORT}"),
            *("--advertise", f"{address}:{CLUSTER_PORT}"),
            *("--seeds", seeds),
        )
        place = Place(address, PORT, ADMIN_PORT, network.enter(index))
        data_dir = data_dirs[index] if data_dirs else None
        nodes.append(Node(directory / f"node{index}", data_dir, (*peers, *arguments), place))
    return Cluster(nodes, network)


def on_loopback(directory: Path, arguments: tuple = ()) -> Cluster:
    peers = [f"127.0.0.1:{free_port()}" for _ in range(NODES)]
    nodes = []
    for index, address in enumerate(peers):
        own = ("--cluster-listen", address, "--advertise", address, "--seeds", ",".join(peers))
        nodes.append(Node(directory / f"node{index}", arguments=(*own, *arguments)))
    return Cluster(nodes)
