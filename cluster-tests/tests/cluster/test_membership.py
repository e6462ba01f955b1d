"""Nodes are replaced, join and leave; what a node has lost it is not believed to have."""

import re
import shutil
import subprocess
import time

import pytest

from squorum_tests import client
from squorum_tests.background import wait_for
from squorum_tests.queue import Queue
from squorum_tests.replacing import survive_replacements
from squorum_tests.replicas import wait_until_equal, wait_until_voters

pytestmark = pytest.mark.timeout(1800)

EXIT_DEADLINE_SECONDS = 30


def use(cluster, queue_name: str, *indexes: int) -> None:
    """A message goes in through each of these nodes, and comes out through the next."""
    for here, there in zip(indexes, (*indexes[1:], indexes[0]), strict=True):
        url = f"{cluster.endpoints[there]}/{client.ACCOUNT}/{queue_name}"
        sqs = client.sqs(cluster.endpoints[here])
        created = sqs.create_queue(QueueName=queue_name)["QueueUrl"]
        sqs.send_message(QueueUrl=created, MessageBody=f"through {here}")
        queue = Queue(client.sqs(cluster.endpoints[there]), url)
        message = queue.receive_one()
        assert message["Body"] == f"through {here}"
        queue.delete(message)


def given(cluster, through: int, *arguments: str) -> str:
    done = cluster.command(through, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(cluster, through: int, *arguments: str) -> str:
    done = cluster.command(through, *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


def ended(node) -> tuple[int, str]:
    """The exit code of a node that ends by itself, and what it said."""
    try:
        code = node.process.wait(EXIT_DEADLINE_SECONDS)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"it runs:\n{node.log_tail()}") from None
    return code, node.log_tail()


def ids(cluster) -> list[str]:
    return [node.status()["this_node"] for node in cluster.nodes]


def test_lost_disks_are_replaced(cluster, figures):
    def replace(through: int, lost: str) -> None:
        print(given(cluster, through, "node", "replace", lost))

    survive_replacements(cluster, replace, figures)


def test_a_wiped_node_waits_until_it_is_taken_in_and_its_ghost_is_refused(cluster):
    """It neither votes under its old identity nor founds a cluster of its own."""
    use(cluster, "before", 0, 1, 2)
    lost = ids(cluster)[1]
    ghost = cluster.nodes[1].directory / "ghost"
    cluster.kill(1)
    shutil.move(cluster.nodes[1].data_dir, ghost)
    new = cluster.start_waiting(1, through=0)
    status, reason = cluster.nodes[1].admin_get("/health/ready")
    assert status == 503
    assert f"squorum node add {new}" in reason
    shown = cluster.command(0, "status").stdout
    assert f"node {new}" in shown
    assert f"squorum node replace {lost}" in shown
    use(cluster, "meanwhile", 0, 2)

    assert "is alive" in refused(cluster, 0, "node", "replace", ids_of(cluster, 2))
    assert "no member" in refused(cluster, 0, "node", "replace", "00000000000000aa")
    assert "does not wait" in refused(cluster, 0, "node", "add", "00000000000000aa")
    said = given(cluster, 2, "node", "replace", lost)
    assert f"node {new} is a member" in said
    cluster.nodes[1].wait_until_ready()
    wait_until_voters(cluster.nodes[0], set(ids(cluster)))
    wait_until_equal(cluster.nodes[0])
    use(cluster, "after", 0, 1, 2)
    # Given again it says the same.
    assert "no member" in refused(cluster, 0, "node", "replace", lost)

    cluster.kill(1)
    shutil.move(cluster.nodes[1].data_dir, cluster.nodes[1].directory / "new")
    shutil.move(ghost, cluster.nodes[1].data_dir)
    cluster.nodes[1].spawn()
    code, said = ended(cluster.nodes[1])
    assert code == 1, said
    assert "never a member again" in said
    use(cluster, "without-ghost", 0, 2)


def ids_of(cluster, index: int) -> str:
    return cluster.nodes[index].status()["this_node"]


def test_a_node_behind_its_marker_comes_back_by_itself(cluster):
    """Its log goes back to what it was before more was synced, as a restored backup would."""
    use(cluster, "before", 0, 1, 2)
    restored = cluster.nodes[1]
    lost = ids_of(cluster, 1)
    assert restored.stop() == 0
    log = restored.data_dir / "log"
    backup = restored.directory / "backup"
    shutil.copytree(log, backup)
    restored.start()
    cluster.wait_until_well()
    marker = log / "marker"
    said = marker.read_bytes()
    use(cluster, "between", 0, 1, 2)
    # The marker is some 100 ms behind the log.
    wait_for(lambda: marker.read_bytes() != said)
    restored.kill()
    for segment in log.iterdir():
        if segment.name != "marker":
            segment.unlink()
    for segment in backup.iterdir():
        if segment.name != "marker":
            shutil.copy2(segment, log / segment.name)
    restored.expected_errors.append(re.compile("had promised to keep"))
    restored.start()
    assert ids_of(cluster, 1) != lost
    for node in cluster.nodes:
        wait_until_voters(node, set(ids(cluster)))
    wait_until_equal(cluster.nodes[0])
    use(cluster, "after", 0, 1, 2)
    deadline = time.monotonic() + EXIT_DEADLINE_SECONDS
    while (restored.data_dir / "lost").exists():
        assert time.monotonic() < deadline, "what was put away takes room for ever"
        time.sleep(0.1)
    # Nothing of it is left to disturb the next start.
    restored.kill()
    restored.start()


def test_a_node_is_drained_and_takes_part_again(cluster):
    use(cluster, "before", 0, 1, 2)
    leaving = ids_of(cluster, 0)
    rest = {ids_of(cluster, 1), ids_of(cluster, 2)}
    said = given(cluster, 1, "node", "drain", leaving)
    assert f"node {leaving} has left the cluster" in said
    code, said = ended(cluster.nodes[0])
    assert code == 0, said
    assert "has left the cluster" in said
    wait_until_voters(cluster.nodes[1], rest)
    use(cluster, "meanwhile", 1, 2)

    shutil.rmtree(cluster.nodes[0].data_dir)
    new = cluster.start_waiting(0, through=1)
    given(cluster, 1, "node", "add", new)
    cluster.nodes[0].wait_until_ready()
    for node in cluster.nodes:
        wait_until_voters(node, {*rest, new})
    use(cluster, "after", 0, 1, 2)
