"""The checker itself: a good history passes, and each rule fires on a history that breaks it."""

import dataclasses

import pytest

from squorum_tests.checker import check
from squorum_tests.history import Delete, Delivery, Failure, History, Send, VisibilityChange

VISIBILITY_TIMEOUT_SECONDS = 10.0


def good_history(fifo: bool) -> History:
    """Four messages, two groups, sent, received one by one and deleted; one came twice because
    nobody deleted it in time, one send was retried after an unknown outcome."""
    history = History("good", fifo=fifo)
    for number in range(4):
        group = f"g{number % 2}" if fifo else None
        identity = {
            "queue": "good",
            "tag": f"m{number}",
            "message_id": f"id{number}",
            "group": group,
            "deduplication_id": f"m{number}" if fifo else None,
            "sequence_number": 100 + number if fifo else None,
        }
        history.sends.append(Send(started=number, ended=number + 0.5, acked=True, **identity))
        history.deliveries.append(
            Delivery(
                receive=number,
                position=0,
                started=20 + number,
                ended=20.5 + number,
                visibility_timeout_seconds=VISIBILITY_TIMEOUT_SECONDS,
                **identity,
            )
        )
        if number != 3:
            history.deletes.append(
                Delete("good", f"id{number}", 20.6 + number, 20.7 + number, True)
            )
    again = dataclasses.replace(history.deliveries[3], receive=9, started=40, ended=41)
    history.deliveries.append(again)
    history.deletes.append(Delete("good", "id3", 41, 42, True))
    unknown = dataclasses.replace(
        history.sends[0], started=-2, ended=-1, acked=False, message_id=None, sequence_number=None
    )
    history.sends.insert(0, unknown)
    return history


def failure(status: int, code: str, message: str) -> Failure:
    return Failure("good", "SendMessage", "http://a", 1.0, 2.0, status, code, message)


@pytest.mark.parametrize("fifo", [False, True])
def test_good_history_is_clean(fifo):
    verdict = check(good_history(fifo))
    verdict.assert_clean()
    assert (verdict.attempted, verdict.acked, verdict.received) == (4, 4, 4)
    assert verdict.redelivered == 1


def change(records: list, index: int, **fields) -> None:
    records[index] = dataclasses.replace(records[index], **fields)


def lose(history):
    del history.deliveries[1]


def invent(history):
    change(history.deliveries, 1, tag="stranger")


def double(history):
    copy = dataclasses.replace(history.deliveries[1], message_id="id1b", started=50, ended=51)
    history.deliveries.append(copy)


def overlap(history):
    change(history.deliveries, 4, started=24, ended=25)


def resurrect(history):
    copy = dataclasses.replace(history.deliveries[1], receive=11, started=60, ended=61)
    history.deliveries.append(copy)


def lie(history):
    history.failures.append(failure(400, "QueueDoesNotExist", "gone"))


def swap_numbers(history):
    for records in (history.sends, history.deliveries):
        for index, record in enumerate(records):
            if record.message_id in ("id0", "id2"):
                number = 102 if record.message_id == "id0" else 100
                change(records, index, sequence_number=number)


def overtake(history):
    change(history.deliveries, 2, started=10, ended=10.5)


def disorder_answer(history):
    change(history.deliveries, 0, receive=7, position=1)
    change(history.deliveries, 2, receive=7, position=0)


def break_lock(history):
    change(history.deletes, 0, started=25, ended=26)


def send_twice(history):
    again = dataclasses.replace(history.sends[2], started=5, ended=6, message_id="id1b")
    history.sends.append(again)


EITHER = [
    ("lost", lose),
    ("unexpected", invent),
    ("doubled", double),
    ("exclusive", overlap),
    ("resurrected", resurrect),
    ("honest errors", lie),
]
FIFO_ONLY = [
    ("send order", swap_numbers),
    ("delivery order", overtake),
    ("delivery order", disorder_answer),
    ("group lock", break_lock),
    ("deduplication", send_twice),
]


@pytest.mark.parametrize(
    ("fifo", "rule", "damage"),
    [(fifo, *case) for fifo in (False, True) for case in EITHER]
    + [(True, *case) for case in FIFO_ONLY],
)
def test_each_rule_fires(fifo, rule, damage):
    history = good_history(fifo)
    damage(history)
    assert rule in check(history).rules()


def test_visibility_change_explains_an_early_second_delivery():
    history = good_history(fifo=True)
    overlap(history)
    history.visibility_changes.append(VisibilityChange("good", "id3", 23.6, 23.7, True, 0))
    check(history).assert_clean()


def test_standard_retry_may_double_but_is_counted():
    history = good_history(fifo=False)
    copy = dataclasses.replace(history.deliveries[0], message_id="id0b", started=50, ended=51)
    history.deliveries.append(copy)
    verdict = check(history)
    verdict.assert_clean()
    assert verdict.doubled == 1


def test_concurrent_calls_are_given_the_benefit_of_the_doubt():
    history = good_history(fifo=True)
    # Sent at the same time: either order is right.
    change(history.sends, 1, started=0, ended=5)
    change(history.sends, 3, started=0, ended=5)
    swap_numbers(history)
    assert "send order" not in check(history).rules()


def test_retries_within_the_sdk_may_double_a_standard_message_but_no_fifo_message():
    for fifo in (False, True):
        history = good_history(fifo)
        change(history.sends, 2, attempts=2)
        double(history)
        assert ("doubled" in check(history).rules()) == fifo


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (503, "ServiceUnavailable", "no leader"),
        (0, "ReadTimeoutError", ""),
        (400, "ThrottlingException", "Rate exceeded"),
        (400, "InvalidParameterValue", "The receipt handle has expired"),
    ],
)
def test_honest_errors_are_no_violation(status, code, message):
    history = good_history(fifo=True)
    history.failures.append(failure(status, code, message))
    check(history).assert_clean()
