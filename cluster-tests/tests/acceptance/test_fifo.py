"""FIFO queues: order, group locks, deduplication, receive attempts."""

import time

import pytest

from squorum_tests.queue import refused, sha256


@pytest.fixture
def made(fifo):
    return fifo(ContentBasedDeduplication="true", VisibilityTimeout=600)


@pytest.mark.fact("message.sequence-number")
def test_send_answer(made):
    """Sequence numbers are decimal strings that rise."""
    numbers = [made.send(str(n), group="g")["SequenceNumber"] for n in range(5)]
    assert all(number.isdigit() for number in numbers)
    assert [int(number) for number in numbers] == sorted({int(number) for number in numbers})


@pytest.mark.fact("message.system-attributes", "message.sequence-number")
def test_receive_answer(made):
    sent = made.send("a", group="g", id="d")
    attributes = made.receive_one()["Attributes"]
    assert attributes["MessageGroupId"] == "g"
    assert attributes["MessageDeduplicationId"] == "d"
    assert attributes["SequenceNumber"] == sent["SequenceNumber"]


def test_order_within_a_group(made):
    expected = [str(n) for n in range(25)]
    for body in expected:
        made.send(body, group="g")
    found = []
    while messages := made.receive():
        found += [message["Body"] for message in messages]
        for message in messages:
            made.delete(message)
    assert found == expected


@pytest.mark.fact("fifo.group-lock")
def test_one_receive_gives_many_of_a_group_then_other_groups(made):
    for body, group in (("a1", "a"), ("b1", "b"), ("a2", "a"), ("b2", "b"), ("a3", "a")):
        made.send(body, group=group)
    assert made.bodies() == ["a1", "a2", "a3", "b1", "b2"]


def test_batch_ends_within_a_group(made):
    for number in range(4):
        made.send(str(number), group="g")
    assert made.bodies(maximum=3) == ["0", "1", "2"]
    assert made.bodies() == []


@pytest.mark.fact("fifo.group-lock", "fifo.send-does-not-unlock")
def test_group_is_locked_while_in_flight(made):
    """Other groups are free; new sends do not unlock."""
    made.send("a1", group="a")
    made.send("a2", group="a")
    made.send("b1", group="b")
    assert made.bodies(maximum=1) == ["a1"]
    assert made.bodies() == ["b1"]
    made.send("a3", group="a")
    made.send("b2", group="b")
    assert made.bodies() == []


@pytest.mark.fact("fifo.delete-unlocks")
def test_deleting_all_in_flight_unlocks_at_once(made):
    """Not before the last."""
    for body in ("1", "2", "3"):
        made.send(body, group="g")
    first, second = made.receive(maximum=2)
    made.delete(first)
    assert made.bodies() == []
    made.delete(second)
    assert made.bodies() == ["3"]


def test_end_of_the_timeout_unlocks_in_order(fifo):
    made = fifo(ContentBasedDeduplication="true", VisibilityTimeout=2)
    for body in ("1", "2", "3"):
        made.send(body, group="g")
    began = time.monotonic()
    assert made.bodies(maximum=2) == ["1", "2"]
    assert made.bodies() == []
    assert made.bodies(wait=10) == ["1", "2", "3"]
    assert time.monotonic() - began >= 2


@pytest.mark.fact("fifo.prefix")
def test_prefix_rule_first_returned(made):
    """Only the visible prefix is given while a later message is in flight."""
    for body in ("1", "2", "3"):
        made.send(body, group="g")
    first, _second = made.receive(maximum=2)
    made.change(first, 0)
    assert made.bodies() == ["1"]


@pytest.mark.fact("fifo.returned-group", "fifo.prefix")
def test_group_whose_head_is_returned_goes_behind_the_others(made):
    for body in ("g1m1", "g1m2", "g2m1"):
        made.send(body, group=body[:2])
    first, _second = made.receive(maximum=2)
    made.change(first, 0)
    assert made.bodies(maximum=3) == ["g2m1", "g1m1"]


@pytest.mark.fact("fifo.returned-group")
def test_groups_whose_timeouts_end_go_behind_the_others(fifo):
    """Each in the order in which they were received."""
    made = fifo(ContentBasedDeduplication="true", VisibilityTimeout=4)
    for body in ("g1m1", "g1m2", "g1m3", "g2m1", "g3m1"):
        made.send(body, group=body[:2])
    assert made.bodies(maximum=2) == ["g1m1", "g1m2"]
    assert made.bodies(maximum=1) == ["g2m1"]
    time.sleep(4.3)
    assert made.bodies(VisibilityTimeout=0) == ["g3m1", "g1m1", "g1m2", "g1m3", "g2m1"]


@pytest.mark.fact("fifo.extended-middle")
def test_prefix_rule_second_extended(fifo):
    """After the others timed out, only what stands before the invisible one is given."""
    made = fifo(ContentBasedDeduplication="true", VisibilityTimeout=4)
    for body in ("1", "2", "3"):
        made.send(body, group="g")
    messages = made.receive()
    assert len(messages) == 3
    made.change(messages[1], 600)
    time.sleep(4.3)
    assert made.bodies() == ["1"]


@pytest.mark.fact("fifo.zero-visibility")
def test_zero_timeout_keeps_order_and_rotates_groups(made):
    for group, count in (("g1", 2), ("g2", 2), ("g3", 1)):
        for number in range(1, count + 1):
            made.send(f"{group}m{number}", group=group)
    first = made.bodies(maximum=3, VisibilityTimeout=0)
    assert first == ["g1m1", "g1m2", "g2m1"]
    second = made.bodies(VisibilityTimeout=0)
    assert second == ["g3m1", "g1m1", "g1m2", "g2m1", "g2m2"]


@pytest.mark.fact("fifo.zero-visibility")
def test_zero_timeouts_give_every_group_its_turn_again_and_again(made):
    groups = ["g1", "g2", "g3", "g4"]
    for group in groups:
        made.send(group, group=group)
    received = [made.bodies(maximum=1, VisibilityTimeout=0) for _ in range(12)]
    assert received == [[group] for group in groups] * 3


@pytest.mark.fact("fifo.group-lock")
def test_groups_are_independent(made):
    """Many groups; one that nobody deletes blocks no other."""
    for number in range(50):
        made.send(f"m{number}", group=f"g{number}")
    found = []
    while messages := made.receive():
        found += [message["Body"] for message in messages]
    assert sorted(found) == sorted(f"m{number}" for number in range(50))


@pytest.mark.fact("fifo.deduplication", "message.sequence-number")
def test_deduplication_returns_the_original(made):
    """Other body, same id."""
    first = made.send("a", group="g", id="same")
    second = made.send("b", group="g", id="same")
    assert second["MessageId"] == first["MessageId"]
    assert second["SequenceNumber"] == first["SequenceNumber"]
    assert made.bodies() == ["a"]
    assert made.counters() == (0, 1, 0)


@pytest.mark.fact("fifo.deduplication")
def test_deduplication_outlives_receive_and_delete(made):
    first = made.send("a", group="g", id="same")
    message = made.receive_one()
    assert made.send("a", group="g", id="same")["MessageId"] == first["MessageId"]
    made.delete(message)
    assert made.send("a", group="g", id="same")["MessageId"] == first["MessageId"]
    assert made.bodies() == []


@pytest.mark.fact("fifo.deduplication")
def test_deduplication_across_groups(made):
    """In queue scope another group is dropped too."""
    made.send("a", group="one", id="same")
    made.send("b", group="two", id="same")
    assert made.bodies() == ["a"]


@pytest.mark.fact("fifo.deduplication-by-group")
def test_deduplication_by_group(fifo):
    """Works without FifoThroughputLimit too."""
    made = fifo(DeduplicationScope="messageGroup")
    made.send("a", group="one", id="same")
    made.send("b", group="two", id="same")
    made.send("c", group="two", id="same")
    assert sorted(made.all_bodies()) == ["a", "b"]


@pytest.mark.fact("fifo.scope-is-fixed")
def test_changed_scope_does_not_change_deduplication(fifo):
    """Its effect is fixed at creation, in both directions."""
    narrow = fifo()
    narrow.set(DeduplicationScope="messageGroup")
    narrow.send("a", group="one", id="same")
    narrow.send("b", group="two", id="same")
    assert narrow.bodies() == ["a"]
    wide = fifo(DeduplicationScope="messageGroup")
    wide.set(DeduplicationScope="queue")
    wide.send("a", group="one", id="same")
    wide.send("b", group="two", id="same")
    assert sorted(wide.all_bodies()) == ["a", "b"]


@pytest.mark.fact("fifo.content-deduplication")
def test_content_based_deduplication(made):
    """SHA-256 of the body alone; the id shows."""
    attributes = {"x": {"DataType": "String", "StringValue": "y"}}
    first = made.send("a", group="g")
    second = made.send("a", group="g", MessageAttributes=attributes)
    assert second["MessageId"] == first["MessageId"]
    assert made.receive_one()["Attributes"]["MessageDeduplicationId"] == sha256("a")


@pytest.mark.fact("fifo.content-deduplication")
def test_explicit_id_wins_over_content(made):
    made.send("a", group="g", id="one")
    made.send("a", group="g", id="two")
    assert made.bodies() == ["a", "a"]


def test_content_and_explicit_ids_are_one_space(made):
    first = made.send("a", group="g")
    second = made.send("b", group="g", id=sha256("a"))
    assert second["MessageId"] == first["MessageId"]


@pytest.mark.fact("queue.purge")
def test_purge_clears_deduplication(made):
    first = made.send("a", group="g", id="same")
    made.purge()
    second = made.send("a", group="g", id="same")
    assert second["MessageId"] != first["MessageId"]
    assert made.bodies() == ["a"]


def test_purge_unlocks_groups(made):
    made.send("old", group="g")
    made.receive_one()
    made.purge()
    made.send("new", group="g")
    assert made.bodies() == ["new"]


@pytest.mark.fact("error.missing-fifo-ids")
def test_missing_ids(fifo):
    """The group id is looked at first."""
    plain = fifo()
    with refused("MissingParameter", "The request must contain the parameter MessageGroupId."):
        plain.send("a")
    with refused(
        "InvalidParameterValue",
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
        "provided explicitly",
    ):
        plain.send("a", group="g")


@pytest.mark.fact("error.fifo-ids", "limit.ids")
@pytest.mark.parametrize("value", ["", "a b", "a" * 129, "ü", "a\n"])
@pytest.mark.parametrize("parameter", ["MessageGroupId", "MessageDeduplicationId"])
def test_bad_ids(made, parameter, value):
    ids = {"MessageGroupId": "g", "MessageDeduplicationId": "d", parameter: value}
    with refused(
        "InvalidParameterValue",
        f"Value {value} for parameter {parameter} is invalid. Reason: {parameter} can only include "
        "alphanumeric and punctuation characters. 1 to 128 in length.",
    ):
        made.send("a", **ids)


@pytest.mark.fact("limit.ids")
def test_good_ids(made):
    """Alphanumeric and punctuation."""
    punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    made.send("a", group=punctuation, id=punctuation)
    made.send("b", group="a" * 128, id="b" * 128)
    assert sorted(made.bodies()) == ["a", "b"]


@pytest.mark.fact("error.fifo-delay")
def test_delay_of_one_message_is_refused(made):
    """Zero is accepted and means the queue's delay."""
    with refused(
        "InvalidParameterValue",
        "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is "
        "not valid for this queue type.",
    ):
        made.send("a", group="g", DelaySeconds=2)
    made.send("a", group="g", DelaySeconds=0)
    assert made.bodies() == ["a"]


def test_delay_of_the_queue(fifo):
    made = fifo(ContentBasedDeduplication="true", DelaySeconds=2)
    sent = time.monotonic()
    made.send("1", group="g", DelaySeconds=0)
    made.send("2", group="g")
    assert made.counters() == (0, 0, 2)
    assert made.bodies() == []
    found = made.bodies(maximum=1, wait=10)
    assert time.monotonic() - sent >= 2
    assert found == ["1"]


@pytest.mark.one_protocol
def test_delayed_message_does_not_lock_its_group(fifo):
    """An older visible one is still delivered."""
    made = fifo(ContentBasedDeduplication="true", DelaySeconds=3)
    made.send("older", group="g")
    time.sleep(3.2)
    made.send("delayed", group="g")
    assert made.bodies() == ["older"]


@pytest.mark.fact("error.fifo-handle-expired", "handle.fifo-expired")
def test_delete_after_the_timeout_is_refused(made):
    made.send("a", group="g")
    message = made.receive_one(VisibilityTimeout=1)
    time.sleep(1.3)
    with refused(
        "InvalidParameterValue",
        f"Value {message['ReceiptHandle']} for parameter ReceiptHandle is invalid. Reason: The "
        "receipt handle has expired.",
    ):
        made.delete(message)
    assert made.counters() == (1, 0, 0)


@pytest.mark.fact("handle.fifo-expired")
def test_extended_timeout_counts_for_the_delete(made):
    made.send("a", group="g")
    message = made.receive_one(VisibilityTimeout=4)
    made.change(message, 600)
    time.sleep(4.3)
    made.delete(message)
    assert made.counters() == (0, 0, 0)


@pytest.mark.fact("handle.delete-again")
def test_delete_twice_is_fine(made):
    made.send("a", group="g")
    message = made.receive_one()
    made.delete(message)
    made.delete(message)


@pytest.mark.fact("fifo.receive-attempt")
def test_receive_attempt_repeats_the_answer(made):
    """Same id, nothing changed: same messages and handles."""
    for number in range(3):
        made.send(str(number), group="g")
    first = made.receive(maximum=2, ReceiveRequestAttemptId="attempt")
    again = made.receive(maximum=2, ReceiveRequestAttemptId="attempt")
    assert [m["MessageId"] for m in again] == [m["MessageId"] for m in first]
    assert [m["ReceiptHandle"] for m in again] == [m["ReceiptHandle"] for m in first]
    assert made.receive(ReceiveRequestAttemptId="other") == []
    made.delete(again[0])
    made.delete(again[1])
    assert made.bodies() == ["2"]


@pytest.mark.fact("fifo.receive-attempt")
@pytest.mark.parametrize("change", ["delete", "return", "extend"])
def test_receive_attempt_begins_anew_when_a_message_was_changed(made, change):
    """Then the same id is a new receive, and gives what is free."""
    made.send("a", group="one")
    made.send("b", group="two")
    first = made.receive(ReceiveRequestAttemptId="attempt")
    assert len(first) == 2
    if change == "delete":
        made.delete(first[0])
    else:
        made.change(first[0], 0 if change == "return" else 500)
    again = made.receive(ReceiveRequestAttemptId="attempt")
    assert [message["Body"] for message in again] == (["a"] if change == "return" else [])
    handles = [message["ReceiptHandle"] for message in first]
    assert all(message["ReceiptHandle"] not in handles for message in again)


@pytest.mark.one_protocol
@pytest.mark.fact("fifo.receive-attempt")
def test_receive_attempt_restarts_the_timeout(made):
    made.send("a", group="g")
    made.receive(ReceiveRequestAttemptId="attempt", VisibilityTimeout=3)
    time.sleep(1.5)
    made.receive(ReceiveRequestAttemptId="attempt", VisibilityTimeout=3)
    repeated = time.monotonic()
    made.receive_one(wait=10)
    assert time.monotonic() - repeated >= 2.8


@pytest.mark.fact("limit.fifo-high-throughput")
def test_high_throughput_queue(fifo):
    """Groups are spread over partitions; order within each, deduplication, all found."""
    made = fifo(
        DeduplicationScope="messageGroup",
        FifoThroughputLimit="perMessageGroupId",
        VisibilityTimeout=600,
    )
    for round_number in range(5):
        made.send_batch(
            [
                {
                    "Id": str(group),
                    "MessageBody": f"{group}-{round_number}",
                    "MessageGroupId": f"g{group}",
                    "MessageDeduplicationId": f"d{round_number}",
                }
                for group in range(10)
            ]
        )
    assert made.counters() == (50, 0, 0)
    found: dict[str, list[str]] = {}
    while messages := made.receive(wait=1):
        for message in messages:
            found.setdefault(message["Attributes"]["MessageGroupId"], []).append(message["Body"])
            made.delete(message)
    expected = {f"g{g}": [f"{g}-{r}" for r in range(5)] for g in range(10)}
    assert found == expected
