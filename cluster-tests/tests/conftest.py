"""Fixtures: one shared node, or with `--squorum-nodes 3` any node of a shared cluster, for tests that
only speak the protocol; own nodes for tests that break something. Every test fails when its nodes
logged an ERROR line or a panic that was not expected."""

import contextlib
import random
import re
import uuid

import pytest

from squorum_tests import client, network
from squorum_tests.cluster import Cluster, in_namespaces, on_loopback
from squorum_tests.node import Node
from squorum_tests.queue import Queue

LOG_LINES_SHOWN = 40
NODES: pytest.StashKey[list[Node]] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its nodes logged last."""
    report = yield
    if report.failed and call.when == "call":
        for node in item.stash.get(NODES, []):
            title = f"log of the node at {node.endpoint}"
            report.sections.append((title, node.log_tail(LOG_LINES_SHOWN)))
    return report


@pytest.fixture(scope="session")
def shared_nodes(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("shared")
    if request.config.getoption("--squorum-nodes") == 1:
        nodes = [Node(directory)]
        nodes[0].start()
    else:
        cluster = on_loopback(directory)
        cluster.start()
        nodes = cluster.nodes
    yield nodes
    for node in nodes:
        node.stop()
        node.remove()


@pytest.fixture
def node(request, shared_nodes):
    """A shared node. All are alive and without error lines after the test as before it."""
    request.node.stash[NODES] = shared_nodes
    yield random.choice(shared_nodes)
    for node in shared_nodes:
        assert node.is_running(), f"the node died:\n{node.log_tail()}"
    assert_no_errors(shared_nodes)


def assert_no_errors(nodes: list[Node]) -> None:
    unexpected = [line for node in nodes for line in node.unexpected_errors()]
    assert not unexpected, "unexpected error lines:\n" + "\n".join(unexpected)


def remove(nodes: list[Node]) -> None:
    """Ends a test's own nodes. Those that logged errors fail it."""
    try:
        assert_no_errors(nodes)
    finally:
        for node in nodes:
            node.remove()
        nodes.clear()


@pytest.fixture
def make_node(request, tmp_path):
    """Makes nodes of the test's own. Arguments are those of `Node`, the directory excepted."""
    nodes = request.node.stash.setdefault(NODES, [])

    def make(**arguments) -> Node:
        nodes.append(Node(tmp_path / f"node{len(nodes)}", **arguments))
        return nodes[-1]

    yield make
    remove(nodes)


@pytest.fixture
def make_cluster(request, tmp_path):
    """Makes a cluster of the test's own, not started: three nodes on machines of a network whose
    links can be cut. Arguments are those of `in_namespaces` from `arguments` on."""
    reason = network.why_not_available()
    if reason is not None:
        pytest.skip(reason)
    nodes = request.node.stash.setdefault(NODES, [])
    with contextlib.ExitStack() as networks:

        def make(**more) -> Cluster:
            machines = networks.enter_context(network.Network(3))
            cluster = in_namespaces(tmp_path / f"cluster{len(nodes)}", machines, **more)
            nodes.extend(cluster.nodes)
            return cluster

        yield make
        remove(nodes)


@pytest.fixture
def cluster(make_cluster):
    """A started cluster of the test's own, of which all nodes are ready."""
    made = make_cluster()
    made.start()
    return made


@pytest.fixture
def own_node(make_node):
    """One started node of the test's own."""
    node = make_node()
    node.start()
    return node


@pytest.fixture
def sqs(node):
    return client.sqs(node.endpoint)


@pytest.fixture
def sqs_of(node):
    """Makes clients of other accounts and regions."""

    def make(account: str | None = None, region: str = client.REGION):
        return client.sqs(node.endpoint, account=account, region=region)

    return make


@pytest.fixture
def unique(request):
    """Makes queue names that no other test uses."""
    test = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:40]

    def make(suffix: str = "") -> str:
        return f"{test}-{uuid.uuid4().hex[:12]}{suffix}"

    return make


@pytest.fixture
def queue(sqs, unique):
    """Makes a standard queue with the given attributes."""

    def make(**attributes) -> Queue:
        texts = {name: str(value) for name, value in attributes.items()}
        return Queue(sqs, sqs.create_queue(QueueName=unique(), Attributes=texts)["QueueUrl"])

    return make


@pytest.fixture
def fifo(sqs, unique):
    """Makes a FIFO queue with the given attributes."""

    def make(**attributes) -> Queue:
        texts = {name: str(value) for name, value in attributes.items()}
        texts["FifoQueue"] = "true"
        created = sqs.create_queue(QueueName=unique(".fifo"), Attributes=texts)
        return Queue(sqs, created["QueueUrl"])

    return make
