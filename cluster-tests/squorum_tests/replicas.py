"""What the replicas of a cluster's groups say of themselves, as one node knows it."""

import time

EQUAL_DEADLINE_SECONDS = 60.0
MEMBERS_DEADLINE_SECONDS = 300.0


def digests(node) -> dict[str, set]:
    """Of each group, after which entry each replica's state has which digest."""
    return {
        group["name"]: {(r["digest_index"], r["digest"]) for r in group["replicas"]}
        for group in node.status()["groups"]
    }


def wait_until_equal(node) -> dict[str, set]:
    """Until all replicas of every group show the same state after the same entry."""
    deadline = time.monotonic() + EQUAL_DEADLINE_SECONDS
    while True:
        found = digests(node)
        if all(len(group) == 1 for group in found.values()):
            return found
        assert time.monotonic() < deadline, f"replicas differ: {found}"
        time.sleep(0.2)


def voters(node) -> list[set[str]]:
    """Of each group the ids of its voters."""
    groups = node.status()["groups"]
    return [{r["node"] for r in group["replicas"] if r["votes"]} for group in groups]


def wait_until_voters(node, ids: set[str]) -> None:
    """Until these nodes, and no others, are members and the voters of every group."""
    deadline = time.monotonic() + MEMBERS_DEADLINE_SECONDS
    while True:
        members = {member["id"] for member in node.status()["nodes"]}
        found = voters(node)
        if members == ids and found and all(group == ids for group in found):
            return
        assert time.monotonic() < deadline, f"members {members}, voters {found}, not {ids}"
        time.sleep(0.2)
