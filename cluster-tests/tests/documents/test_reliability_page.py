"""docs/reliability.md says what the runs say that are kept beside it, and tells failures as such."""

import json
import os
import subprocess
import sys
from pathlib import Path

from squorum_tests.figures import file_name
from squorum_tests.reliability import PAGE, RUNS, page, verdict
from squorum_tests.rows import SECTIONS, Row
from squorum_tests.runs import TOO_BUSY, Runs

ROW = "cluster-kill-each-node-in-turn"
MACHINE = {"cores": 2, "processor": "P", "memory_gib": 4, "kernel": "6.1", "load_before": 0.1}


def run(**more) -> dict:
    figures = {"kills": 9, "seconds": 60.2, "gap_seconds": 1.5, "exceptions": 0}
    run = {"date": "2026-01-02T03:04:05+00:00", "machine": MACHINE, "binary": "abc", "size": "full"}
    return {**run, "figures": figures, "passed": True, "failures": [], **more}


def line_of(directory, *runs) -> str:
    (directory / f"{ROW}.json").write_text(json.dumps({"runs": runs}))
    (line,) = [line for line in page(directory).splitlines() if "each node in turn" in line]
    return line


def test_page_is_what_its_runs_make():
    assert PAGE.read_text() == page(RUNS), "run `make reliability-page`"


def test_every_kept_file_has_a_row():
    rows = {row.test for section in SECTIONS for row in section.rows}
    assert {path.stem for path in RUNS.glob("*.json")} <= rows


def test_every_row_has_a_test():
    """Rows are named after tests; a renamed test would leave its row empty."""
    listing = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "--squorum-measured"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "SQUORUM_LONG": "1"},
        capture_output=True,
        text=True,
    )
    assert listing.returncode == 0, listing.stdout
    found = {file_name(line) for line in listing.stdout.splitlines() if "::" in line}
    assert found == {row.test for section in SECTIONS for row in section.rows}


def test_runs_count_when_full_and_fail_when_one_failed(tmp_path):
    assert "| – | 0 | **not run** |" in line_of(tmp_path)
    assert "| – | 0 | **not run** |" in line_of(tmp_path, run(size="short"))
    assert "18 kills in 120 s, longest gap 1.50 s" in line_of(tmp_path, run(), run())
    assert line_of(tmp_path, run()).endswith("| 1 | met |")
    failed = run(passed=False, failures=["gap: 2.50 s\nmore"])
    assert line_of(tmp_path, run(), failed).endswith("| 2 | met in 1, **missed in 1** |")
    assert "gap: 2.50 s\n" in page(tmp_path)


def test_a_machine_that_was_too_busy_is_no_miss(tmp_path):
    busy = run(passed=False, failures=[f"AssertionError: {TOO_BUSY}\nassert []"])
    assert line_of(tmp_path, run(), busy, busy).endswith("| 3 | met in 1, inconclusive in 2 |")
    assert "## What was missed" not in page(tmp_path)
    assert f"## What was inconclusive\n\n- {ROW}, {busy['date']}" in page(tmp_path)
    # Busy or not, a node's error is one.
    worse = {**busy, "failures": [*busy["failures"], "unexpected error lines"]}
    assert line_of(tmp_path, worse).endswith("| 1 | **missed in 1** |")


def test_a_row_without_a_bar_meets_none():
    row = Row("c", "t", "", lambda _: "", former_bar="too slow")

    def told(*runs) -> str:
        return verdict(row, Runs("t", runs))

    former, failed = (run(passed=False, failures=[text]) for text in ("so too slow", "lost"))
    assert told() == "**not run**"
    assert told(run()) == "–"
    assert told(run(), former) == "a former bar missed in 1"
    assert told(run(), failed, former) == "a former bar missed in 1, **missed in 1**"


def test_what_a_failed_run_did_not_measure_is_left_out(tmp_path):
    for section in SECTIONS:
        for row in section.rows:
            told = run(passed=False, failures=["early"], figures={})
            (tmp_path / f"{row.test}.json").write_text(json.dumps({"runs": [told]}))
    assert "**missed in 1**" in page(tmp_path)
