"""examples/retry while nodes are killed: each poison is in the dead-letter queue once, and handled
after its redrive."""

from collections import Counter

import pytest

from squorum_tests import client
from squorum_tests.programs import runs_under_kills, words
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
    for lines, _ in runs_under_kills(cluster, tmp_path, *arguments):
        judge(lines)
        judged.append(lines)
    # Nobody dies any more, so that this client hears every answer.
    for lines in judged:
        source, dead = queues(cluster, lines)
        assert source.counters() == dead.counters() == (0, 0, 0)
        moved = moved_of(dead)
        assert moved == len(words(lines, "dead")), lines


def judge(lines: list[str]) -> None:
    mended = lines.index("the worker is mended")
    before, after = lines[:mended], lines[mended:]
    dead = words(before, "dead")
    # A send whose answer was lost is repeated by the SDK: a job may then be two messages, each of
    # which is set aside. No message is set aside twice, or it would be among those counted.
    holds = [int(line.rsplit(" ", 1)[1]) for line in before if line.startswith("the dead-letter")]
    assert holds == [len(dead)]
    assert {job for _, _, job, *_ in dead} == POISONS
    assert max(Counter(message_id for _, message_id, *_ in dead).values()) == 1
    assert {job for _, _, job, *_ in words(before, "handled")} == OTHERS
    failed = Counter(message_id for _, message_id, *_ in words(before, "failed"))
    assert set(failed) <= {message_id for _, message_id, *_ in dead}
    assert max(failed.values()) <= MAX_RECEIVE_COUNT
    handled = words(after, "handled")
    assert {message_id for _, message_id, *_ in dead} <= {
        message_id for _, message_id, *_ in handled
    }
    assert {job for _, _, job, *_ in handled} == POISONS
    assert words(after, "failed") == []


def moved_of(dead: Queue) -> int:
    arn = dead.attributes("QueueArn")["QueueArn"]
    tasks = dead.sqs.list_message_move_tasks(SourceArn=arn, MaxResults=10)["Results"]
    assert {task["Status"] for task in tasks} == {"COMPLETED"}
    return sum(task["ApproximateNumberOfMessagesMoved"] for task in tasks)
