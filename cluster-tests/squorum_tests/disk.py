"""How much disk the state of a cluster takes. The store gives it back when it compacts, every few
flushes, and grows in between."""

import time
from pathlib import Path

from squorum_tests import client
from squorum_tests.bulk import drain, send_all
from squorum_tests.cluster import Cluster
from squorum_tests.dead_letters import make

OTHER_MESSAGES = 50
OTHER_BYTES = 8 * 1024
GIVEN_BACK_DEADLINE_SECONDS = 180.0


def state_bytes(cluster: Cluster) -> list[int]:
    """Of each node: the files of its state. Its log is kept for a while in any case."""
    return [
        sum(size_of(file) for file in node.data_dir.glob("state/*.sst")) for node in cluster.nodes
    ]


def size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        # A compaction has just removed it.
        return 0


def least_state_bytes(cluster: Cluster, endpoint: str, enough: float) -> list[int]:
    """Sends and deletes others until each node's state was not more than `enough` once."""
    other = make(client.sqs_of_users(endpoint), "other")
    least = state_bytes(cluster)
    deadline = time.monotonic() + GIVEN_BACK_DEADLINE_SECONDS
    while max(least) > enough and time.monotonic() < deadline:
        send_all(endpoint, other, (f"other-{n}" for n in range(OTHER_MESSAGES)), OTHER_BYTES)
        drain(endpoint, other)
        least = list(map(min, least, state_bytes(cluster)))
    return least
