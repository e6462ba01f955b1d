"""Runs `squorum bench` and gives back its report."""

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator, Sequence

from squorum_tests.node import Node, binary

INTERRUPT_DEADLINE_SECONDS = 30.0


def load(
    mode: str,
    nodes: Node | Sequence[Node],
    queue: str | None = None,
    deadline_seconds: float = 3600.0,
    **options,
) -> dict:
    """`options` are the tool's flags, underscores for dashes; None for a flag without a value. A
    report of violations or errors is given back as any other: the caller judges it."""
    command = command_line(mode, nodes, queue, **options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=deadline_seconds)
    assert done.stdout, f"{' '.join(command)}: {done.returncode}\n{done.stderr}"
    report = json.loads(done.stdout)
    assert (done.returncode == 0) == (report["violations"] + report["errors"] == 0), report
    return report


@contextlib.contextmanager
def loading(
    mode: str, nodes: Node | Sequence[Node], queue: str | None = None, **options
) -> Iterator[None]:
    """The same beside the block, which ends it. No call may have failed by then."""
    command = command_line(mode, nodes, queue, duration="1h", **options)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield
            process.send_signal(signal.SIGINT)
            printed, errors = process.communicate(timeout=INTERRUPT_DEADLINE_SECONDS)
        finally:
            process.kill()
    assert printed, f"{' '.join(command)}: {process.returncode}\n{errors}"
    report = json.loads(printed)
    assert report["violations"] + report["errors"] == 0, report


def command_line(
    mode: str, nodes: Node | Sequence[Node], queue: str | None, **options
) -> list[str]:
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
    return command
