"""One measurement: fresh nodes, one load, its report, and what the machine did meanwhile."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from comparison.systems import System, Workload

# For nodes to start and end, and for what is missing to count as lost.
PATIENCE_S = 180


class MeasurementError(Exception):
    """There is no report."""


@dataclass(frozen=True)
class Measurement:
    round: int
    workload: Workload
    system: System
    # As `squorum bench --json` prints it; `nats-load` has the same members.
    report: dict
    busy_cores: float
    flushes_per_second: float | None

    @property
    def is_clean(self) -> bool:
        return self.wrong == 0

    @property
    def wrong(self) -> int:
        """Messages lost, doubled or damaged, and calls that failed."""
        return self.report["violations"] + self.report["errors"]

    @property
    def other_cores(self) -> float:
        """Cores that neither the servers nor the load used: other programs, and the kernel's own."""
        report = self.report
        client = report["client_cpu_us_per_message"] or 0.0
        client_cores = client * report["messages_per_second"] / 1e6
        return max(0.0, self.busy_cores - (report["server_cores"] or 0.0) - client_cores)

    def record(self) -> dict:
        names = {"workload": self.workload.name, "system": self.system.name}
        return asdict(self) | names | {"other_cores": self.other_cores}


def measure(
    round_number: int, workload: Workload, system: System, duration: int, warm_up: int
) -> Measurement:
    times = ("--duration", f"{duration}s", "--warm-up", f"{warm_up}s")
    with tempfile.TemporaryDirectory() as directory:
        watched = Path(directory, "watched.json")
        watch = (
            sys.executable,
            "-m",
            "comparison.watch",
            str(watched),
            str(warm_up),
            str(duration),
        )
        command = (*system.beside, *watch, *system.load, *workload.arguments, *times, "--json")
        report = run(command, timeout_s=duration + warm_up + PATIENCE_S)
        return Measurement(
            round_number, workload, system, report, **json.loads(watched.read_text())
        )


def run(command: tuple[str, ...], timeout_s: int) -> dict:
    """The last line that the load printed. Its exit code says only what its report says too."""
    output, errors = communicate(command, timeout_s)
    try:
        return json.loads(output.splitlines()[-1])
    except (IndexError, json.JSONDecodeError) as error:
        raise MeasurementError(f"{' '.join(command)}: no report\n{errors}") from error


def communicate(command: tuple[str, ...], timeout_s: int) -> tuple[str, str]:
    """Whatever ends it early, servers and load end with it: they are one process group."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            return process.communicate(timeout=timeout_s)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGTERM)
            if isinstance(error, subprocess.TimeoutExpired):
                text = f"{' '.join(command)}: no report in {timeout_s} s"
                raise MeasurementError(text) from error
            raise
