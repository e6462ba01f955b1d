"""What a test noted is kept with its verdict, fixtures included, and adds to that of earlier runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest

def test_good(figures):
    figures.note(gap_seconds=1)

def test_bad(figures):
    figures.note(gap_seconds=2)
    assert False, "too slow"

@pytest.fixture
def noisy():
    yield
    assert False, "logged an error"

def test_noisy(figures, noisy):
    figures.note(gap_seconds=3)

def test_unmeasured():
    assert False
"""


def test_runs_are_kept_with_their_verdicts(tmp_path):
    tests, reports = tmp_path / "tests", tmp_path / "reports"
    tests.mkdir()
    (tests / "test_made.py").write_text(TESTS)
    for size in ("", "1"):
        run_tests(tests, SQUORUM_REPORT_DIR=str(reports), SQUORUM_LONG=size)

    assert len(list(reports.iterdir())) == 3
    runs = {path.stem: json.loads(path.read_text())["runs"] for path in reports.iterdir()}
    good, bad, noisy = (runs[f"made-{name}"] for name in ("good", "bad", "noisy"))
    assert [(run["size"], run["passed"], run["figures"]) for run in good] == [
        ("short", True, {"gap_seconds": 1}),
        ("full", True, {"gap_seconds": 1}),
    ]
    for run, text in ((bad[0], "too slow"), (noisy[0], "logged an error")):
        assert not run["passed"]
        assert text in run["failures"][0]


def run_tests(directory: Path, **environment: str) -> None:
    """Any file will do for the program that is measured."""
    here = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "squorum_tests.figures", "--squorum-measured"],
        cwd=directory,
        env={
            **os.environ,
            "PYTHONPATH": str(here),
            "SQUORUM_BINARY": sys.executable,
            **environment,
        },
        capture_output=True,
    )
