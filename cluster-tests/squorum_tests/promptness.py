"""Promptness that is no matter of speed: what a defect holds up is late each time, what a busy machine
holds up is late now and then. So the short form of a test is made three times before it fails for being
late. What is as late as no machine makes it fails at once, or a wake-up that is lost now and then would
be missed."""

import functools
from collections.abc import Callable

from squorum_tests.size import size

ATTEMPTS = size(3, 1)
# Far less than the 20 s after which a poll ends that nobody wakes.
LATE_SECONDS_MAX = 10.0


class Late(AssertionError):
    """What came was right, and came somewhat late."""


def assert_prompt(seconds: float, seconds_max: float) -> None:
    assert seconds < LATE_SECONDS_MAX, f"only after {seconds:.2f} s"
    if seconds > seconds_max:
        raise Late(f"after {seconds:.2f} s, not within {seconds_max} s")


def best_of_three(test: Callable) -> Callable:
    """For a test that makes whatever it works on, so that each attempt begins afresh."""

    @functools.wraps(test)
    def attempts(*arguments, **fixtures):
        for _ in range(ATTEMPTS - 1):
            try:
                return test(*arguments, **fixtures)
            except Late as late:
                print(f"{late}; once more")
        return test(*arguments, **fixtures)

    return attempts
