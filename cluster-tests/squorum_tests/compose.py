"""The shipped docker-compose.yml, brought up under a project name, subnets and ports of its own.

The containers are nodes like any other, so what breaks a cluster of processes, and the workloads
that judge it, work here too. Tests and clients run on the host and reach each container at its
address on the network `clients`; cutting a node off takes it from the network `peers` only.
"""

import os
import random
import re
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from squorum_tests.cluster import NODES, Cluster
from squorum_tests.docker import PREFIX, SCRIPTS, Container, run
from squorum_tests.node import NodeFailed

CLUSTER_TESTS = Path(__file__).parents[1]
LABEL = "com.docker.compose"
FIRST_HOST_OCTET = 11
SUBNET_ATTEMPTS = 20
# The third octets of subnets in 172.30.0.0/16, those of a cluster that a user runs left out.
SUBNETS = range(64, 256)
SUBNET_IN_USE = re.compile(r"overlap", re.IGNORECASE)


class ComposeCluster(Cluster):
    """Nodes by index, as in every cluster. A context manager: leaves nothing behind."""

    def __init__(self, directory: Path, image: str):
        remove_leftovers()
        self.project = f"{PREFIX}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.directory = directory
        self._image = image
        self._subnets = ("", "")
        self._cut: set[int] = set()
        self._errors: list[str] = []
        self.start_output = ""
        super().__init__([])

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self.remove()

    @property
    def clients_network(self) -> str:
        return f"{self.project}_clients"

    @property
    def peers_network(self) -> str:
        return f"{self.project}_peers"

    @property
    def environment(self) -> dict[str, str]:
        ports = [f"SQUORUM_NODE{n}_{kind}PORT" for n in (1, 2, 3) for kind in ("", "ADMIN_")]
        return {
            "COMPOSE_PROJECT_NAME": self.project,
            "SQUORUM_IMAGE": self._image,
            "SQUORUM_CLIENTS_SUBNET": self._subnets[0],
            "SQUORUM_PEERS_SUBNET": self._subnets[1],
            **dict.fromkeys(ports, "0"),
        }

    def start(self, command: tuple = (SCRIPTS / "start-cluster",)) -> float:
        """As `make cluster` does; returns the seconds until every node is ready."""
        if not self._subnets[0]:
            self._create()
        started = time.monotonic()
        self.start_output = run(*command, **self.environment)
        self.find_containers()
        return time.monotonic() - started

    def find_containers(self) -> None:
        """After containers were made anew."""
        self.nodes = [self._container(index) for index in range(NODES)]

    def down(self, command: tuple = (SCRIPTS / "compose", "down")) -> None:
        """As `make cluster-down` does: the containers go, the data stays."""
        self._errors = self.unexpected_errors()
        run(*command, **self.environment)
        self.nodes = []

    def upgrade(self, image: str) -> float:
        """As `make cluster` does while the cluster runs: node by node to another image."""
        self._errors = self.unexpected_errors()
        self._image = image
        return self.start()

    def unexpected_errors(self) -> list[str]:
        """What all nodes logged since the last call, and what removed containers had logged."""
        found = [*self._errors, *(e for node in self.nodes for e in node.unexpected_errors())]
        self._errors = []
        return found

    def compose(self, *arguments: str) -> str:
        return run(SCRIPTS / "compose", *arguments, **self.environment)

    def spawn(self) -> None:
        """Starts all containers at once; the engine would take them one after another."""
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(Container.spawn, self.nodes))

    def kill(self, *indexes: int) -> None:
        run("docker", "kill", *(self.nodes[index].name for index in indexes))

    def isolate(self, index: int) -> None:
        """The other nodes cannot reach it, nor it them; clients can."""
        run("docker", "network", "disconnect", self.peers_network, self.nodes[index].name)
        self._cut.add(index)

    def heal(self) -> None:
        """With the same address as before: the other nodes know no other."""
        for index in sorted(self._cut):
            address, name = self.peers_address(index), self.nodes[index].name
            run("docker", "network", "connect", "--ip", address, self.peers_network, name)
        self._cut.clear()

    def client_command(self, script: str, *arguments: str) -> list[str]:
        """Runs a Python script in a container on the network `clients`, where the name `squorum`
        means what Docker's name server says. The container has nothing but the image, so it borrows
        this Python and the libraries of this host."""
        host = ["/usr", "/lib", "/lib64", sys.prefix, sys.base_prefix, str(CLUSTER_TESTS)]
        mounts = [part for path in borrowed(host) for part in ("--volume", f"{path}:{path}:ro")]
        python = (f"--entrypoint={sys.executable}", f"--env=PYTHONPATH={CLUSTER_TESTS}")
        place = ("--rm", "--interactive", "--read-only", f"--network={self.clients_network}")
        command = ("docker", "run", *place, *mounts, *python, self._image)
        return [*command, "-c", script, *arguments]

    def remove(self) -> None:
        remove_project(self.project)
        for node in self.nodes:
            node.remove()

    def _create(self) -> None:
        """Networks, volumes and containers; takes subnets that nobody uses."""
        for _ in range(SUBNET_ATTEMPTS):
            clients, peers = random.sample(SUBNETS, 2)
            self._subnets = (f"172.30.{clients}", f"172.30.{peers}")
            try:
                self.compose("up", "--no-start")
                return
            except NodeFailed as failure:
                if not SUBNET_IN_USE.search(str(failure)):
                    raise
                self.compose("down", "--volumes")
        raise NodeFailed(f"no free subnets found in {SUBNET_ATTEMPTS} attempts")

    def peers_address(self, index: int) -> str:
        return self._address(1, index)

    def _address(self, network: int, index: int) -> str:
        return f"{self._subnets[network]}.{FIRST_HOST_OCTET + index}"

    def _container(self, index: int) -> Container:
        service = f"node{index + 1}"
        names = run(*containers(self.project), "--filter", f"label={LABEL}.service={service}")
        return Container(self.directory / service, names.strip(), self._address(0, index))


def containers(project: str) -> list[str]:
    """A command that lists the names of a project's containers, whatever their state."""
    selection = ("--all", "--filter", f"label={LABEL}.project={project}")
    return ["docker", "ps", "--format", "{{.Names}}", *selection]


def remove_project(project: str) -> None:
    """By force first: Compose waits for containers that are paused."""
    names = run(*containers(project)).split()
    if names:
        run("docker", "rm", "--force", *names)
    run(SCRIPTS / "compose", "down", "--volumes", COMPOSE_PROJECT_NAME=project)


def borrowed(paths: list[str]) -> list[str]:
    """Those of `paths` that exist, each once and none below another."""
    found = sorted({path for path in paths if Path(path).exists()})
    return [p for p in found if not any(p.startswith(f"{other}/") for other in found)]


def remove_leftovers() -> None:
    """Ends what runs that were themselves killed left behind: their names hold their process id."""
    listing = run("docker", "network", "ls", "--format", "{{.Name}}")
    projects = {name.rsplit("_", 1)[0] for name in listing.split()}
    for project in sorted(projects):
        found = re.fullmatch(rf"{PREFIX}-(\d+)-[0-9a-f]+", project)
        if found and not Path(f"/proc/{found[1]}").exists():
            remove_project(project)
