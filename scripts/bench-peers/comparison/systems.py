"""What is measured, and on what."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    # Arguments that `squorum bench` and `nats-load` both understand.
    arguments: tuple[str, ...]
    has_rate: bool = False


@dataclass(frozen=True)
class System:
    name: str
    title: str
    # Starts three fresh nodes and runs the command that follows beside them.
    beside: tuple[str, ...]
    load: tuple[str, ...]
    workloads: frozenset[str]


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("send-1", "send, batch 1", ("send", "--batch", "1")),
        Workload("send-10", "send, batch 10", ("send", "--batch", "10")),
        Workload("pipeline-1", "pipeline, batch 1", ("pipeline", "--batch", "1")),
        Workload("pipeline-10", "pipeline, batch 10", ("pipeline", "--batch", "10")),
        Workload(
            "rate-500",
            "500/s, 16 + 16 connections",
            ("pipeline", "--batch", "1", "--rate", "500", "--connections", "32"),
            has_rate=True,
        ),
    )
}

WITH_NATS = ("scripts/bench-peers/with-nats", "3")
NATS_LOAD = os.environ.get("NATS_LOAD", "nats-load")

SYSTEMS = {
    system.name: system
    for system in (
        System(
            "squorum",
            "Squorum x3",
            ("scripts/with-nodes", "3"),
            (os.environ.get("SQUORUM_BINARY", "squorum"), "bench"),
            frozenset(WORKLOADS),
        ),
        System(
            "nats",
            "NATS R3 always, work queue",
            WITH_NATS,
            (NATS_LOAD, "--retention", "workqueue"),
            frozenset(WORKLOADS),
        ),
        # Keeps what was acknowledged: less work than a queue has, and NATS at its quickest. Without
        # consumers there is no difference.
        System(
            "nats-limits",
            "NATS R3 always, keeps all",
            WITH_NATS,
            (NATS_LOAD, "--retention", "limits"),
            frozenset(name for name in WORKLOADS if not name.startswith("send")),
        ),
    )
}
