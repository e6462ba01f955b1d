"""Celery with workers: results, standard and FIFO queues, purging, and deaths of nodes."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from squorum_tests import clients
from squorum_tests.background import ended_by_a_signal, wait_for
from squorum_tests.cluster import PORT
from squorum_tests.name_server import NameServer
from squorum_tests.queue import Queue
from squorum_tests.scenarios import NAME
from squorum_tests.stream import Stream, two_deaths

pytestmark = pytest.mark.timeout(900)
DIRECTORY = clients.PROGRAMS / "celery"
PYTHON = clients.python("celery")
CURRENT_PYTHON = clients.python("celery-5.7")
DRAIN_SECONDS_MAX = 90.0


@pytest.fixture
def variables(tmp_path):
    """What tasks.py reads of the environment."""

    def make(host: str, port: int, queue: str) -> dict[str, str]:
        results = tmp_path / "results"
        results.mkdir()
        url = f"sqs://anything:anything@{host}:{port}"
        return {"BROKER_URL": url, "RESULTS": str(results), "QUEUE": queue}

    return make


@pytest.fixture(params=["5.6", pytest.param("5.7", marks=pytest.mark.every_client)])
def python(request) -> str:
    return {"5.6": PYTHON, "5.7": CURRENT_PYTHON}[request.param]


def worker(
    python: str,
    directory: Path,
    given: dict[str, str],
    processes: int,
    enter: tuple[str, ...] = (),
):
    celery = [python, "-m", "celery", "--app", "tasks", "worker", "--loglevel", "INFO"]
    command = [*enter, *celery, "--concurrency", str(processes)]
    environment = clients.environment("", **given)
    return ended_by_a_signal(command, DIRECTORY, environment, directory / "worker.log", " ready.")


def test_results(python, node, sqs, unique, variables, tmp_path):
    """The worker makes the queue."""
    name = unique()
    given = variables(node.place.host, node.port, name)
    with worker(python, tmp_path, given, 2):
        printed = clients.run([python, "program.py"], "", DIRECTORY, **given)
    saw = json.loads(printed)
    print(saw.pop("client"))
    assert saw == {
        "group": [2 * number for number in range(50)],
        "chain": 10,
        "again": 2,
        "later": 42,
        "waited": True,
        "left": 0,
    }
    made = Queue(sqs, sqs.get_queue_url(QueueName=name)["QueueUrl"])
    assert made.counters() == (0, 0, 0)
    assert made.attributes()["VisibilityTimeout"] == "30"


def test_purge(python, node, queue, variables):
    made = queue()
    given = variables(node.place.host, node.port, made.name)
    add = "from tasks import add; [add.delay(1, 2) for _ in range(3)]"
    clients.run([python, "-c", add], "", DIRECTORY, **given)
    assert made.counters() == (3, 0, 0)
    command = [python, "-m", "celery", "--app", "tasks", "purge", "--force"]
    # It counts what is there up to ten times before it purges.
    assert "from 1 known task queue" in clients.run(command, "", DIRECTORY, **given)
    assert made.counters() == (0, 0, 0)


def test_order_of_a_fifo_queue(python, node, fifo, variables, tmp_path):
    """One worker process: groups are carried out in their order, a duplicate is not."""
    made = fifo()
    given = variables(node.place.host, node.port, made.name)
    notes = tmp_path / "notes"
    with worker(python, tmp_path, given, 1):
        clients.run([python, "ordered.py", str(notes)], "", DIRECTORY, **given)
        wait_for(lambda: len(lines_of(notes)) >= 30 and made.counters() == (0, 0, 0))
    found = [line.split() for line in lines_of(notes)]
    for account in "abc":
        numbers = [int(number) for whose, number in found if whose == account]
        assert numbers == list(range(10)), account


def test_two_deaths(cluster, variables, tmp_path):
    """The worker may say that it connects again; no task is lost, and it is not started again."""
    given = variables(NAME, PORT, "celery")
    notes = tmp_path / "notes"
    command = [PYTHON, "producer.py", str(notes)]
    with (
        NameServer(NAME, [place.host for place in cluster.places]) as names,
        worker(PYTHON, tmp_path, given, 2, names.enter),
        Stream(names, command, DIRECTORY, **given) as stream,
    ):
        two_deaths(cluster, "celery", lambda: len(set(lines_of(notes))))
        stream.end()
        deadline = time.monotonic() + DRAIN_SECONDS_MAX
        while len(set(lines_of(notes))) < len(stream.sent) and time.monotonic() < deadline:
            time.sleep(0.1)
        stream.received = Counter(int(line) for line in lines_of(notes))
        stream.judge()
        for line in lines_of(tmp_path / "worker.log"):
            if "ERROR" in line or "reconnect" in line.lower():
                print(line)


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
