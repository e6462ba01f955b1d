"""TaskIQ with a worker, on a standard queue with groups as tenants, and on a FIFO queue. A task that
takes longer than the visibility timeout is kept by heartbeats."""

from collections import Counter

import pytest

from squorum_tests import clients
from squorum_tests.background import ended_by_a_signal, wait_for

pytestmark = pytest.mark.every_client
DIRECTORY = clients.PROGRAMS / "taskiq"
PYTHON = clients.python("taskiq")


@pytest.mark.parametrize("kind", ["queue", "fifo"])
def test_worker(request, node, kind, tmp_path):
    made = request.getfixturevalue(kind)()
    notes = tmp_path / "notes"
    given = {"QUEUE": made.name, "NOTES": str(notes)}
    worker = [PYTHON, "-m", "taskiq", "worker", "tasks:broker", "--workers", "1"]
    environment = clients.environment(node.endpoint, **given)
    wanted = [*(f"job-{number}" for number in range(20)), "long"]
    if kind == "queue":
        wanted.append("delayed")
    with ended_by_a_signal(worker, DIRECTORY, environment, tmp_path / "log", "Listening started"):
        print(clients.run([PYTHON, "program.py"], node.endpoint, DIRECTORY, **given))
        wait_for(lambda: notes.exists() and len(notes.read_text().split()) >= len(wanted))
        wait_for(lambda: made.counters() == (0, 0, 0))
    assert Counter(notes.read_text().split()) == Counter(wanted)
