"""examples/autoscaling while nodes are killed: workers are started for a backlog and ended after it."""

import re

import pytest

from squorum_tests.programs import kills_in_turn, run_to_the_end, words
from squorum_tests.size import size

pytestmark = pytest.mark.timeout(900)

JOBS = size(40, 200)
WORKERS_MAX = 4
QUEUE_LENGTH = 5
LINE = re.compile(
    r"visible (\d+) in flight (\d+) delayed (\d+): (\d+) wanted, (\d+) running", re.ASCII
)


def test_workers_go_up_and_come_back_down(cluster, tmp_path):
    arguments = ("autoscaling/autoscaling.py", "--jobs", str(JOBS))
    with kills_in_turn(cluster) as kills:
        for directory in kills.rounds(tmp_path):
            lines = run_to_the_end(cluster, directory, *arguments)
            reads = [
                tuple(map(int, match.groups())) for match in map(LINE.fullmatch, lines) if match
            ]
            for visible, in_flight, _, wanted, running in reads:
                assert wanted == min(WORKERS_MAX, -(-(visible + in_flight) // QUEUE_LENGTH))
                assert wanted <= running <= WORKERS_MAX
            running = [read[-1] for read in reads]
            assert max(running) == WORKERS_MAX
            assert running[-1] == 0
            assert reads[-1][:3] == (0, 0, 0)
            assert max(delayed for _, _, delayed, _, _ in reads) >= 1
            assert {job for _, job in words(lines, "done")} == {f"job-{n}" for n in range(JOBS)}
