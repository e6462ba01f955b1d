"""Plants bugs in a copy of the workspace, for the runners of mutants beside the tests.

A mutant names a `file`, what to `find` in it and what to `replace` it with. What is found must stand
there exactly once, leading spaces of lines aside, so a mutant that no longer applies is noticed.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
COPIED = ["Cargo.toml", "Cargo.lock", "crates", "proto", "cluster-tests"]
LEFT_OUT = {"target", "__pycache__"}


def copy_workspace(mutants: list[dict] | None = None) -> Path:
    """The copy, with these mutants in it, whose files are below crates. It is always in the same
    place, and what is the same there stays as old as it is, so that what was built there once need
    not be built again."""
    changed: dict[Path, bytes] = {}
    for mutant in mutants or []:
        path = REPOSITORY / "crates" / mutant["file"]
        source = changed.get(path, path.read_bytes()).decode()
        changed[path] = plant(source, mutant).encode()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    workspace = cache / "squorum/mutants"
    workspace.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        mirror(REPOSITORY / name, workspace / name, changed)
    return workspace


def mirror(source: Path, copy: Path, changed: dict[Path, bytes]) -> None:
    if not source.is_dir():
        content = changed.get(source, source.read_bytes())
        if not copy.is_file() or copy.read_bytes() != content:
            copy.write_bytes(content)
            shutil.copymode(source, copy)
        return
    copy.mkdir(exist_ok=True)
    names = {
        path.name
        for path in source.iterdir()
        if path.name not in LEFT_OUT and not path.name.startswith(".")
    }
    for old in copy.iterdir():
        if old.name not in names:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for name in sorted(names):
        mirror(source / name, copy / name, changed)


@contextmanager
def planted(root: Path, mutant: dict) -> Iterator[None]:
    """The bug is in the file below `root` meanwhile."""
    path = root / mutant["file"]
    source = path.read_text()
    path.write_text(plant(source, mutant))
    print(f"planting: {mutant['name']}", file=sys.stderr)
    try:
        yield
    finally:
        path.write_text(source)


def plant(source: str, mutant: dict) -> str:
    """The source with the bug in it."""
    lines = [re.escape(line.strip()) for line in mutant["find"].strip().splitlines()]
    pattern = r"\s*\n\s*".join(lines)
    found = len(re.findall(pattern, source))
    if found != 1:
        sys.exit(f"mutant {mutant['name']!r}: found {found} times in {mutant['file']}")
    return re.sub(pattern, lambda _: mutant["replace"].strip(), source)
