"""Runs `squorum bench` and gives back its report."""

import json
import subprocess
from collections.abc import Sequence

from squorum_tests.node import Node, binary


def load(
    mode: str,
    nodes: Node | Sequence[Node],
    queue: str | None = None,
    deadline_seconds: float = 3600.0,
    **options,
) -> dict:
    """`options` are the tool's flags, underscores for dashes; None for a flag without a value. A
    report of violations or errors is given back as any other: the caller judges it."""
    nodes = [nodes] if isinstance(nodes, Node) else list(nodes)
    command = [
        *(str(binary("squorum", "SQUORUM_BINARY")), "bench", mode, "--json"),
        *("--endpoint", ",".join(node.endpoint for node in nodes)),
        *("--server-pids", ",".join(str(node.pid) for node in nodes)),
    ]
    if queue is not None:
        command += ["--queue", queue]
    for name, value in options.items():
        command.append(f"--{name.replace('_', '-')}")
        if value is not None:
            command.append(str(value))
    done = subprocess.run(command, capture_output=True, text=True, timeout=deadline_seconds)
    assert done.stdout, f"{' '.join(command)}: {done.returncode}\n{done.stderr}"
    report = json.loads(done.stdout)
    assert (done.returncode == 0) == (report["violations"] + report["errors"] == 0), report
    return report
