"""Planned ends: a node that gets SIGTERM hands its leaderships over first, so that nobody notices.

The short form runs beside other work on slow machines. Shards that nobody hands over tell there what
the machine takes, and at full size nothing is allowed for it."""

import contextlib
import time

import pytest

from squorum_tests import client
from squorum_tests.background import wait_for
from squorum_tests.continuity import Period, assert_none, check_exceptions, longest_gap
from squorum_tests.leaders import wait_for_leader
from squorum_tests.probe import Attempt, SendProbe
from squorum_tests.scenarios import endpoint_of, histories, load_of_users, note_exceptions, one_name
from squorum_tests.size import LONG, size
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


def shards_led_by(cluster, index: int, queue_per_shard: dict[int, str]) -> set[int]:
    leaders = {
        shard: wait_for_leader(cluster, path.rsplit("/", 1)[1])
        for shard, path in queue_per_shard.items()
    }
    led = {shard for shard, leader in leaders.items() if leader == index}
    assert led, f"node {index} has nothing to hand over"
    return led


def beyond_control(gaps: dict[int, float], led: set[int]) -> float:
    """How much longer the longest gap of the shards that were handed over is than those of the others,
    which only the machine can hold up. At full size, the longest of all."""
    if LONG:
        return max(gaps.values())
    control = max(gap for shard, gap in gaps.items() if shard not in led)
    return max(gaps[shard] for shard in led) - control


@pytest.mark.timeout(900)
def test_every_shard_is_handed_over_without_an_error(cluster, queue_per_shard, figures):
    """A probe on every shard, through a node that stays."""
    gaps: dict[int, list[float]] = {shard: [] for shard in sorted(queue_per_shard)}
    beyond: list[float] = []
    stops: list[float] = []
    failed: list[Attempt] = []
    for number in range(HAND_OVERS):
        cluster.wait_until_well()
        # Or leaderships that come back would be handed over beside those of the node that ends.
        wait_for(cluster.is_balanced)
        ending = number % 3
        led = shards_led_by(cluster, ending, queue_per_shard)
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
        beyond.append(beyond_control({shard: found[-1] for shard, found in gaps.items()}, led))
        cluster.start_node(ending)
    figures.note(
        hand_overs=HAND_OVERS,
        gap_seconds_of_each_shard=gaps,
        stop_seconds=stops,
        errors=len(failed),
    )
    assert failed == []
    assert max(beyond) <= HAND_OVER_SECONDS_MAX


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
