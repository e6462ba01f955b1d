"""Sizes of campaigns: short by default, full size with SQUORUM_LONG=1."""

import os
import random
import time
from typing import TypeVar

LONG = os.environ.get("SQUORUM_LONG", "") not in ("", "0")
Number = TypeVar("Number", int, float)


def size(short: Number, long: Number) -> Number:
    return long if LONG else short


def seed() -> int:
    """The seed of this run: SQUORUM_SEED, or a new one. Print it, so that a run can be repeated."""
    given = os.environ.get("SQUORUM_SEED")
    return int(given) if given else random.Random(time.time_ns()).randrange(1 << 32)
