"""What the shipped containers are and may do: an image of one binary, processes without rights, and
traffic between nodes on a network of its own."""

import os
import re
import signal
import tarfile
import time
from pathlib import Path

import pytest

from squorum_tests import client, docker
from squorum_tests.cluster import CLUSTER_PORT

USER = "10001"
# What an engine puts into every container, and what it mounts over.
OF_THE_ENGINE = re.compile(r"\.dockerenv|dev/.*|etc/(hosts|hostname|resolv\.conf|mtab)")
OF_THE_IMAGE = re.compile(
    r"usr/local/bin/squorum|etc/(passwd|group|nsswitch\.conf)|(usr/)?lib(64)?/[^ ]*\.so\.[0-9.]+"
)
LISTENING, ESTABLISHED = "0A", "01"
RESTART_DEADLINE_SECONDS = 60.0


def test_image_holds_the_binary_and_its_libraries_only(image, tmp_path):
    archive = tmp_path / "image.tar"
    container = docker.run("docker", "create", image).strip()
    try:
        docker.run("docker", "export", "--output", archive, container)
    finally:
        docker.run("docker", "rm", "--volumes", container)
    with tarfile.open(archive) as files:
        members = {member.name: member for member in files if not member.isdir()}
        data_dir = files.getmember("var/lib/squorum")

    strangers = [
        name
        for name in members
        if not OF_THE_ENGINE.fullmatch(name) and not OF_THE_IMAGE.fullmatch(name)
    ]
    assert strangers == []
    assert members["usr/local/bin/squorum"].mode & 0o111
    assert (data_dir.uid, data_dir.gid) == (int(USER), int(USER))


def test_processes_have_no_rights(cluster):
    for node in cluster.nodes:
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{node.pid}/status").read_text().splitlines()
        )
        assert status["Uid"].split() == status["Gid"].split() == [USER] * 4
        capabilities = [status[name].strip() for name in status if name.startswith("Cap")]
        assert {int(bits, 16) for bits in capabilities} == {0}
        assert status["NoNewPrivs"].strip() == "1"
        assert root_options(node.pid)[0] == "ro"


def root_options(pid: int) -> list[str]:
    for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[4] == "/":
            return fields[5].split(",")
    raise AssertionError("no root in mountinfo")


def test_nodes_talk_on_their_own_network_only(cluster):
    internal = docker.run(
        "docker", "network", "inspect", "--format", "{{.Internal}}", cluster.peers_network
    )
    assert internal.strip() == "true"

    for index, node in enumerate(cluster.nodes):
        sockets = tcp_sockets(node.pid)
        listening = {local for local, _, state in sockets if state == LISTENING}
        assert (cluster.peers_address(index), CLUSTER_PORT) in listening
        assert [ip for ip, port in listening if port == CLUSTER_PORT] == [
            cluster.peers_address(index)
        ]
        peers = {cluster.peers_address(other) for other in cluster.others(index)}
        reached = {
            remote[0]
            for local, remote, state in sockets
            if state == ESTABLISHED and CLUSTER_PORT in (local[1], remote[1])
        }
        assert reached == peers


def tcp_sockets(pid: int) -> list[tuple]:
    """(local, remote, state) of every IPv4 socket in the network namespace of `pid`."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return [(address(row[1]), address(row[2]), row[3]) for row in rows]


def address(text: str) -> tuple[str, int]:
    ip, port = text.split(":")
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(ip))), int(port, 16)


def test_health_check_passes(cluster):
    deadline = time.monotonic() + 60
    while {node.health() for node in cluster.nodes} != {"healthy"}:
        assert time.monotonic() < deadline, [node.health() for node in cluster.nodes]
        time.sleep(0.5)


def test_status_in_a_container(cluster):
    """What an operator types first."""
    cluster.wait_until_well()
    for node in cluster.nodes:
        docker.run("docker", "exec", node.name, "/usr/local/bin/squorum", "status")


def test_published_ports_lead_to_the_nodes(cluster):
    published = re.findall(r"node\d  SQS (http://localhost:\d+)", cluster.start_output)
    assert len(published) == len(cluster.nodes)
    url = client.sqs(published[0]).create_queue(QueueName="published")["QueueUrl"]
    assert url.startswith(published[0])
    for endpoint in published:
        assert (
            client.sqs(endpoint)
            .get_queue_url(QueueName="published")["QueueUrl"]
            .startswith(endpoint)
        )


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="signals processes of other users")
def test_engine_starts_a_dead_node_again(cluster):
    node = cluster.nodes[1]
    dead = node.pid
    os.kill(dead, signal.SIGKILL)

    deadline = time.monotonic() + RESTART_DEADLINE_SECONDS
    while node.pid in (0, dead) or not node.is_ready():
        assert time.monotonic() < deadline, f"not ready again:\n{node.log_tail()}"
        time.sleep(0.1)
