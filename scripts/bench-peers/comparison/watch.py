"""Runs a load and watches the machine meanwhile:

python3 -m comparison.watch FILE WARM_UP_S DURATION_S COMMAND…

The load's window begins when it has connected and warmed up, and that takes it less than a second, so
the part that is watched, from a second after the warm-up until the shortest run could end, lies
within the window. FILE then holds cores that were busy and flushes per second.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from comparison.machine import usage

SETUP_MAX_S = 1.0


def main() -> int:
    target, warm_up_s, duration_s, *command = sys.argv[1:]
    began = time.monotonic()
    with subprocess.Popen(command) as load:
        sleep_until(began + float(warm_up_s) + SETUP_MAX_S)
        first, first_at = usage(), time.monotonic()
        sleep_until(began + float(warm_up_s) + float(duration_s))
        last, last_at = usage(), time.monotonic()
    seconds = last_at - first_at
    has_flushes = first.flushes is not None and last.flushes is not None
    Path(target).write_text(
        json.dumps(
            {
                "busy_cores": (last.busy_s - first.busy_s) / seconds,
                "flushes_per_second": (last.flushes - first.flushes) / seconds
                if has_flushes
                else None,
            }
        )
    )
    return load.returncode


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


if __name__ == "__main__":
    sys.exit(main())
