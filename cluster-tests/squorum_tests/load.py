"""Runs the load tool `squorum-load` and gives back its report."""

import json
import subprocess

from squorum_tests.node import Node, binary


def load(mode: str, node: Node, queue: str, deadline_seconds: float = 3600.0, **options) -> dict:
    """`options` are the tool's flags, underscores for dashes; None for a flag without a value. Fails
    when the tool does."""
    command = [
        str(binary("squorum-load", "SQUORUM_LOAD_BINARY")),
        mode,
        *("--endpoint", node.endpoint),
        *("--queue", queue),
        *("--server-pid", str(node.pid)),
        "--json",
    ]
    for name, value in options.items():
        command.append(f"--{name.replace('_', '-')}")
        if value is not None:
            command.append(str(value))
    done = subprocess.run(command, capture_output=True, text=True, timeout=deadline_seconds)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)
