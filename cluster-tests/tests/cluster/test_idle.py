"""What a cluster costs that does nothing: CPU of each node with many queues."""

import time

import pytest

from squorum_tests import client
from squorum_tests.size import LONG, size

QUEUES = size(200, 2000)
# For so long nothing is written before a cluster counts as idle: shards hear of new queues in rounds,
# which may be eleven seconds apart.
QUIET_SECONDS = size(3, 15)
QUIET_DEADLINE_SECONDS = 300.0
MEASURED_SECONDS = size(10, 60)
CORE_SHARE_MAX = 0.05
SHARDS = [8, 16, 64] if LONG else [8]


def wait_until_idle(cluster) -> float:
    """Until no node writes to its log; returns the seconds that took."""
    began = quiet_since = time.monotonic()
    records = None
    while time.monotonic() - quiet_since < QUIET_SECONDS:
        found = [node.metric("squorum_log_records") for node in cluster.nodes]
        if found != records:
            records, quiet_since = found, time.monotonic()
        assert quiet_since - began < QUIET_DEADLINE_SECONDS, f"still writes: {records}"
        time.sleep(0.5)
    return quiet_since - began


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shards", SHARDS)
def test_idle_cpu(make_cluster, shards, figures):
    cluster = make_cluster(arguments=("--shards", str(shards)))
    cluster.start()
    sqs = client.sqs_of_users(cluster.endpoints[0])
    for number in range(QUEUES):
        sqs.create_queue(QueueName=f"idle{number}")
    figures.note(idle_after_seconds=round(wait_until_idle(cluster), 1))
    before = [node.cpu_seconds() for node in cluster.nodes]
    began = time.monotonic()
    time.sleep(MEASURED_SECONDS)
    elapsed = time.monotonic() - began
    after = [node.cpu_seconds() for node in cluster.nodes]
    shares = [(b - a) / elapsed for a, b in zip(before, after, strict=True)]
    figures.note(
        shards=shards,
        queues=QUEUES,
        core_percent_of_each_node=[round(100 * share, 2) for share in shares],
    )
    if LONG and shards == 8:
        assert max(shares) <= CORE_SHARE_MAX
