"""Founding happens once, whatever the order of start; a data directory with an owner is refused."""

import subprocess
import time

import pytest

from squorum_tests import client
from squorum_tests.queue import Queue
from squorum_tests.size import size

LATE_SECONDS = size(5, 120)
REFUSAL_DEADLINE_SECONDS = 20


def use(cluster, name: str) -> None:
    """A round trip from each node to the next: they are one cluster."""
    for index, endpoint in enumerate(cluster.endpoints):
        queue_name = f"{name}-{index}"
        here = client.sqs(endpoint)
        here.create_queue(QueueName=queue_name)
        here.send_message(QueueUrl=url(endpoint, queue_name), MessageBody=queue_name)
        next_endpoint = cluster.endpoints[(index + 1) % 3]
        there = Queue(client.sqs(next_endpoint), url(next_endpoint, queue_name))
        assert there.receive_one()["Body"] == queue_name


def url(endpoint: str, queue: str) -> str:
    return f"{endpoint}/{client.ACCOUNT}/{queue}"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)], ids=str)
def test_any_order_with_the_last_one_late(make_cluster, order):
    cluster = make_cluster()
    *early, late = (cluster.nodes[index] for index in order)
    for node in early:
        node.spawn()
        time.sleep(0.3)
    deadline = time.monotonic() + LATE_SECONDS
    while time.monotonic() < deadline:
        for node in early:
            assert node.is_running(), node.log_tail()
            status, text = node.admin_get("/health/ready")
            assert status != 200, "ready without the third seed"
        time.sleep(0.2)
    assert late.place.host in text, f"the node does not say for whom it waits: {text}"
    assert early[0].admin_get("/health/live")[0] == 200

    late.start()
    for node in early:
        node.wait_until_ready()
    use(cluster, "first")
    assert len({node.status()["cluster_id"] for node in cluster.nodes}) == 1
    assert len({node.status()["this_node"] for node in cluster.nodes}) == 3


def test_identities_survive_a_restart_of_all(cluster):
    def identities():
        return [(s["cluster_id"], s["this_node"]) for s in (n.status() for n in cluster.nodes)]

    use(cluster, "before")
    before = identities()
    cluster.kill(0, 1, 2)
    cluster.start()
    assert identities() == before
    use(cluster, "after")


def test_second_process_on_a_data_directory_is_refused(cluster):
    """Even on another machine, where no port is in use."""
    owner, other = cluster.nodes[0], cluster.nodes[1]
    command = owner.command()
    command[: len(owner.place.enter)] = other.place.enter
    for flag, port in (("--listen", 19324), ("--admin-listen", 19325)):
        command[command.index(flag) + 1] = f"127.0.0.1:{port}"
    for flag in ("--cluster-listen", "--advertise"):
        command[command.index(flag) + 1] = f"{other.place.host}:19326"
    second = subprocess.run(
        command, capture_output=True, text=True, timeout=REFUSAL_DEADLINE_SECONDS
    )
    said = second.stdout + second.stderr
    assert second.returncode not in (0, -6), said
    assert "in use by another process" in said
    use(cluster, "undisturbed")
