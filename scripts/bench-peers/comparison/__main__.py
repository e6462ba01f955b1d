"""The command `scripts/bench-peers/run`: rounds of every workload on every system, and a table."""

import argparse
import json
import os
import sys
from pathlib import Path

from comparison import machine, table
from comparison.measurement import Measurement, MeasurementError, measure
from comparison.systems import SYSTEMS, WORKLOADS


def main() -> int:
    arguments = parse_arguments()
    try:
        measurements = measure_rounds(arguments)
    except MeasurementError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(table.render(measurements))
    if arguments.json:
        arguments.json.write_text(json.dumps(record(arguments, measurements), indent=1) + "\n")
    return 0 if all(one.is_clean for one in measurements) else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench-peers/run", description=__doc__)
    number = {"type": int, "metavar": "N"}
    parser.add_argument(
        "--rounds", default=int(os.environ.get("ROUNDS", "3")), help="default 3", **number
    )
    parser.add_argument(
        "--duration",
        default=int(os.environ.get("DURATION", "5")),
        help="seconds that are measured, at least 2, default 5",
        **number,
    )
    parser.add_argument("--warm-up", default=1, help="seconds before, default 1", **number)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    for name, known in (("systems", SYSTEMS), ("workloads", WORKLOADS)):
        parser.add_argument(
            f"--{name}",
            nargs="+",
            choices=list(known),
            default=list(known),
            metavar="NAME",
            help=f"some of {', '.join(known)}",
        )
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.duration < 2 or arguments.warm_up < 0:
        parser.error("at least one round and two seconds")
    return arguments


def measure_rounds(arguments: argparse.Namespace) -> list[Measurement]:
    """Systems take turns at each workload, and at being first: what slows the machine down for a
    while then slows all of them down, and none always comes after the same other."""
    measurements = []
    for round_number in range(arguments.rounds):
        first = round_number % len(arguments.systems)
        systems = arguments.systems[first:] + arguments.systems[:first]
        for workload in arguments.workloads:
            for system in systems:
                if workload not in SYSTEMS[system].workloads:
                    continue
                measurement = measure(
                    round_number,
                    WORKLOADS[workload],
                    SYSTEMS[system],
                    duration=arguments.duration,
                    warm_up=arguments.warm_up,
                )
                print(table.progress(measurement), file=sys.stderr, flush=True)
                measurements.append(measurement)
    return measurements


def record(arguments: argparse.Namespace, measurements: list[Measurement]) -> dict:
    return {
        "machine": machine.describe(),
        "rounds": arguments.rounds,
        "duration_s": arguments.duration,
        "warm_up_s": arguments.warm_up,
        "summary": table.summary(measurements),
        "squorum_divided_by_peer_in_each_round": {
            f"{workload} {peer}": found
            for (workload, peer), found in table.ratios(measurements).items()
        },
        "measurements": [one.record() for one in measurements],
    }


if __name__ == "__main__":
    sys.exit(main())
