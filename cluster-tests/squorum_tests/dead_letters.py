"""A queue and its dead-letter queue on a cluster: where they lie, who leads, what is on its way."""

import json
import time
from dataclasses import dataclass

from squorum_tests import client
from squorum_tests.bulk import Burial, wait_until_empty
from squorum_tests.cluster import Cluster
from squorum_tests.queue import Queue

PAIRS_TRIED_MAX = 20
ARRIVAL_DEADLINE_SECONDS = 180.0
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Pair:
    """A source with `maxReceiveCount`, and the queue of its dead letters."""

    source: Queue
    dead: Queue


def arn(name: str) -> str:
    return f"arn:aws:sqs:{client.REGION}:{client.ACCOUNT}:{name}"


def policy(dead: str, receives_max: int) -> str:
    return json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": receives_max})


def make(sqs, name: str, dead: str | None = None, receives_max: int = 1, **attributes) -> Queue:
    """A queue of the kind that its name says, whose dead letters go to `dead`, if there is one."""
    if dead is not None:
        attributes["RedrivePolicy"] = policy(dead, receives_max)
    if name.endswith(".fifo"):
        attributes["FifoQueue"] = "true"
    created = sqs.create_queue(QueueName=name, Attributes=attributes)
    return Queue(sqs, created["QueueUrl"])


def make_apart(cluster: Cluster, sqs, suffix: str, receives_max: int, **attributes) -> Pair:
    """A pair whose first partitions lie on different shards, if one can be with different leaders."""
    found = []
    for number in range(PAIRS_TRIED_MAX):
        dead = make(sqs, f"dead{number}{suffix}", VisibilityTimeout="30")
        source = make(sqs, f"source{number}{suffix}", dead.name, receives_max, **attributes)
        first = [cluster.partitions(queue.name)[0] for queue in (source, dead)]
        if first[0]["shard"] != first[1]["shard"]:
            found.append(Pair(source, dead))
            if first[0]["leader"] != first[1]["leader"]:
                break
    assert found, f"{PAIRS_TRIED_MAX} pairs, each on one shard"
    return found[-1]


def shards_of(cluster: Cluster, queue: Queue) -> list[int]:
    return sorted({partition["shard"] for partition in cluster.partitions(queue.name)})


def in_transfer(cluster: Cluster) -> list[int]:
    """Of each node that runs: messages that left shards which it leads and have not arrived."""
    running = [node for node in cluster.nodes if node.is_running()]
    return [int(node.metric("squorum_messages_in_transfer")) for node in running]


def wait_until_arrived(cluster: Cluster) -> float:
    """Until nothing is on its way at any node; returns the seconds that took."""
    started = time.monotonic()
    while sum(found := in_transfer(cluster)) > 0:
        waited = time.monotonic() - started
        assert waited < ARRIVAL_DEADLINE_SECONDS, (
            f"still on their way after {waited:.0f} s: {found}"
        )
        time.sleep(POLL_SECONDS)
    return time.monotonic() - started


def kill_and_start(cluster: Cluster, dying: int) -> None:
    """SIGKILL; the node is back, and all is well, on return."""
    cluster.kill(dying)
    cluster.start_node(dying)
    cluster.wait_until_well()


def bury_all(cluster: Cluster, endpoint: str, pair: Pair) -> None:
    """Until every message of the source is in the dead-letter queue."""
    with Burial(endpoint, pair.source):
        wait_until_empty(pair.source)
    wait_until_arrived(cluster)
