"""The commands that documents show: lines of indented blocks, continued ones joined."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
INDENT = "    "
# What begins a command; other indented lines are output, or files.
COMMAND = re.compile(r"(make|squorum|export|python3?|docker|scripts/\S+|\S+/bin/\S+|cargo) ")
CONTINUED = " \\"


def commands(document: str) -> list[str]:
    """All that `document`, a path from the root of the repository, shows."""
    found: list[str] = []
    continued = False
    for line in (ROOT / document).read_text().splitlines():
        if not line.startswith(INDENT):
            continued = False
            continue
        text = line.strip()
        if continued:
            found[-1] += f" {text.removesuffix(CONTINUED)}"
        elif COMMAND.match(f"{text} "):
            found.append(text.removesuffix(CONTINUED))
        continued = text.endswith(CONTINUED)
    return found


def shown(document: str, beginning: str) -> str:
    """The one command that `document` shows and that begins so."""
    found = [command for command in commands(document) if command.startswith(beginning)]
    assert len(found) == 1, f"{document} shows {found} for {beginning!r}"
    return found[0]
