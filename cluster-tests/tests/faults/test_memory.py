"""Memory is bounded by what is in flight, not by the backlog: a million messages sent and left
cost less than 40 MiB over the fixed budget, three millions no more, a hundred thousand FIFO groups
the same; and the backlog drains quickly and restarts quickly."""

import pytest

from squorum_tests import client
from squorum_tests.load import load
from squorum_tests.machine import start_bar
from squorum_tests.size import LONG, size

MESSAGES = size(60_000, 1_000_000)
GROUPS = size(6_000, 100_000)
GROWTH_MAX_MIB = 40
# Between two measurements of the same thing.
NOISE_MIB = 10
READY_SECONDS_MAX = 3.0
MIB = 1 << 20
# The node's fixed budget: recent writes, state read from disk, recent log entries. The defaults at
# full size; in the short form so little that its backlog would not fit.
MEMTABLE_MIB, BLOCK_CACHE_MIB, LOG_TAIL_MIB = (128, 64, 64) if LONG else (16, 8, 8)
BUDGET_ARGUMENTS = (
    *("--memtable-mib", str(MEMTABLE_MIB)),
    *("--block-cache-mib", str(BLOCK_CACHE_MIB)),
    *("--log-tail-mib", str(LOG_TAIL_MIB)),
)


def resident_mib(node) -> float:
    return node.resident_bytes() / MIB


def visible(node, queue: str) -> int:
    sqs = client.sqs(node.endpoint)
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    names = ["ApproximateNumberOfMessages"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def empty_rate(node, queue: str, common: dict) -> float:
    """Messages a second through a queue that stays empty."""
    empty = load("pipeline", node, queue, duration=size(3, 10), **common)
    assert_clean(empty)
    return empty["messages_per_second"]


def assert_clean(report: dict) -> None:
    assert (report["lost"], report["duplicates"], report["disordered"]) == (0, 0, 0)


@pytest.mark.timeout(5400)
@pytest.mark.parametrize("groups", [0, GROUPS], ids=["standard", "fifo"])
def test_backlog_costs_no_memory(make_node, groups):
    own_node = make_node(arguments=BUDGET_ARGUMENTS)
    own_node.start()
    fresh = resident_mib(own_node)
    budget = fresh + MEMTABLE_MIB + BLOCK_CACHE_MIB + LOG_TAIL_MIB
    queue = "backlog.fifo" if groups else "backlog"
    common = {"batch": 10} | ({"groups": groups} if groups else {})
    empty_rates = [empty_rate(own_node, "p" + queue, common)]
    idle = resident_mib(own_node)

    sent = load("send", own_node, queue, messages=MESSAGES, **common)
    assert sent["sent"] == MESSAGES
    assert visible(own_node, queue) == MESSAGES
    left = resident_mib(own_node)
    print(f"RSS MiB: {idle:.0f} idle, {left:.0f} with {MESSAGES}; budget {budget:.0f}")
    assert left <= budget + GROWTH_MAX_MIB

    if LONG:
        more = load("send", own_node, "more" + queue, messages=2 * MESSAGES, **common)
        assert more["sent"] == 2 * MESSAGES
        triple = resident_mib(own_node)
        print(f"RSS MiB: {triple:.0f} with {3 * MESSAGES}")
        assert triple <= max(left, budget) + NOISE_MIB

    own_node.kill()
    bar = start_bar(READY_SECONDS_MAX, own_node.directory)
    ready_seconds = own_node.start()
    print(f"ready after {ready_seconds:.3f} s")
    assert ready_seconds <= bar

    if not LONG:
        # What the machine's disk carried some time ago, it need not carry any more.
        empty_rates.append(empty_rate(own_node, "before" + queue, common))
    drained = load("drain", own_node, queue, messages=MESSAGES, **common)
    assert_clean(drained)
    assert visible(own_node, queue) == 0
    after = resident_mib(own_node)
    if not LONG:
        empty_rates.append(empty_rate(own_node, "after" + queue, common))
    drain_rate, slowest = drained["messages_per_second"], min(empty_rates)
    print(f"drain {drain_rate:.0f}/s, empty pipeline {slowest:.0f}/s, RSS {after:.0f} MiB")
    assert after <= budget + GROWTH_MAX_MIB
    assert drain_rate >= slowest / 2
