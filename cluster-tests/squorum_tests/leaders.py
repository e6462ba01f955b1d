"""Who leads, once somebody does: nobody may for a moment, while leaderships go to where they belong."""

import time
from collections.abc import Callable
from typing import TypeVar

from squorum_tests.cluster import Cluster

DEADLINE_SECONDS = 30.0
POLL_SECONDS = 0.1
Found = TypeVar("Found")


def wait_for_leader(cluster: Cluster, queue: str, through: int = 0) -> int:
    """Of the queue's first partition, once there is one."""
    return settled(lambda: cluster.leader_of(queue, through), f"nobody leads {queue}")


def wait_for_leaders(cluster: Cluster, queue: str, through: int = 0) -> list[int]:
    """Of all partitions of the queue, once each has one."""

    def leaders() -> list[int] | None:
        found = [partition["leader"] for partition in cluster.partitions(queue, through)]
        return None if None in found else [cluster.index_of(leader) for leader in found]

    return settled(leaders, f"nobody leads some of {queue}")


def wait_for_meta_leader(cluster: Cluster) -> int:
    def leader() -> int | None:
        groups = cluster.nodes[0].status()["groups"]
        (found,) = [group["leader"] for group in groups if group["name"] == "meta"]
        return None if found is None else cluster.index_of(found)

    return settled(leader, "nobody leads meta")


def settled(find: Callable[[], Found | None], otherwise: str) -> Found:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (found := find()) is None:
        assert time.monotonic() < deadline, otherwise
        time.sleep(POLL_SECONDS)
    return found
