"""The facts of `facts.toml`, and the tests that name them, found in the sources without running."""

import ast
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from .cases import all_cases

ROOT = Path(__file__).parents[3]
TESTS = ROOT / "cluster-tests" / "tests"
CASES_TEST = "cluster-tests/tests/acceptance/test_cases.py::test_case"
SOURCES = ("recorded", "model", "documentation", "belief")


@dataclass(frozen=True)
class Fact:
    id: str
    section: str
    source: str
    text: str
    differs: str | None = None
    untested: str | None = None
    tests: tuple[str, ...] = field(default=())


def all_facts() -> list[Fact]:
    rows = tomllib.loads(Path(__file__).with_name("facts.toml").read_text())["fact"]
    return [Fact(**{**row, "tests": tuple(row.get("tests", ()))}) for row in rows]


def naming_tests() -> dict[str, list[str]]:
    """`file::test` by the fact that it names; the table of cases is one test."""
    found: dict[str, set[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        place = str(path.relative_to(ROOT))
        for test, facts in _marked(path):
            for fact in facts:
                found.setdefault(fact, set()).add(f"{place}::{test}")
    for case in all_cases():
        for fact in case.facts:
            found.setdefault(fact, set()).add(CASES_TEST)
    for fact in all_facts():
        found.setdefault(fact.id, set()).update(fact.tests)
    return {fact: sorted(tests) for fact, tests in found.items() if tests}


def _marked(path: Path):
    """Names of a file's tests with the facts that their decorators name."""
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for mark in node.decorator_list:
            is_call = isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute)
            if is_call and mark.func.attr == "fact":
                yield node.name, [argument.value for argument in mark.args]


def exists(test: str) -> bool:
    """Whether `file::function` is there, in Python or in Rust."""
    place, _, name = test.partition("::")
    path = ROOT / place
    if not path.is_file():
        return False
    text = path.read_text()
    return f"def {name}(" in text or f"fn {name}(" in text
