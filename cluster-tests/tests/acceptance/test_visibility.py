"""Receipt handles and visibility of standard queues."""

import time

import pytest

from squorum_tests.queue import refused

NOT_AVAILABLE = (
    "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not "
    "available for visibility timeout change."
)


@pytest.mark.fact("handle.new-with-each-receive")
def test_received_message_is_invisible_for_its_timeout(queue):
    made = queue(VisibilityTimeout=2)
    made.send()
    began = time.monotonic()
    first = made.receive_one()
    assert made.receive() == []
    second = made.receive_one(wait=10)
    assert time.monotonic() - began >= 2
    assert second["MessageId"] == first["MessageId"]
    assert second["ReceiptHandle"] != first["ReceiptHandle"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"


def test_timeout_of_the_receive_overrides_the_queues(queue):
    made = queue(VisibilityTimeout=600)
    made.send()
    began = time.monotonic()
    made.receive_one(VisibilityTimeout=1)
    made.receive_one(wait=10)
    assert time.monotonic() - began >= 1
    assert made.receive() == []


@pytest.mark.fact("visibility.receive-zero")
def test_zero_leaves_the_message_visible_and_counts(queue):
    made = queue()
    made.send()
    counts = [
        made.receive_one(VisibilityTimeout=0)["Attributes"]["ApproximateReceiveCount"]
        for _ in range(3)
    ]
    assert counts == ["1", "2", "3"]
    assert made.counters() == (1, 0, 0)


@pytest.mark.fact("handle.delete-again")
def test_delete_is_idempotent(queue):
    made = queue()
    made.send()
    message = made.receive_one()
    made.delete(message)
    made.delete(message)
    assert made.counters() == (0, 0, 0)


@pytest.mark.fact("handle.new-with-each-receive")
def test_any_earlier_handle_deletes(queue):
    """Also after the timeout."""
    made = queue(VisibilityTimeout=0)
    made.send()
    earlier = made.receive_one()
    made.receive_one(VisibilityTimeout=600)
    made.delete(earlier)
    assert made.counters() == (0, 0, 0)


@pytest.mark.fact("handle.new-with-each-receive")
def test_any_earlier_handle_changes_the_timeout(queue):
    """Also when another receiver has the message."""
    made = queue()
    made.send()
    earlier = made.receive_one(VisibilityTimeout=0)
    made.receive_one(VisibilityTimeout=600)
    assert made.receive() == []
    made.change(earlier, 0)
    assert made.receive_one(VisibilityTimeout=0)["MessageId"] == earlier["MessageId"]
    made.change(earlier, 600)
    assert made.receive() == []
    assert made.counters() == (0, 1, 0)


def test_deleted_message_never_comes_back(queue):
    made = queue(VisibilityTimeout=1)
    made.send()
    made.delete(made.receive_one())
    assert made.receive(wait=2) == []


@pytest.mark.fact("error.receipt-handle-invalid")
@pytest.mark.parametrize("handle", ["garbage", "x" * 1000, "AQEB" * 20, "a b", "ü"])
def test_garbage_is_no_receipt_handle(queue, handle):
    made = queue()
    text = f'The input receipt handle "{handle}" is not a valid receipt handle.'
    shape = "ReceiptHandleIsInvalid"
    with refused("ReceiptHandleIsInvalid", text, shape=shape):
        made.delete({"ReceiptHandle": handle})
    with refused("ReceiptHandleIsInvalid", text, shape=shape):
        made.change({"ReceiptHandle": handle}, 10)


def test_damaged_handle_is_refused(queue):
    made = queue()
    made.send()
    handle = made.receive_one()["ReceiptHandle"]
    middle = len(handle) // 2
    damaged = handle[:middle] + ("A" if handle[middle] != "A" else "B") + handle[middle + 1 :]
    with refused("ReceiptHandleIsInvalid"):
        made.delete({"ReceiptHandle": damaged})
    assert made.counters() == (0, 1, 0)


def test_handle_of_another_queue_is_refused(queue):
    one, other = queue(), queue()
    one.send()
    message = one.receive_one()
    with refused("ReceiptHandleIsInvalid"):
        other.delete(message)
    assert one.counters() == (0, 1, 0)


@pytest.mark.fact("visibility.zero-returns")
def test_change_to_zero_returns_the_message_at_once(queue):
    made = queue()
    made.send()
    message = made.receive_one()
    made.change(message, 0)
    assert made.counters() == (1, 0, 0)
    assert made.receive_one()["MessageId"] == message["MessageId"]


def test_extension_and_shortening(queue):
    made = queue(VisibilityTimeout=4)
    made.send("extended")
    made.send("shortened")
    messages = {m["Body"]: m for m in made.receive() + made.receive()}
    began = time.monotonic()
    made.change(messages["extended"], 600)
    made.change(messages["shortened"], 1)
    assert made.bodies(wait=10) == ["shortened"]
    assert time.monotonic() - began >= 1
    time.sleep(max(0.0, 4.3 - (time.monotonic() - began)))
    assert "extended" not in made.bodies()


@pytest.mark.one_protocol
@pytest.mark.fact("visibility.change-is-not-kept")
def test_changed_timeout_is_not_kept(queue):
    """The next receive uses the queue's."""
    made = queue(VisibilityTimeout=1)
    made.send()
    message = made.receive_one()
    made.change(message, 8)
    made.receive_one(wait=20)
    began = time.monotonic()
    made.receive_one(wait=20)
    assert time.monotonic() - began < 5


@pytest.mark.fact("visibility.change-after-expiry")
def test_change_after_the_timeout_is_fine(queue):
    """On a standard queue."""
    made = queue()
    made.send()
    message = made.receive_one(VisibilityTimeout=1)
    time.sleep(1.2)
    made.change(message, 600)


@pytest.mark.fact("visibility.change-after-expiry", "error.change-of-deleted")
def test_change_after_delete_is_refused(queue):
    made = queue()
    made.send()
    message = made.receive_one()
    made.delete(message)
    text = NOT_AVAILABLE.format(handle=message["ReceiptHandle"])
    with refused("InvalidParameterValue", text):
        made.change(message, 10)


@pytest.mark.fact("limit.visibility")
@pytest.mark.parametrize("seconds", [-1, 43_201])
def test_change_range(queue, seconds):
    made = queue()
    made.send()
    message = made.receive_one()
    with refused("InvalidParameterValue", f"Value {seconds} for parameter VisibilityTimeout is…"):
        made.change(message, seconds)


@pytest.mark.fact("limit.visibility")
def test_total_is_bounded_by_twelve_hours(queue):
    """Counted from the receive."""
    made = queue()
    made.send()
    message = made.receive_one()
    time.sleep(1.1)
    with refused(
        "InvalidParameterValue",
        "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for "
        "the message is beyond the limit [43200 seconds]",
    ):
        made.change(message, 43_200)
    made.change(message, 43_190)


def test_receive_takes_the_longest_timeout(queue):
    made = queue()
    made.send()
    made.receive_one(VisibilityTimeout=43_200)
    assert made.counters() == (0, 1, 0)
    with refused("InvalidParameterValue"):
        made.receive(VisibilityTimeout=43_201)


@pytest.mark.fact("error.max-number-of-messages", "limit.receive")
@pytest.mark.parametrize("maximum", [0, 11, -1])
def test_number_of_messages_range(queue, maximum):
    with refused(
        "InvalidParameterValue",
        f"Value {maximum} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and "
        "10, if provided.",
    ):
        queue().receive(maximum=maximum)


@pytest.mark.fact("limit.receive", "poll.short")
def test_receive_gives_at_most_what_was_asked(queue, sqs):
    """One, if nothing is said."""
    made = queue()
    made.send_batch([{"Id": str(n), "MessageBody": str(n)} for n in range(10)])
    assert len(sqs.receive_message(QueueUrl=made.url)["Messages"]) == 1
    assert 1 <= len(made.receive(maximum=3)) <= 3


@pytest.mark.fact("message.order", "poll.short")
def test_best_effort_order(queue):
    """One partition, one consumer: as sent."""
    made = queue()
    for number in range(5):
        made.send(str(number))
    assert made.bodies() == ["0", "1", "2", "3", "4"]


@pytest.mark.fact("message.order", "message.returns-to-the-back")
def test_received_three_times_goes_to_the_back(queue):
    """A message that nobody deletes does not stand before the others for ever."""
    made = queue(VisibilityTimeout=0)
    for body in ("first", "second"):
        made.send(body)
    for _ in range(3):
        assert made.bodies(maximum=1) == ["first"]
    made.send("third")
    assert made.bodies(maximum=1) == ["second"]
    assert made.bodies(maximum=3) == ["second", "first", "third"]


@pytest.mark.fact("message.returns-to-the-back")
def test_what_nobody_deletes_takes_turns(queue):
    """Once all were received three times, each goes behind the others again."""
    made = queue(VisibilityTimeout=0)
    bodies = ["first", "second", "third"]
    for body in bodies:
        made.send(body)
    for body in bodies:
        assert [made.bodies(maximum=1) for _ in range(3)] == [[body]] * 3
    assert [made.bodies(maximum=1) for _ in range(9)] == [[body] for body in bodies] * 3


@pytest.mark.fact("message.delayed")
def test_delayed_message_is_not_in_flight(queue):
    made = queue()
    made.send(DelaySeconds=2)
    assert made.counters() == (0, 0, 1)
    made.receive_one(wait=10)
    assert made.counters() == (0, 1, 0)


@pytest.mark.fact("message.fair-queues")
def test_quiet_tenants_go_before_a_noisy_one(queue):
    """Fair queues: more than a tenth of what is in flight, and thirty messages, are noisy; what has
    no group never is; the noisy one gets what the others leave."""
    made = queue(VisibilityTimeout=600)
    for _ in range(4):
        entries = [
            {"Id": str(number), "MessageBody": "noisy", "MessageGroupId": "noisy"}
            for number in range(10)
        ]
        made.send_batch(entries)
    taken = 0
    while taken < 30:
        taken += len(made.receive(maximum=min(10, 30 - taken)))
    made.send("quiet", group="quiet")
    made.send("nobody")
    messages = made.receive(maximum=3)
    assert [message["Body"] for message in messages] == ["quiet", "nobody", "noisy"]
    assert messages[0]["Attributes"]["MessageGroupId"] == "quiet"
    assert "MessageGroupId" not in messages[1]["Attributes"]
