"""Founding happens once, whatever the order of start; a node that lost its identity or its memory, and
a data directory with an owner, are refused with the reason."""

import shutil
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


def refused(node) -> str:
    """The node ends on its own, without a panic; gives what it said."""
    node.log_path.unlink(missing_ok=True)
    node.spawn()
    try:
        code = node.process.wait(REFUSAL_DEADLINE_SECONDS)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"it runs:\n{node.log_tail()}") from None
    said = node.log_tail(20)
    # What it said was an error, and expected.
    node.log_path.unlink()
    assert code not in (0, -6), said
    assert "panicked" not in said
    return said


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


def test_wiped_node_is_refused(cluster):
    """It must neither vote under its old identity nor found a cluster of its own."""
    use(cluster, "before")
    wiped = cluster.nodes[1]
    wiped.kill()
    shutil.rmtree(wiped.data_dir)
    said = refused(wiped)
    print(said)
    assert cluster.nodes[0].status()["cluster_id"] in said, "it does not say which cluster it met"
    # The other two go on.
    queue = Queue(client.sqs(cluster.endpoints[0]), url(cluster.endpoints[0], "before-0"))
    queue.send("after")
    assert queue.receive_one()["Body"] == "after"


def test_node_behind_its_marker_is_refused(cluster):
    """Its log goes back to what it was before more was synced, as a restored backup would."""
    use(cluster, "before")
    restored = cluster.nodes[1]
    assert restored.stop() == 0
    log = restored.data_dir / "log"
    backup = restored.directory / "backup"
    shutil.copytree(log, backup)
    restored.start()
    cluster.wait_until_well()
    use(cluster, "between")
    # The marker is at most 100 ms behind the log.
    time.sleep(1.0)
    restored.kill()
    for segment in log.iterdir():
        if segment.name != "marker":
            segment.unlink()
    for segment in backup.iterdir():
        if segment.name != "marker":
            shutil.copy2(segment, log / segment.name)
    print(refused(restored))
    queue = Queue(client.sqs(cluster.endpoints[0]), url(cluster.endpoints[0], "before-0"))
    queue.send("after")
    assert queue.receive_one()["Body"] == "after"


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
