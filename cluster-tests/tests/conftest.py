"""Fixtures: one shared node for tests that only speak the protocol, own nodes for tests that break
something. Every test fails when its node logged an ERROR line or a panic that was not expected."""

import re
import uuid

import pytest

from squorum_tests import client
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
            title = f"log of the node on port {node.port}"
            report.sections.append((title, node.log_tail(LOG_LINES_SHOWN)))
    return report


@pytest.fixture(scope="session")
def shared_node(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("shared"))
    node.start()
    yield node
    node.stop()
    node.remove()


@pytest.fixture
def node(request, shared_node):
    """The shared node, alive and without error lines after the test as before it."""
    request.node.stash[NODES] = [shared_node]
    yield shared_node
    assert shared_node.is_running(), f"the node died:\n{shared_node.log_tail()}"
    unexpected = shared_node.unexpected_errors()
    assert not unexpected, "unexpected error lines:\n" + "\n".join(unexpected)


@pytest.fixture
def make_node(request, tmp_path):
    """Makes nodes of the test's own. Arguments are those of `Node`, the directory excepted."""
    nodes = request.node.stash.setdefault(NODES, [])

    def make(**arguments) -> Node:
        nodes.append(Node(tmp_path / f"node{len(nodes)}", **arguments))
        return nodes[-1]

    yield make
    unexpected = [line for node in nodes for line in node.unexpected_errors()]
    for node in nodes:
        node.remove()
    nodes.clear()
    assert not unexpected, "unexpected error lines:\n" + "\n".join(unexpected)


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
