"""Draws what clients see of a node's death: `squorum bench` at a fixed rate over three nodes, of which
the one that leads the queue is killed and started again. The queue is a FIFO queue, all of which one
node leads. `make failover-picture` writes docs/failover.svg.

    python -m squorum_tests.failover_picture docs/failover.svg
"""

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from squorum_tests.cluster import Cluster, on_loopback

RATE = 1_000
INTERVAL_MS = 100
QUEUE = "failover.fifo"
WARM_UP_SECONDS = 2.0

WIDTH, HEIGHT = 860, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 74, 44
SENT, DELETED, DOWN, TEXT, GRID = "#1f6feb", "#2da44e", "#f6d5d5", "#24292f", "#d0d7de"
FONT = "font-family='sans-serif' font-size='13'"


@dataclass(frozen=True)
class Failover:
    """Seconds count from the begin of the measured time."""

    report: dict
    killed: float
    started: float

    @property
    def interval(self) -> float:
        return self.report["timeline"]["interval_ms"] / 1000

    @property
    def seconds(self) -> float:
        return self.interval * len(self.report["timeline"]["sent"])

    def rates(self, what: str) -> list[float]:
        """Messages a second, in each interval."""
        return [count / self.interval for count in self.report["timeline"][what]]

    def pause_seconds(self) -> float:
        """The longest run of intervals in which no send was acknowledged."""
        longest = run = 0
        for count in self.report["timeline"]["sent"]:
            run = run + 1 if count == 0 else 0
            longest = max(longest, run)
        return longest * self.interval


def record(cluster: Cluster, seconds: float) -> Failover:
    """Kills the leader of the queue at a third of the time, and starts it again at
    two thirds."""
    queue = ("--queue", QUEUE)
    endpoints = ("--endpoint", ",".join(cluster.endpoints))
    load = ("--rate", str(RATE), "--timeline", f"{INTERVAL_MS}ms")
    times = ("--warm-up", f"{WARM_UP_SECONDS}s", "--duration", f"{seconds}s")
    command = (
        "bench",
        "fifo",
        *endpoints,
        *queue,
        *load,
        *times,
        "--json",
        "--tolerate-errors",
    )
    with cluster.running_command(0, *command) as bench:
        began = time.monotonic() + WARM_UP_SECONDS
        sleep_until(began + seconds / 3)
        victim = cluster.leader_of(QUEUE)
        killed = time.monotonic()
        cluster.kill(victim)
        sleep_until(began + 2 * seconds / 3)
        cluster.nodes[victim].spawn()
        started = time.monotonic()
        output, _ = bench.communicate(timeout=10 * seconds + 60)
    cluster.nodes[victim].wait_until_ready()
    return Failover(json.loads(output), killed - began, started - began)


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def draw(failover: Failover) -> str:
    """An SVG."""
    report = failover.report
    sent, deleted = failover.rates("sent"), failover.rates("deleted")
    top = max(*sent, *deleted, 1.0)

    def x(seconds: float) -> float:
        return LEFT + seconds / failover.seconds * (WIDTH - LEFT - RIGHT)

    def y(rate: float) -> float:
        return HEIGHT - BOTTOM - rate / top * (HEIGHT - TOP - BOTTOM)

    def line(rates: list[float], color: str) -> str:
        middles = ((number + 0.5) * failover.interval for number in range(len(rates)))
        points = " ".join(
            f"{x(at):.1f},{y(rate):.1f}" for at, rate in zip(middles, rates, strict=True)
        )
        return f"<polyline points='{points}' fill='none' stroke='{color}' stroke-width='1.8'/>"

    def label(at_x: float, at_y: float, text: str, anchor: str = "start", color: str = TEXT) -> str:
        place = f"x='{at_x:.1f}' y='{at_y:.1f}' text-anchor='{anchor}'"
        return f"<text {place} {FONT} fill='{color}'>{escape(text)}</text>"

    down = f"x='{x(failover.killed):.1f}' width='{x(failover.started) - x(failover.killed):.1f}'"
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}'>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='white'/>",
        f"<rect {down} y='{TOP}' height='{HEIGHT - TOP - BOTTOM}' fill='{DOWN}'/>",
        label(x(failover.killed), TOP - 6, "node killed"),
        label(x(failover.started), TOP - 6, "started again"),
        label(LEFT, 20, title(failover)),
        label(LEFT, 40, "acknowledged sends", color=SENT),
        label(LEFT + 160, 40, "deletes", color=DELETED),
    ]
    for rate in range(0, int(top) + 1, max(500, int(top / 4) // 500 * 500)):
        parts.append(f"<path d='M{LEFT},{y(rate):.1f} H{WIDTH - RIGHT}' stroke='{GRID}'/>")
        parts.append(label(LEFT - 8, y(rate) + 4, f"{rate:,}/s", "end"))
    for second in range(0, int(failover.seconds) + 1, 2):
        parts.append(label(x(second), HEIGHT - BOTTOM + 20, f"{second} s", "middle"))
    parts += [line(deleted, DELETED), line(sent, SENT)]
    account = f"sent {report['sent']:,}, deleted {report['deleted']:,}, lost {report['lost']}"
    parts.append(label(WIDTH - RIGHT, HEIGHT - 6, account, "end"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def title(failover: Failover) -> str:
    pause = failover.pause_seconds()
    load = f"Three nodes, a FIFO queue, {RATE:,} messages a second"
    return f"{load}; no send acknowledged for {pause:.1f} s at most"


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        cluster = on_loopback(Path(directory))
        try:
            cluster.start()
            Path(sys.argv[1]).write_text(draw(record(cluster, 18.0)))
        finally:
            cluster.kill(0, 1, 2)


if __name__ == "__main__":
    main()
