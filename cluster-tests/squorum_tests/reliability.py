"""Writes docs/reliability.md from the runs kept in docs/reliability: `python -m
squorum_tests.reliability`."""

import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from squorum_tests.rows import SECTIONS, Row, Section
from squorum_tests.runs import Runs, is_inconclusive, read, reason

DOCS = Path(__file__).parents[2] / "docs"
RUNS = DOCS / "reliability"
PAGE = DOCS / "reliability.md"
FAILOVER = "cluster-failover-kill-of-a-leader"
TIMES_PER_LINE = 10
LINE_CHARACTERS_MAX = 100
# What a run comes to.
MET, INCONCLUSIVE, FORMER, MISSED = "met", "inconclusive", "a former bar missed", "missed"

HEAD = """# Reliability

What the cluster was put through, and what clients noticed. Made by `make reliability`, which runs every
row at full size, keeps the raw figures in [reliability](reliability), and writes this page: change
neither by hand. `make test` runs a short form of each row.
"""


def page(directory: Path) -> str:
    """The whole text."""
    runs = {row.test: read(directory, row.test) for section in SECTIONS for row in section.rows}
    parts = [HEAD, *circumstances(list(runs.values()))]
    for section in SECTIONS:
        parts += table(section, runs)
    parts += failures(runs)
    parts += raw_failovers(runs[FAILOVER])
    return "\n".join(parts)


def circumstances(runs: list[Runs]) -> Iterator[str]:
    found = [run for test in runs for run in test.runs]
    if not found:
        yield "Nothing was run yet.\n"
        return
    machines = sorted(
        {
            f"{m['cores']} cores of {m['processor']}, {m['memory_gib']} GiB, Linux {m['kernel']}"
            for m in (run["machine"] for run in found)
        }
    )
    dates = sorted(run["date"][:10] for run in found)
    programs = sorted({run["binary"] for run in found})
    yield f"- machine: {'; '.join(machines)}, shared by the nodes and their clients"
    yield f"- dates: {dates[0]} to {dates[-1]}"
    yield f"- runs: {len(found)}, of the program with the SHA-256 {', '.join(programs)}…"
    yield ""


def table(section: Section, runs: dict[str, Runs]) -> Iterator[str]:
    yield f"## {section.title}\n"
    yield textwrap.fill(section.text, LINE_CHARACTERS_MAX) + "\n"
    yield "| check | bar | measured | runs | verdict |"
    yield "|---|---|---|---|---|"
    for row in section.rows:
        yield line(row, runs[row.test])
    yield ""


def line(row: Row, runs: Runs) -> str:
    told = row.tell(runs) if runs.measured else "–"
    cells = [row.check, row.bar or "reported", told, str(len(runs)), verdict(row, runs)]
    return f"| {' | '.join(cells)} |"


def verdict(row: Row, runs: Runs) -> str:
    if not runs:
        return "**not run**"
    counts = Counter(outcome(row, run) for run in runs.runs)
    if not row.bar:
        # Nothing to be met; a run that failed is told all the same.
        del counts[MET]
    elif counts[MET] == len(runs):
        return MET
    told = [f"{name} in {counts[name]}" for name in (MET, INCONCLUSIVE, FORMER) if counts[name]]
    if counts[MISSED]:
        told.append(f"**{MISSED} in {counts[MISSED]}**")
    return ", ".join(told) or "–"


def outcome(row: Row, run: dict) -> str:
    if run["passed"]:
        return MET
    if is_inconclusive(run):
        return INCONCLUSIVE
    is_former = row.former_bar is not None and row.former_bar in reason(run)
    return FORMER if is_former else MISSED


def failures(runs: dict[str, Runs]) -> Iterator[str]:
    rows = [row for section in SECTIONS for row in section.rows]
    titles = {
        MISSED: "What was missed",
        FORMER: "Bars that were missed and are none any more",
        INCONCLUSIVE: "What was inconclusive",
    }
    for kind, title in titles.items():
        found = [
            f"- {row.test}, {run['date']}: {reason(run)}"
            for row in rows
            for run in runs[row.test].runs
            if outcome(row, run) == kind
        ]
        if found:
            yield f"## {title}\n"
            yield from found
            yield ""


def raw_failovers(runs: Runs) -> Iterator[str]:
    yield "## Every failover\n"
    yield "Seconds from SIGKILL to the next acknowledged send, in the order of the kills.\n"
    for run in runs.runs:
        yield f"{run['date']}:\n"
        times = [f"{seconds:.3f}" for seconds in run["figures"].get("seconds", [])]
        for start in range(0, len(times), TIMES_PER_LINE):
            yield "    " + "  ".join(times[start : start + TIMES_PER_LINE])
        yield ""


if __name__ == "__main__":
    PAGE.write_text(page(RUNS))
