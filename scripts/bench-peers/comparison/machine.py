"""What the kernel tells about the machine: who it is, how busy it is, what it asks of the disk."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Cumulative, of the whole machine."""

    busy_s: float
    # `None` where the disk below the data directory is not known.
    flushes: int | None


def usage() -> Usage:
    return Usage(busy_s(Path("/proc/stat").read_text()), flushes())


def busy_s(stat: str) -> float:
    """Seconds that processors were not idle; those the host took away count as busy."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(
        int, stat.splitlines()[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND


def flushes() -> int | None:
    name = disk_below(data_directory())
    for line in Path("/proc/diskstats").read_text().splitlines():
        fields = line.split()
        if len(fields) > 18 and fields[2] == name:
            return int(fields[18])
    return None


def disk_below(directory: str) -> str | None:
    """The kernel counts flushes for disks and not for partitions."""
    device = os.stat(directory).st_dev
    link = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not link.exists():
        return None
    block = link.resolve()
    return block.parent.name if (block / "partition").exists() else block.name


def data_directory() -> str:
    return os.environ.get("SQUORUM_BENCH_DIR") or os.environ.get("TMPDIR") or "/tmp"


def describe() -> dict:
    processors = Path("/proc/cpuinfo").read_text().splitlines()
    models = {line.split(":", 1)[1].strip() for line in processors if line.startswith("model name")}
    return {
        "processors": os.cpu_count(),
        "models": sorted(models),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
    }
