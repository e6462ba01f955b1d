"""A consumer that hangs up takes no message with it: closed sockets during a long poll, between the
assignment and the answer, and with an answer half sent."""

import threading
import time

import pytest

from squorum_tests import client
from squorum_tests.raw_http import RawConnection, request_bytes
from squorum_tests.size import size

# At once; in the short form, far less than the visibility timeout: what goes to a consumer that has
# hung up comes again after that, and counts.
HANDED_OVER_SECONDS_MAX = size(5.0, 0.2)
VISIBILITY_TIMEOUT_SECONDS = 30
SHORT_TIMEOUT_SECONDS = 3
HANG_UPS = size(50, 1000)
RACES = size(60, 1000)


@pytest.fixture
def timed_queue(queue):
    return queue(VisibilityTimeout=VISIBILITY_TIMEOUT_SECONDS).url


@pytest.fixture
def briefly_timed_queue(queue):
    """For what may be gone for a visibility timeout."""
    return queue(VisibilityTimeout=SHORT_TIMEOUT_SECONDS).url


def poll_bytes(url: str, wait_seconds: int = 20, messages: int = 10) -> bytes:
    payload = {
        "QueueUrl": url,
        "WaitTimeSeconds": wait_seconds,
        "MaxNumberOfMessages": messages,
        "MessageSystemAttributeNames": ["ApproximateReceiveCount"],
    }
    return request_bytes("ReceiveMessage", payload)


def assert_handed_over(message: dict, body: str, seconds: float) -> None:
    assert message["Body"] == body
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert seconds <= HANDED_OVER_SECONDS_MAX


def poll(node, url: str, **parameters) -> tuple[list[dict], float]:
    """Messages of a long poll, and when they came."""
    with RawConnection(node.port, timeout_seconds=30) as connection:
        connection.send(poll_bytes(url, **parameters))
        answer = connection.read_answer()
        assert answer.status == 200, answer
        return answer.json.get("Messages", []), time.monotonic()


@pytest.mark.parametrize("hang_ups", [1, 20])
def test_closed_long_poll_takes_nothing(node, sqs, timed_queue, hang_ups):
    closed = [RawConnection(node.port) for _ in range(hang_ups)]
    for connection in closed:
        connection.send(poll_bytes(timed_queue))
    time.sleep(0.3)
    for connection in closed:
        connection.close()

    sent = time.monotonic()
    sqs.send_message(QueueUrl=timed_queue, MessageBody="mine")
    (message,), received = poll(node, timed_queue)

    assert_handed_over(message, "mine", received - sent)


def test_waiting_consumer_gets_it_past_closed_ones(node, sqs, timed_queue):
    """The closed polls stand before the living one in the line of waiters."""
    closed = [RawConnection(node.port) for _ in range(5)]
    for connection in closed:
        connection.send(poll_bytes(timed_queue))
    time.sleep(0.2)
    found: list[tuple] = []
    living = threading.Thread(target=lambda: found.append(poll(node, timed_queue)), daemon=True)
    living.start()
    time.sleep(0.3)
    for connection in closed:
        connection.close()

    sent = time.monotonic()
    sqs.send_message(QueueUrl=timed_queue, MessageBody="mine")
    living.join(30)

    [((message,), received)] = found
    assert_handed_over(message, "mine", received - sent)


def test_fifo_group_is_free_after_a_hang_up(node, sqs, fifo):
    url = fifo(VisibilityTimeout=30).url
    with RawConnection(node.port) as connection:
        connection.send(poll_bytes(url))
        time.sleep(0.3)

    for number in range(3):
        sqs.send_message(
            QueueUrl=url,
            MessageBody=str(number),
            MessageGroupId="g",
            MessageDeduplicationId=str(number),
        )
    messages, _ = poll(node, url)

    assert [m["Body"] for m in messages] == ["0", "1", "2"]


def test_answer_that_was_not_taken_is_released(node, sqs, briefly_timed_queue):
    """Ten bodies of 100 KB fit into no socket buffer of a client that does not read: when it hangs
    up, most of the answer was never sent, so the messages go to the next consumer, uncounted."""
    bodies = {f"{number}" * 100_000 for number in range(10)}
    for body in bodies:
        sqs.send_message(QueueUrl=briefly_timed_queue, MessageBody=body)
    deaf = RawConnection(node.port, narrow=True)
    deaf.send(poll_bytes(briefly_timed_queue, wait_seconds=0))
    time.sleep(0.5)
    deaf.close()

    hung_up = time.monotonic()
    found: dict[str, dict] = {}
    while len(found) < len(bodies) and time.monotonic() < hung_up + 2:
        messages, received = poll(node, briefly_timed_queue, wait_seconds=1)
        found.update({m["Body"]: m for m in messages})

    assert found.keys() == bodies
    assert received - hung_up < SHORT_TIMEOUT_SECONDS - 1
    counts = {m["Attributes"]["ApproximateReceiveCount"] for m in found.values()}
    assert counts == {"1"}


def test_hang_up_just_before_the_send(node, timed_queue):
    """No time between the close and the send: the next consumer still has it at once."""
    sender, receiver = client.sqs(node.endpoint), client.sqs(node.endpoint)
    for number in range(HANG_UPS):
        with RawConnection(node.port) as connection:
            connection.send(poll_bytes(timed_queue))
            time.sleep(0.02)
        sent = time.monotonic()
        sender.send_message(QueueUrl=timed_queue, MessageBody=str(number))
        answer = receiver.receive_message(
            QueueUrl=timed_queue,
            WaitTimeSeconds=20,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        (message,) = answer["Messages"]
        assert_handed_over(message, str(number), time.monotonic() - sent)
        receiver.delete_message(QueueUrl=timed_queue, ReceiptHandle=message["ReceiptHandle"])


@pytest.mark.timeout(900)
def test_hang_up_racing_with_the_send_loses_nothing(node, briefly_timed_queue):
    """The socket closes at any moment around the assignment. Where the kernel took the whole answer
    before the close, the message may be gone for its visibility timeout, as it is for a consumer
    that dies after reading; but nothing is lost."""
    sender, receiver = client.sqs(node.endpoint), client.sqs(node.endpoint)
    expected = {str(number) for number in range(RACES)}
    found: set[str] = set()

    def consume(wait_seconds: int) -> None:
        answer = receiver.receive_message(
            QueueUrl=briefly_timed_queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
        )
        for message in answer.get("Messages", []):
            found.add(message["Body"])
            handle = message["ReceiptHandle"]
            receiver.delete_message(QueueUrl=briefly_timed_queue, ReceiptHandle=handle)

    for number in range(RACES):
        connection = RawConnection(node.port)
        connection.send(poll_bytes(briefly_timed_queue))
        time.sleep(0.005)
        closing = threading.Timer((number % 20) * 0.0003, connection.close)
        closing.start()
        sender.send_message(QueueUrl=briefly_timed_queue, MessageBody=str(number))
        closing.join()
        time.sleep(0.02)
        consume(wait_seconds=0)

    print(f"{len(found)} of {RACES} were handed over at once")
    began = time.monotonic()
    while found != expected:
        assert time.monotonic() - began < SHORT_TIMEOUT_SECONDS + 30, expected - found
        consume(wait_seconds=5)
