"""A node's disk is lost under the load of users, and another node takes its place by the documented
command, again and again."""

import time
from collections.abc import Callable
from typing import Protocol

from squorum_tests.continuity import (
    Period,
    assert_none,
    check_delivery,
    check_exceptions,
    check_gap,
    longest_gap,
)
from squorum_tests.figures import Figures
from squorum_tests.replicas import wait_until_equal, wait_until_voters
from squorum_tests.scenarios import (
    ACKED_MIN,
    DELIVERY_SECONDS_MAX,
    KILL_GAP_SECONDS_MAX,
    Breakable,
    acked_within,
    histories,
    load_of_users,
    note_exceptions,
    one_name,
    rounded,
)
from squorum_tests.size import size
from squorum_tests.workload import judge

REPLACEMENTS = size(1, 6)


class Replaceable(Breakable, Protocol):
    """A cluster whose nodes can lose their disks."""

    @property
    def nodes(self) -> list: ...
    def kill_and_wipe(self, index: int) -> None: ...


def survive_replacements(
    cluster: Replaceable, replace: Callable[[int, str], None], figures: Figures
) -> None:
    """`replace` gives the documented command through a member for a lost one's id, and returns when it
    has done."""
    with one_name(cluster) as endpoint, load_of_users(endpoint, figures) as workloads:
        found = histories(workloads)
        began = time.monotonic()
        gaps, seconds = [], []
        for number in range(REPLACEMENTS):
            victim = number % len(cluster.places)
            through = (victim + 1) % len(cluster.places)
            lost = cluster.nodes[victim].status()["this_node"]
            killed = time.monotonic()
            cluster.kill_and_wipe(victim)
            cluster.start_waiting(victim, through)
            replace(through, lost)
            cluster.nodes[victim].wait_until_ready()
            ids = {node.status()["this_node"] for node in cluster.nodes}
            assert lost not in ids
            for node in cluster.nodes:
                wait_until_voters(node, ids)
            seconds.append(time.monotonic() - killed)
            gaps.append(longest_gap(found, Period(killed, time.monotonic())))
        under_fault = Period(began, time.monotonic())
        sent = sum(acked_within(history, under_fault) for history in found)
        duration = under_fault.ended - under_fault.started
        figures.note(
            replacements=len(seconds),
            seconds=round(duration, 1),
            acknowledged_per_second=round(sent / duration),
            gap_seconds=round(longest_gap(found, under_fault), 3),
            gap_seconds_of_each=rounded(gaps),
            whole_again_seconds=rounded(seconds),
        )
        judge(workloads, ACKED_MIN, figures)
        figures.note(groups_with_equal_digests=len(wait_until_equal(cluster.nodes[0])))
        note_exceptions(figures, found)
        violations = check_exceptions(found)
        violations += check_gap(found, under_fault, KILL_GAP_SECONDS_MAX)
        violations += check_delivery(found, under_fault.ended, DELIVERY_SECONDS_MAX)
        assert_none(violations)
