"""The AWS SDK for JavaScript v3, sqs-producer and sqs-consumer."""

import json

import pytest

from squorum_tests import clients, tour
from squorum_tests.stream import survives_two_deaths

pytestmark = pytest.mark.timeout(900)
DIRECTORY = clients.PROGRAMS / "javascript"
JOBS_ONCE = {f"job-{number}": 1 for number in range(20)}


def test_tour(node, unique):
    name = unique()
    printed = clients.run(["node", "tour.js", name], node.endpoint, DIRECTORY)
    tour.judge(printed, node.endpoint, name)


def test_sqs_consumer(node, queue):
    """What takes longer than the visibility timeout is handled once, what fails comes back."""
    made = queue()
    said = json.loads(clients.run(["node", "consumer.js", made.url], node.endpoint, DIRECTORY))
    assert said["queueSize"] == 20
    assert said["handled"] == JOBS_ONCE
    assert said["events"] == {"message_processed": 20, "processing_error": 1}
    assert said["errors"] == []
    assert made.counters() == (0, 0, 0)


def test_sqs_consumer_by_batches(node, queue):
    made = queue()
    said = json.loads(clients.run(["node", "batches.js", made.url], node.endpoint, DIRECTORY))
    assert said == {"handled": JOBS_ONCE, "errors": []}
    assert made.counters() == (0, 0, 0)


def test_two_deaths(cluster):
    survives_two_deaths(cluster, ["node", "stream.js", "stream"], DIRECTORY)
