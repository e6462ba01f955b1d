"""The figures and codes in the code are AWS's. A second pair of eyes: they stand here once more."""

import pytest

from squorum_tests.parity import source
from squorum_tests.parity.errors import ERRORS

MIB = 1_048_576
FIGURES = {
    "MESSAGE_BYTES_MAX": MIB,
    "BATCH_BYTES_MAX": MIB,
    "BATCH_ENTRIES_MAX": 10,
    "BATCH_ENTRY_ID_BYTES_MAX": 80,
    "MESSAGE_ATTRIBUTES_MAX": 10,
    "MESSAGE_ATTRIBUTE_NAME_BYTES_MAX": 256,
    "RECEIVE_MESSAGES": (1, 10),
    "WAIT_TIME_SECONDS": (0, 20),
    "VISIBILITY_TIMEOUT_SECONDS": (0, 43_200),
    "DELAY_SECONDS": (0, 900),
    "MESSAGE_RETENTION_SECONDS": (60, 1_209_600),
    "MAXIMUM_MESSAGE_BYTES": (1_024, MIB),
    "KMS_REUSE_SECONDS": (60, 86_400),
    "RECEIVES_BEFORE_DEAD_LETTER": (1, 1_000),
    "MOVES_PER_SECOND": (1, 500),
    "MOVE_TASKS_LISTED": (1, 10),
    "REDRIVE_SOURCES_MAX": 10,
    "QUEUE_NAME_BYTES_MAX": 80,
    "FIFO_ID_BYTES_MAX": 128,
    "IN_FLIGHT_MAX": 120_000,
    "DEDUPLICATION_WINDOW_MS": 300_000,
    "RECEIVE_ATTEMPT_WINDOW_MS": 300_000,
    "VISIBILITY_TIMEOUT_MS_MAX": 43_200_000,
    "QUEUE_DELETED_BLOCK_MS": 60_000,
    "PURGE_INTERVAL_MS": 60_000,
    "LIST_QUEUES_MAX": 1_000,
}


@pytest.mark.fact(
    "limit.in-flight-standard",
    "limit.in-flight-fifo",
    "limit.deduplication-window",
    "limit.lists",
)
def test_limits():
    found = source.limits()
    assert {name: found.get(name) for name in FIGURES} == FIGURES


def test_errors():
    found = source.error_shapes()
    expected = {
        name: (error.namespace, error.code, error.status)
        for name, error in ERRORS.items()
        if name in found
    }
    assert {name: found[name] for name in expected} == expected
    assert ERRORS.keys() - found.keys() <= {"AccessDeniedException"}
