"""What the runs of one test found, as squorum_tests/figures.py keeps them."""

import json
from dataclasses import dataclass
from pathlib import Path

# Why a run fails that the machine, busy with other things, has spoiled.
TOO_BUSY = "the machine is too busy to tell"


@dataclass(frozen=True)
class Runs:
    """The runs of full size, the oldest first. What a failed run did not get to is left out."""

    test: str
    runs: tuple[dict, ...]

    def __len__(self):
        return len(self.runs)

    def all(self, name: str) -> list[float]:
        """Every number under this name, over all runs; lists and values of mappings unfolded."""
        return [n for run in self.runs for n in numbers(run["figures"].get(name, []))]

    def worst(self, name: str) -> float:
        return max(self.all(name), default=float("nan"))

    def sum(self, name: str) -> float:
        return sum(self.all(name))

    @property
    def measured(self) -> bool:
        """Whether any run got as far as its figures."""
        return any(len(run["figures"]) > 1 for run in self.runs)


def reason(run: dict) -> str:
    """Why a run failed, in a line."""
    return run["failures"][0].splitlines()[0] if run["failures"] else "no reason given"


def is_inconclusive(run: dict) -> bool:
    """Whether nothing went wrong but that the machine was too busy."""
    failures = run["failures"]
    return bool(failures) and all(TOO_BUSY in text.splitlines()[0] for text in failures)


def numbers(value) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [n for part in value for n in numbers(part)]
    return [value]


def read(directory: Path, test: str) -> Runs:
    path = directory / f"{test}.json"
    found = json.loads(path.read_text())["runs"] if path.exists() else []
    return Runs(test, tuple(run for run in found if run["size"] == "full"))
