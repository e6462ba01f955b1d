"""`make cluster` and its companions, and what docs/operations.md shows for containers."""

import time

import pytest

from squorum_tests import client, docker
from squorum_tests.cluster import verdict_of
from squorum_tests.compose import ComposeCluster
from squorum_tests.documents import ROOT, commands, shown
from squorum_tests.replicas import wait_until_equal, wait_until_voters

PROJECT_SHOWN, SUBNET_SHOWN, NODE_SHOWN = "squorum_", "172.30.26.", "squorum_node2_1"
NOTICED_SECONDS_MAX = 10.0
TAKEN_IN_SECONDS_MAX = 60.0
BENCH_SECONDS_MAX = 120.0
ID_SHOWN = "0123456789abcdef"


def make(target: str) -> tuple:
    """What is to be built was built."""
    return ("make", "-C", ROOT, "-o", "build", target)


@pytest.fixture
def cluster(tmp_path, image):
    assert shown("README.md", "make cluster") == "make cluster"
    with ComposeCluster(tmp_path, image) as cluster:
        cluster.start(make("cluster"))
        yield cluster
        unexpected = cluster.unexpected_errors()
    assert unexpected == []


def test_data_outlives_the_containers_until_it_is_destroyed(cluster):
    sqs = client.sqs(cluster.nodes[0].endpoint)
    url = sqs.create_queue(QueueName="kept")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")

    cluster.down(make("cluster-down"))
    cluster.start(make("cluster"))

    sqs = client.sqs(cluster.nodes[1].endpoint)
    url = sqs.get_queue_url(QueueName="kept")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert message["Body"] == "kept"

    cluster.down(make("cluster-destroy"))
    for kind in ("volume", "network"):
        assert cluster.project not in docker.run("docker", kind, "ls")


def test_node_is_taken_off_the_network_and_put_back(cluster):
    off, on = (c for c in commands("docs/operations.md") if c.startswith("docker network"))
    cluster.wait_until_well()
    docker.run(*as_here(cluster, off))
    deadline = time.monotonic() + NOTICED_SECONDS_MAX
    while {verdict_of(node) for node in cluster.nodes} == {"well"}:
        assert time.monotonic() < deadline, "it was not taken off"
        time.sleep(0.1)
    docker.run(*as_here(cluster, on))
    cluster.wait_until_well()


def test_node_is_killed_under_the_bench_and_started_again(cluster):
    steps = commands("README.md")
    bench = shown("README.md", "squorum bench pipeline").replace("30s", "8s")
    kill, status, start = steps[steps.index(shown("README.md", "docker kill")) :][:3]
    endpoints = ",".join(cluster.endpoints)
    cluster.wait_until_well()
    with cluster.running_command(0, *bench.split()[1:], "--endpoint", endpoints) as loaded:
        time.sleep(2)
        docker.run(*as_here(cluster, kill))
        shown_while_down = ""
        deadline = time.monotonic() + NOTICED_SECONDS_MAX
        while "UNREACHABLE" not in shown_while_down:
            assert time.monotonic() < deadline, shown_while_down
            command = ["bash", "-c", f"{' '.join(as_here(cluster, status))} || test $? -eq 1"]
            shown_while_down = docker.run(*command, **cluster.environment)
        docker.run(*as_here(cluster, start))
        account, errors = loaded.communicate(timeout=BENCH_SECONDS_MAX)
    assert loaded.returncode == 0, account + errors
    assert "lost 0, duplicates 0" in account
    cluster.wait_until_well()


def test_node_whose_volume_is_lost_is_replaced(cluster):
    shown_here = commands("docs/operations.md")
    begin = next(n for n, c in enumerate(shown_here) if c.startswith("docker rm"))
    remove, forget, start, replace = shown_here[begin : begin + 4]
    cluster.wait_until_well()
    lost = cluster.nodes[1].status()["this_node"]
    docker.run(*as_here(cluster, remove))
    docker.run(*as_here(cluster, forget))
    docker.run(*as_here(cluster, start), **cluster.environment)
    deadline = time.monotonic() + TAKEN_IN_SECONDS_MAX
    while not cluster.nodes[0].status()["waiting"]:
        assert time.monotonic() < deadline, "the new node is not seen"
        time.sleep(0.1)
    said = docker.run(*as_here(cluster, replace.replace(ID_SHOWN, lost)), **cluster.environment)
    assert "is a member" in said
    cluster.find_containers()
    for node in cluster.nodes:
        wait_until_voters(node, {node.status()["this_node"] for node in cluster.nodes})
    wait_until_equal(cluster.nodes[0])
    assert lost not in {node.status()["this_node"] for node in cluster.nodes}


def as_here(cluster, command: str) -> list[str]:
    """For the test's own project, subnet and container; Compose's versions name them differently."""
    command = command.replace(NODE_SHOWN, cluster.nodes[1].name)
    command = command.replace(PROJECT_SHOWN, f"{cluster.project}_")
    command = command.replace("scripts/compose", str(ROOT / "scripts/compose"))
    subnet = cluster.peers_address(1).rsplit(".", 1)[0]
    return command.replace(SUBNET_SHOWN, f"{subnet}.").split()
