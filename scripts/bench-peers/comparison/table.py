"""The figures of all rounds as a table in Markdown, aligned so that it reads well without it."""

from statistics import median

from comparison.measurement import Measurement
from comparison.systems import SYSTEMS, WORKLOADS

# Latency at saturation is only backlog divided by throughput; it is quoted at a fixed rate alone.
COLUMNS = (
    "workload",
    "system",
    "msgs/s min",
    "median",
    "max",
    "send p50 ms",
    "p99",
    "end to end p50",
    "p99",
    "servers us/msg",
    "client us/msg",
    "server cores",
    "flushes/s",
    "other cores",
    "wrong",
)
TEXT_COLUMNS = 2


def progress(one: Measurement) -> str:
    report = one.report
    text = (
        f"round {one.round + 1}: {one.workload.title}, {one.system.title}: "
        f"{report['messages_per_second']:,.0f} msgs/s, "
        f"{report['server_cpu_us_per_message'] or 0:.1f} us, others {one.other_cores:.2f} cores"
    )
    return text if one.is_clean else f"{text}, {one.wrong} WRONG: {report['last_error']}"


def summary(measurements: list[Measurement]) -> list[dict]:
    """One row for each workload and system that was measured."""
    rows = []
    for workload in WORKLOADS:
        for system in SYSTEMS:
            ones = [
                one for one in measurements
                if (one.workload.name, one.system.name) == (workload, system)
            ]  # fmt: skip
            if ones:
                rows.append(summarize(ones))
    return rows


def summarize(ones: list[Measurement]) -> dict:
    rates = [one.report["messages_per_second"] for one in ones]
    row = {
        "workload": ones[0].workload.name,
        "system": ones[0].system.name,
        "rounds": len(ones),
        "messages_per_second_min": min(rates),
        "messages_per_second": median(rates),
        "messages_per_second_max": max(rates),
        "other_cores_max": max(one.other_cores for one in ones),
        "wrong": sum(one.wrong for one in ones),
        "flushes_per_second": median_of(one.flushes_per_second for one in ones),
    }
    for name in ("server_cpu_us_per_message", "client_cpu_us_per_message", "server_cores"):
        row[name] = median_of(one.report[name] for one in ones)
    for kind in ("send_ms", "end_to_end_ms"):
        for quantile in ("p50", "p99"):
            latencies = [one.report[kind] for one in ones]
            row[f"{kind}_{quantile}"] = median_of(one and one[quantile] for one in latencies)
    return row


def median_of(values) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def render(measurements: list[Measurement]) -> str:
    rows = [list(COLUMNS), *(cells(row) for row in summary(measurements))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    rule = [
        "-" * width if column < TEXT_COLUMNS else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    rows.insert(1, rule)
    return "\n".join([*(line(row, widths) for row in rows), "", *ratio_lines(measurements)])


def cells(row: dict) -> list[str]:
    workload = WORKLOADS[row["workload"]]
    end_to_end = ("end_to_end_ms_p50", "end_to_end_ms_p99")
    return [
        workload.title,
        SYSTEMS[row["system"]].title,
        *(f"{row[f'messages_per_second{end}']:,.0f}" for end in ("_min", "", "_max")),
        *(number(row[name], 2) for name in ("send_ms_p50", "send_ms_p99")),
        *(number(row[name] if workload.has_rate else None, 2) for name in end_to_end),
        number(row["server_cpu_us_per_message"], 1),
        number(row["client_cpu_us_per_message"], 1),
        number(row["server_cores"], 2),
        number(row["flushes_per_second"], 0),
        number(row["other_cores_max"], 2),
        str(row["wrong"]),
    ]


def number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def line(texts: list[str], widths: list[int]) -> str:
    padded = [
        text.ljust(width) if column < TEXT_COLUMNS else text.rjust(width)
        for column, (text, width) in enumerate(zip(texts, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |"


def ratios(measurements: list[Measurement]) -> dict[tuple[str, str], list[float]]:
    """Squorum's rate divided by a peer's in the same round: noise that both saw cancels out."""
    rates = {
        (one.workload.name, one.round, one.system.name): one.report["messages_per_second"]
        for one in measurements
        if not one.workload.has_rate
    }
    found: dict[tuple[str, str], list[float]] = {}
    for (workload, number, peer), rate in rates.items():
        own = rates.get((workload, number, "squorum"))
        if peer != "squorum" and own is not None and rate > 0:
            found.setdefault((workload, peer), []).append(own / rate)
    return found


def ratio_lines(measurements: list[Measurement]) -> list[str]:
    return [
        f"- {WORKLOADS[workload].title}: Squorum / {SYSTEMS[peer].title} = {median(found):.2f} "
        f"({min(found):.2f} to {max(found):.2f})"
        for (workload, peer), found in ratios(measurements).items()
    ]
