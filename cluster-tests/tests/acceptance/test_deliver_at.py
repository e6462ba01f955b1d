"""`squorum.deliver-at`: a standard queue's message comes at a time of its own. An extension: AWS stores
the attribute and delivers at once."""

import datetime
import time

import pytest

from squorum_tests.promptness import assert_prompt, best_of_three
from squorum_tests.queue import refused

ATTRIBUTE = "squorum.deliver-at"
# Between the moment when a message may be seen and when it is given.
PROMPT_SECONDS = 1.0


def number(at: float, data_type: str = "Number") -> dict:
    return {ATTRIBUTE: {"DataType": data_type, "StringValue": str(round(at * 1000))}}


def text(value: str) -> dict:
    return {ATTRIBUTE: {"DataType": "String", "StringValue": value}}


def rfc_3339(at: float) -> dict:
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return text(moment.isoformat(timespec="milliseconds"))


FORMS = {
    "number": number,
    "text of a number": lambda at: number(at, "String"),
    "RFC 3339": rfc_3339,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@best_of_three
def test_comes_at_its_time(queue, form):
    made = queue(DelaySeconds=900)
    at = round(time.time() + 6, 3)
    attributes = form(at)
    sent = made.send("later", MessageAttributes=attributes)
    assert made.counters() == (0, 0, 1)

    message = made.receive_one(wait=20)

    assert time.time() >= at
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert int(message["Attributes"]["SentTimestamp"]) <= (at - 1) * 1000
    given_at = int(message["Attributes"]["ApproximateFirstReceiveTimestamp"]) / 1000
    assert given_at >= at
    assert_prompt(given_at - at, PROMPT_SECONDS)


def test_entries_of_a_batch_have_times_of_their_own(queue):
    made = queue()
    now = time.time()
    entries = [
        {"Id": "c", "MessageBody": "third", "MessageAttributes": number(now + 6)},
        {"Id": "b", "MessageBody": "second", "MessageAttributes": rfc_3339(now + 4)},
        {"Id": "x", "MessageBody": "never", "MessageAttributes": text("whenever")},
        {"Id": "a", "MessageBody": "first"},
    ]

    answer = made.send_batch(entries)

    assert [entry["Id"] for entry in answer["Successful"]] == ["c", "b", "a"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == (
        "x",
        "InvalidParameterValue",
        True,
    )
    assert failed["Message"].startswith(f"Value whenever for parameter {ATTRIBUTE} is invalid.")
    assert [made.receive_one(wait=10)["Body"] for _ in range(3)] == ["first", "second", "third"]


def test_a_time_in_the_past_means_now_whatever_the_queue_says(queue):
    made = queue(DelaySeconds=900)
    made.send("past", MessageAttributes=number(time.time() - 3600))
    made.send("epoch", MessageAttributes=text("0"))
    made.send("zero", MessageAttributes=number(time.time() - 1), DelaySeconds=0)
    assert sorted(made.all_bodies()) == ["epoch", "past", "zero"]


def test_later_than_any_delay_up_to_the_end_of_retention(queue):
    """Retention runs from the send, so what is due after it could never be received."""
    made = queue(MessageRetentionPeriod=86_400)
    made.send("late", MessageAttributes=number(time.time() + 86_000))
    assert made.counters() == (0, 0, 1)
    at = time.time() + 86_400 + 60
    with refused(
        "InvalidParameterValue",
        f"Value {round(at * 1000)} for parameter {ATTRIBUTE} is invalid. Reason: The message would be "
        "gone by then: the queue's MessageRetentionPeriod is 86400 seconds.",
    ):
        made.send("too late", MessageAttributes=number(at))


def test_a_delay_beside_it_is_refused(queue):
    with refused(
        "InvalidParameterValue",
        "Value 5 for parameter DelaySeconds is invalid. Reason: The message attribute "
        "squorum.deliver-at says when the message is delivered.",
    ):
        queue().send("both", MessageAttributes=number(time.time() + 60), DelaySeconds=5)


def test_fifo_queues_have_no_delays_of_messages(fifo):
    with refused(
        "InvalidParameterValue",
        f"Value 0 for parameter {ATTRIBUTE} is invalid. Reason: The request include parameter that is "
        "not valid for this queue type.",
    ):
        fifo().send("a", group="g", id="1", MessageAttributes=text("0"))


@pytest.mark.parametrize(
    "attribute",
    [
        {"DataType": "String", "StringValue": "tomorrow"},
        {"DataType": "String", "StringValue": "2030-01-01T00:00:00"},
        {"DataType": "Number", "StringValue": "1.5"},
        {"DataType": "Number", "StringValue": "-1"},
        {"DataType": "Binary", "BinaryValue": b"1893456000000"},
    ],
    ids=str,
)
def test_what_is_no_time_is_refused(queue, attribute):
    value = attribute.get("StringValue", "Binary")
    with refused(
        "InvalidParameterValue",
        f"Value {value} for parameter {ATTRIBUTE} is invalid. Reason: Must be a Number of milliseconds "
        "since the Unix epoch, or a String with such a number or an RFC 3339 time like "
        "2027-03-01T09:00:00Z.",
    ):
        queue().send("a", MessageAttributes={ATTRIBUTE: attribute})


def test_seconds_are_not_taken_for_milliseconds(queue):
    """Else whoever forgot a factor of a thousand would get the message at once."""
    with refused("InvalidParameterValue", "…this looks like seconds."):
        queue().send("a", MessageAttributes=number((time.time() + 3600) / 1000))
