"""Dramatiq with workers: delays, retries, dead letters by hand, and receives that hide messages for
twelve hours."""

import json
from collections import Counter

import pytest

from squorum_tests import clients
from squorum_tests.background import ended_by_a_signal
from squorum_tests.queue import Queue

pytestmark = pytest.mark.every_client
DIRECTORY = clients.PROGRAMS / "dramatiq"
PYTHON = clients.python("dramatiq")


def test_workers(node, sqs, unique, tmp_path):
    """The application makes its queues."""
    namespace, notes = unique(), tmp_path / "notes"
    given = {"NAMESPACE": namespace, "NOTES": str(notes)}
    workers = [PYTHON, "-m", "dramatiq", "tasks", "--processes", "2", "--threads", "4"]
    environment = clients.environment(node.endpoint, **given)
    with ended_by_a_signal(
        workers, DIRECTORY, environment, tmp_path / "log", "is ready for action"
    ):
        saw = json.loads(clients.run([PYTHON, "program.py"], node.endpoint, DIRECTORY, **given))
    print(saw.pop("client"))
    assert saw == {"waited": True, "dead": "1"}
    jobs = {f"job-{number}" for number in range(30)} | {f"group-{number}" for number in range(5)}
    assert Counter(notes.read_text().split()) == Counter(jobs | {"delayed", "failed-once"})
    made = Queue(sqs, sqs.get_queue_url(QueueName=f"{namespace}_default")["QueueUrl"])
    assert made.counters() == (0, 0, 0)
    assert made.attributes()["MessageRetentionPeriod"] == str(14 * 24 * 3600)
