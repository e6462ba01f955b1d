"""Who is right where servers differ. `verdicts.toml` has a table a step: `verdict`, `why`, and what
each peer answers, so that a new difference has no verdict and is noticed."""

import json
import tomllib
from pathlib import Path

from squorum_tests.parity.cases import all_cases

FILE = Path(__file__).with_name("verdicts.toml")
# The verdicts and what each means on the page.
KINDS = {
    "recorded": "Squorum answers as AWS was recorded to",
    "model": "Squorum does as AWS's service model says",
    "documentation": "Squorum does as AWS's documentation says",
    "belief": "nothing of AWS is recorded; Squorum keeps to what most implementations say",
    "exact": "AWS is approximate here; Squorum is exact",
    "open": "nothing of AWS is recorded, and implementations disagree",
}


def read() -> dict[str, dict[str, str]]:
    return tomllib.loads(FILE.read_text()) if FILE.exists() else {}


def default_verdict(step: str) -> str | None:
    """A case's own source: the table of cases shows that Squorum answers as it says."""
    return next((case.source for case in all_cases() if case.name == step), None)


def without_verdict(peer: str, found: dict[str, str]) -> dict[str, str]:
    """The differences of a peer that `verdicts.toml` does not know as they are."""
    known = read()
    return {
        step: text
        for step, text in found.items()
        if known.get(step, {}).get(peer) != text or known[step].get("verdict") not in KINDS
    }


def write(by_peer: dict[str, dict[str, str]]) -> list[str]:
    """Writes the differences down and keeps verdicts that are there. Gives the steps that have none
    and that no case's source decides: those are to be judged by hand."""
    known, rows, undecided = read(), [], []
    steps = sorted({step for found in by_peer.values() for step in found})
    for step in steps:
        before = known.get(step, {})
        verdict = before.get("verdict") or default_verdict(step)
        if verdict is None:
            undecided.append(step)
        row = {"verdict": verdict or "", "why": before.get("why", "")}
        row |= {peer: found[step] for peer, found in by_peer.items() if step in found}
        lines = [
            f"{name} = {_quoted(value)}" for name, value in row.items() if name != "why" or value
        ]
        rows.append("\n".join([f"[{_quoted(step)}]", *lines, ""]))
    head = "# Written by `make compare-servers`; verdicts and their reasons by hand. See verdicts.py.\n"
    FILE.write_text("\n".join([head, *rows]))
    return undecided


def _quoted(text: str) -> str:
    """A basic string of TOML, which is one of JSON, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
