"""What tests measured, kept with their verdicts for docs/reliability.md.

A test that measures takes the fixture `figures` and notes what it found before it judges it. With
SQUORUM_REPORT_DIR set, every run is added to a file of that directory, one file a test: when, where
and of which binary, at which size, what was found, and whether the test passed.
"""

import datetime
import hashlib
import json
import os
import platform
import re
from pathlib import Path

import pytest

from squorum_tests.node import binary
from squorum_tests.size import LONG

FAILURE_CHARACTERS_MAX = 300
STARTED: pytest.StashKey[dict] = pytest.StashKey()
FAILURES: pytest.StashKey[list[str]] = pytest.StashKey()


class Figures:
    """Names with values that JSON can hold. What is noted is printed too."""

    def __init__(self):
        self.values: dict = {}

    def note(self, **values) -> None:
        for name, value in values.items():
            self.values[name] = value
            print(f"{name} = {value}")


@pytest.fixture
def figures(request) -> Figures:
    noted = Figures()
    request.node.stash[STARTED] = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "binary": binary_digest(),
        "size": "full" if LONG else "short",
        "figures": noted.values,
    }
    return noted


def pytest_addoption(parser):
    parser.addoption(
        "--squorum-measured",
        action="store_true",
        help="only tests whose figures docs/reliability.md tells",
    )


def pytest_collection_modifyitems(config, items):
    if config.getoption("--squorum-measured"):
        items[:] = [item for item in items if "figures" in item.fixturenames]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        failure = getattr(report.longrepr, "reprcrash", None)
        text = failure.message if failure else str(report.longrepr)
        item.stash.setdefault(FAILURES, []).append(text[:FAILURE_CHARACTERS_MAX])
    directory = os.environ.get("SQUORUM_REPORT_DIR")
    # Only now is it known whether the nodes logged errors.
    if call.when == "teardown" and directory and STARTED in item.stash:
        failures = item.stash.get(FAILURES, [])
        run = {**item.stash[STARTED], "passed": not failures, "failures": failures}
        add_run(Path(directory) / f"{file_name(item.nodeid)}.json", run)
    return report


def file_name(node_id: str) -> str:
    """`tests/cluster/test_kill.py::test_each_node_in_turn` is `cluster-kill-each-node-in-turn`."""
    words = re.split(r"[^A-Za-z0-9]+", node_id.removeprefix("tests/").replace(".py::", "::"))
    return "-".join(word for word in "_".join(words).split("_") if word not in ("", "test"))


def add_run(path: Path, run: dict) -> None:
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(run) for run in [*runs, run])
    path.write_text(f'{{"runs": [\n{lines}\n]}}\n')


def machine() -> dict:
    memory_kib = int(re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text())[1])
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": processor[1] if processor else platform.machine(),
        "memory_gib": round(memory_kib / (1 << 20)),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "load_before": round(os.getloadavg()[0], 1),
    }


def binary_digest() -> str:
    """The start of its SHA-256: runs with the same one measured the same program."""
    with binary("squorum", "SQUORUM_BINARY").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
