"""examples/retry while nodes are killed: each poison is in the dead-letter queue once, and handled
after its redrive."""

from collections import Counter

import pytest

from squorum_tests import client
from squorum_tests.programs import kills_in_turn, run_to_the_end, words
from squorum_tests.queue import Queue
from squorum_tests.size import size

pytestmark = pytest.mark.timeout(900)

JOBS = size(40, 400)
POISONS = {f"poison-{number}" for number in range(0, JOBS, 5)}
OTHERS = {f"job-{number}" for number in range(JOBS) if number % 5}
MAX_RECEIVE_COUNT = 3


def queues(cluster, lines: list[str]) -> list[Queue]:
    """The queue and its dead-letter queue, through one node."""
    ((_, *urls),) = words(lines, "queues")
    sqs = client.sqs_of_users(cluster.endpoints[0])
    names = [url.rsplit("/", 1)[1] for url in urls]
    return [Queue(sqs, f"{cluster.endpoints[0]}/{client.ACCOUNT}/{name}") for name in names]


def test_poison_is_set_aside_once_and_handled_when_mended(cluster, tmp_path):
    arguments = ("retry/retry.py", "--jobs", str(JOBS), "--rate", "4", "--keep")
    judged = []
    with kills_in_turn(cluster) as kills:
        for directory in kills.rounds(tmp_path):
            lines = run_to_the_end(cluster, directory, *arguments)
            judge(lines)
            judged.append(lines)
    # Nobody dies any more, so that this client hears every answer.
    for lines in judged:
        source, dead = queues(cluster, lines)
        assert source.counters() == dead.counters() == (0, 0, 0)
        assert moved_of(dead) == len(ids(words(lines, "dead")))


def judge(lines: list[str]) -> None:
    mended = lines.index("the worker is mended")
    before, after = lines[:mended], lines[mended:]
    dead, failed, handled = (words(before, word) for word in ("dead", "failed", "handled"))
    # A send whose answer was lost is repeated by the SDK: a job may then be two messages, each of
    # which is set aside. A message that was set aside twice would be counted twice.
    assert f"the dead-letter queue holds {len(ids(dead))}" in before
    assert jobs(dead) == POISONS
    assert jobs(handled) == OTHERS
    assert ids(failed) <= ids(dead)
    assert max(Counter(line[1] for line in failed).values()) <= MAX_RECEIVE_COUNT
    handled = words(after, "handled")
    assert ids(dead) <= ids(handled)
    assert jobs(handled) == POISONS
    assert words(after, "failed") == []


def ids(found: list[list[str]]) -> set[str]:
    return {message_id for _, message_id, *_ in found}


def jobs(found: list[list[str]]) -> set[str]:
    return {job for _, _, job, *_ in found}


def moved_of(dead: Queue) -> int:
    arn = dead.attributes("QueueArn")["QueueArn"]
    tasks = dead.sqs.list_message_move_tasks(SourceArn=arn, MaxResults=10)["Results"]
    assert {task["Status"] for task in tasks} == {"COMPLETED"}
    return sum(task["ApproximateNumberOfMessagesMoved"] for task in tasks)
