"""Poison messages go from a queue to its dead-letter queue on another shard while the leaders of both
are killed: each is there once, and every other message is handled."""

import time

import pytest

from squorum_tests import client
from squorum_tests.bulk import drain, wait_until_empty
from squorum_tests.dead_letters import (
    Pair,
    in_transfer,
    kill_and_start,
    make_apart,
    shards_of,
    wait_until_arrived,
)
from squorum_tests.leaders import wait_for_leader
from squorum_tests.poison import PoisonLoad
from squorum_tests.poison_records import judge
from squorum_tests.scenarios import one_name
from squorum_tests.size import seed, size

MESSAGES = size(2_000, 100_000)
ROUNDS = size(2, 5)
RECEIVES_MAX = 3
VISIBILITY_SECONDS = size(4, 10)
# Each kill has a part of the messages for itself, and comes when so much of that is settled.
KILL_AT_SHARE = 0.3
TRANSFER_DEADLINE_SECONDS = 2.0
LOAD_DEADLINE_SECONDS = 1200.0


def wait_until_settled(load: PoisonLoad, count: int) -> None:
    deadline = time.monotonic() + LOAD_DEADLINE_SECONDS
    while load.records.settled() < count:
        load.assert_no_failure()
        assert time.monotonic() < deadline, (
            f"{load.records.settled()} of {count} messages are settled"
        )
        time.sleep(0.02)


def is_on_its_way(cluster) -> bool:
    """Waits a little for a moment in which something is, since that is gone in milliseconds."""
    deadline = time.monotonic() + TRANSFER_DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if sum(in_transfer(cluster)) > 0:
            return True
    return False


def kill_leaders(cluster, pair: Pair, load: PoisonLoad) -> dict[str, int]:
    """Kills the source's leader and the target's in turn, under a part of the load each."""
    kills = during_transfer = released = 0
    for kills in range(1, 2 * ROUNDS + 1):
        before, released = released, load.release(kills / (2 * ROUNDS))
        wait_until_settled(load, round(before + KILL_AT_SHARE * (released - before)))
        dying = wait_for_leader(cluster, (pair.source if kills % 2 else pair.dead).name)
        during_transfer += is_on_its_way(cluster)
        kill_and_start(cluster, dying)
    return {"kills": kills, "kills_during_a_transfer": during_transfer}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["fifo", "standard"])
def test_leaders_killed(cluster, figures, kind):
    cluster.wait_until_well()
    run_seed = seed()
    figures.note(seed=run_seed, messages=MESSAGES)
    with one_name(cluster) as endpoint:
        pair = make_apart(
            cluster,
            client.sqs_of_users(endpoint),
            ".fifo" if kind == "fifo" else "",
            RECEIVES_MAX,
            VisibilityTimeout=str(VISIBILITY_SECONDS),
        )
        began = time.monotonic()
        load = PoisonLoad(endpoint, pair.source, MESSAGES, VISIBILITY_SECONDS, run_seed)
        try:
            figures.note(**kill_leaders(cluster, pair, load))
            wait_until_settled(load, MESSAGES)
            load.wait_until_sent()
            wait_until_empty(pair.source)
        finally:
            load.stop()
        figures.note(seconds=round(time.monotonic() - began, 1))
        arrived_seconds = wait_until_arrived(cluster)
        figures.note(
            arrived_seconds=round(arrived_seconds, 1),
            shards=[shards_of(cluster, queue) for queue in (pair.source, pair.dead)],
        )
        found = judge(load.records, drain(endpoint, pair.dead), RECEIVES_MAX)
        figures.note(**found)
        assert load.records.violations == []
        assert found["poison_dead"] == found["poison"]
        assert (pair.source.counters(), pair.dead.counters()) == ((0, 0, 0), (0, 0, 0))
        assert in_transfer(cluster) == [0, 0, 0]
