"""Planned ends: a node that gets SIGTERM hands its leaderships over first, so that nobody notices."""

import contextlib
import time

import pytest

from squorum_tests import client
from squorum_tests.continuity import Period, assert_none, check_exceptions, longest_gap
from squorum_tests.probe import Attempt, SendProbe
from squorum_tests.scenarios import endpoint_of, histories, load_of_users, note_exceptions, one_name
from squorum_tests.size import size
from squorum_tests.workload import judge

HAND_OVERS = size(3, 20)
HAND_OVER_SECONDS_MAX = 0.3
SHARDS = 8
QUEUES_MAX = 200


@pytest.fixture
def queue_per_shard(cluster) -> dict[int, str]:
    """FIFO queues of one partition each, one on every shard: the shard, and the queue's path."""
    sqs = client.sqs_of_users(cluster.endpoints[0])
    found: dict[int, str] = {}
    for number in range(QUEUES_MAX):
        if len(found) == SHARDS:
            break
        queue = f"probe{number}.fifo"
        url = sqs.create_queue(QueueName=queue, Attributes={"FifoQueue": "true"})["QueueUrl"]
        found.setdefault(cluster.partitions(queue)[0]["shard"], url.split("/", 3)[3])
    assert len(found) == SHARDS, f"queues are on {sorted(found)} only"
    return found


@pytest.mark.timeout(900)
def test_every_shard_is_handed_over_without_an_error(cluster, queue_per_shard, figures):
    """A probe on every shard, through a node that stays."""
    gaps: dict[int, list[float]] = {shard: [] for shard in sorted(queue_per_shard)}
    stops: list[float] = []
    failed: list[Attempt] = []
    for number in range(HAND_OVERS):
        cluster.wait_until_well()
        ending = number % 3
        place = cluster.nodes[cluster.others(ending)[0]].place
        with contextlib.ExitStack() as probing:
            probes = {
                shard: probing.enter_context(SendProbe(place, f"{endpoint_of(place)}/{path}"))
                for shard, path in queue_per_shard.items()
            }
            time.sleep(1.0)
            began = time.monotonic()
            assert cluster.nodes[ending].stop() == 0
            stops.append(round(time.monotonic() - began, 2))
            time.sleep(1.0)
            for shard, probe in probes.items():
                gaps[shard].append(round(probe.longest_gap(began), 3))
                failed += probe.failures()
        cluster.start_node(ending)
    figures.note(
        hand_overs=HAND_OVERS,
        gap_seconds_of_each_shard=gaps,
        stop_seconds=stops,
        errors=len(failed),
    )
    assert failed == []
    assert max(max(found) for found in gaps.values()) <= HAND_OVER_SECONDS_MAX


@pytest.mark.timeout(900)
def test_rolling_restart_under_the_load_of_users(cluster, figures):
    with one_name(cluster) as endpoint, load_of_users(endpoint, figures) as workloads:
        began = time.monotonic()
        for node in cluster.nodes:
            assert node.stop() == 0
            node.start()
            cluster.wait_until_well()
        gap = longest_gap(histories(workloads), Period(began, time.monotonic()))
        figures.note(gap_seconds=round(gap, 3))
        judge(workloads, 100, figures)
        note_exceptions(figures, histories(workloads))
        assert_none(check_exceptions(histories(workloads)))
