"""A follower that was away for longer than the log reaches comes back through a streamed snapshot,
under load, and ends up with the same state as the others."""

import threading
import time

import pytest

from squorum_tests import client
from squorum_tests.load import load
from squorum_tests.size import LONG, size

MESSAGES = size(30_000, 500_000)
RETENTION_ARGUMENTS = (
    *("--log-retention-mib", str(size(1, 32))),
    *("--checkpoint-mib", str(size(1, 16))),
)
BASELINE_SECONDS = size(4, 20)
LOST_SHARE_MAX = 0.10
EQUAL_DEADLINE_SECONDS = 60.0
CLEAN = {"lost": 0, "duplicates": 0, "disordered": 0, "foreign": 0, "errors": 0}


def digests(cluster) -> dict[str, set]:
    """Of each group, what its replicas say of their state, as the first node knows it."""
    groups = cluster.nodes[0].status()["groups"]
    return {
        group["name"]: {(r["digest_index"], r["digest"]) for r in group["replicas"]}
        for group in groups
    }


def wait_until_equal(cluster) -> dict[str, set]:
    deadline = time.monotonic() + EQUAL_DEADLINE_SECONDS
    while True:
        found = digests(cluster)
        if all(len(group) == 1 for group in found.values()):
            return found
        assert time.monotonic() < deadline, f"replicas differ: {found}"
        time.sleep(0.2)


@pytest.mark.timeout(3600)
def test_back_by_snapshot(make_cluster):
    cluster = make_cluster(arguments=RETENTION_ARGUMENTS)
    cluster.start()
    away, (busy, _) = 2, cluster.others(2)
    sender = cluster.nodes[busy]
    fifo = client.sqs_of_users(sender.endpoint).create_queue(
        QueueName="kept.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "600"}
    )["QueueUrl"]
    sqs = client.sqs_of_users(sender.endpoint)
    first = sqs.send_message(
        QueueUrl=fifo, MessageBody="kept", MessageGroupId="g", MessageDeduplicationId="id"
    )

    cluster.kill(away)
    before = load("send", sender, "away", batch=10, messages=MESSAGES)
    assert before["sent"] == MESSAGES
    baseline = load("send", sender, "rate", batch=10, duration=f"{BASELINE_SECONDS}s")

    during: list[dict] = []
    loading = threading.Thread(
        target=lambda: during.append(
            load("send", sender, "rate", batch=10, duration=f"{BASELINE_SECONDS}s")
        )
    )
    loading.start()
    ready = cluster.start_node(away)
    caught_up = cluster.wait_until_well()
    loading.join()

    installed = cluster.nodes[away].metric("squorum_snapshots_installed")
    share = during[0]["messages_per_second"] / baseline["messages_per_second"]
    print(
        f"{installed:.0f} snapshots, ready after {ready:.1f} s, well after {caught_up:.1f} s more"
    )
    print(f"sends meanwhile at {100 * share:.0f} % of {baseline['messages_per_second']:.0f}/s")
    assert installed >= 1
    print(f"digests {wait_until_equal(cluster)}")
    # What only a snapshot could bring: deduplication of a message from before, and the messages.
    back = client.sqs_of_users(cluster.endpoints[away])
    again = back.send_message(
        QueueUrl=fifo, MessageBody="other", MessageGroupId="g", MessageDeduplicationId="id"
    )
    assert again["MessageId"] == first["MessageId"]
    # The other two must not be needed for it: with one of them dead the snapshot's owner is.
    cluster.kill(busy)
    drained = load("drain", cluster.nodes[away], "away", batch=10, messages=MESSAGES)
    assert {name: drained[name] for name in CLEAN} == CLEAN
    if LONG:
        assert share >= 1 - LOST_SHARE_MAX
