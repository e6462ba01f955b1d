"""Requests that no SDK makes: the answer is AWS's error, never a 5xx; memory stays bounded, and the
node goes on serving."""

import itertools
import json
import time

import pytest

from squorum_tests.raw_http import RawConnection, request_bytes
from squorum_tests.size import size

HEADER_DEADLINE_SECONDS = 30.0
# A server may read and throw away some of a body that is too long, so that its answer gets through.
DISCARDED_BYTES_MAX = 256 << 20
MEMORY_GROWTH_MAX = 64 << 20
IDLE_CONNECTIONS = 1000
IDLE_CONNECTION_BYTES_MAX = 32 << 10


def call(node, action, payload, **headers):
    with RawConnection(node.port) as connection:
        return connection.call(action, payload, **headers)


def assert_client_error(answer, error_type=None, query_code=None, message=None):
    assert 400 <= answer.status < 500, answer
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert answer.headers["x-amzn-requestid"]
    assert "#" in answer.json["__type"], "the shape comes with its namespace"
    if error_type is not None:
        assert answer.error_type == error_type
    if query_code is not None:
        assert answer.headers["x-amzn-query-error"] == f"{query_code};Sender"
    if message is not None:
        assert answer.json["message"] == message


@pytest.fixture
def grown(node):
    """By how many bytes the node's memory has grown since the test began."""
    before = node.resident_bytes()
    return lambda: node.resident_bytes() - before


@pytest.fixture(autouse=True)
def still_serves(node, queue, grown):
    """After every test: a send and a receive on the side, and bounded memory."""
    url = queue().url
    yield
    assert call(node, "SendMessage", {"QueueUrl": url, "MessageBody": "alive"}).status == 200
    received = call(node, "ReceiveMessage", {"QueueUrl": url})
    assert [m["Body"] for m in received.json["Messages"]] == ["alive"]
    assert grown() < MEMORY_GROWTH_MAX


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"[]",
        b'"text"',
        b"42",
        b"null",
        b'{"QueueName":"a",}',
        b'{"QueueName":"a"} trailing',
        b'{"QueueName":"\xff\xfe"}',
        b'{"QueueName":"a',
        b'{"QueueName":"\\ud800"}',
        b"[" * 100_000,
        b'{"Attributes":' * 50_000,
        b"\x00" * 1000,
        b"Action=CreateQueue&QueueName=x",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_malformed_json_is_a_client_error(node, body):
    assert_client_error(call(node, "CreateQueue", body))


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("CreateQueue", {"QueueName": ["a"]}),
        ("CreateQueue", {"QueueName": {"a": 1}}),
        ("CreateQueue", {"QueueName": "a", "Attributes": "text"}),
        ("CreateQueue", {"QueueName": "a", "Attributes": ["text"]}),
        ("CreateQueue", {"QueueName": "a", "Attributes": {"DelaySeconds": {"x": 1}}}),
        ("SendMessage", {"MessageBody": {"x": 1}}),
        ("SendMessage", {"MessageBody": "a", "DelaySeconds": "soon"}),
        ("SendMessage", {"MessageBody": "a", "DelaySeconds": 1e300}),
        ("SendMessage", {"MessageBody": "a", "MessageAttributes": []}),
        ("SendMessage", {"MessageBody": "a", "MessageAttributes": {"x": "y"}}),
        (
            "SendMessage",
            {
                "MessageBody": "a",
                "MessageAttributes": {"x": {"DataType": "Binary", "BinaryValue": "%%%"}},
            },
        ),
        ("SendMessageBatch", {"Entries": {"Id": "a"}}),
        ("SendMessageBatch", {"Entries": ["a"]}),
        ("ReceiveMessage", {"MaxNumberOfMessages": "many"}),
        ("ReceiveMessage", {"MaxNumberOfMessages": []}),
        ("ReceiveMessage", {"MessageAttributeNames": "All"}),
        ("ReceiveMessage", {"MaxNumberOfMessages": 99999999999999999999}),
        ("DeleteMessage", {"ReceiptHandle": 1}),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value)[:40],
)
def test_wrong_types_are_client_errors(node, queue, action, payload):
    if action != "CreateQueue":
        payload = {"QueueUrl": queue().url, **payload}
    assert_client_error(call(node, action, payload))


@pytest.mark.parametrize(
    "target",
    [
        "AmazonSQS.FooBar",
        "AmazonSQS.",
        "AmazonSQS",
        "Other.SendMessage",
        "",
        "sendmessage",
        "A" * 4000,
    ],
    ids=lambda target: target[:20] or "none",
)
def test_unknown_action(node, target):
    answer = call(node, "FooBar", {}, X_Amz_Target=target)
    assert 400 <= answer.status < 500
    if target == "AmazonSQS.FooBar":
        assert_client_error(answer)


def test_missing_parameter_names_it(node, queue):
    answer = call(node, "SendMessage", {"QueueUrl": queue().url})
    assert_client_error(
        answer,
        "MissingRequiredParameterException",
        "MissingParameter",
        "The request must contain the parameter MessageBody.",
    )


@pytest.mark.parametrize(
    "character", ["\x00", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff"], ids=ascii
)
def test_illegal_characters(node, queue, character):
    payload = {"QueueUrl": queue().url, "MessageBody": f"a{character}b"}
    assert_client_error(
        call(node, "SendMessage", payload), "InvalidMessageContents", "InvalidMessageContents"
    )


@pytest.mark.parametrize(
    "text", ["\t\n\r", "\u0085 \ud7ff", "\ue000\ufffd", "\U0001f600\U0010ffff"], ids=ascii
)
def test_legal_characters_come_back(node, queue, text):
    url = queue().url
    assert call(node, "SendMessage", {"QueueUrl": url, "MessageBody": text}).status == 200
    received = call(node, "ReceiveMessage", {"QueueUrl": url})
    assert received.json["Messages"][0]["Body"] == text


def test_methods_and_paths_that_are_no_call(node):
    """What names no action is nothing that is there, at queues' paths too."""
    methods = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "FOO")
    paths = (
        "/",
        "/a/b/c/d",
        "/000000000000/jobs",
        "/../..",
        "/%00",
        "/health/live",
        "/?Action=",
        "*",
    )
    for method, path in itertools.product(methods, paths):
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        with RawConnection(node.port) as connection:
            connection.send(request.encode())
            if method == "HEAD":
                # Its answer announces a body and has none.
                answered = connection.socket.recv(4096)
                assert answered.startswith(b"HTTP/1.1 404 "), (request, answered)
            else:
                answer = connection.read_answer()
                assert answer.status == 404, (request, answer)
                assert answer.body == b"<UnknownOperationException/>\n"


@pytest.mark.parametrize(
    "text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n" * 1000,
        b"GET\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: nonsense\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        b"POST / HTTP/1.1\r\nX: \x00\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
    ],
    ids=lambda text: repr(text[:45]),
)
def test_broken_http_is_refused_or_closed(node, text):
    with RawConnection(node.port) as connection:
        try:
            connection.send(text)
            # The client keeps its end open and waits: what ends the connection is the node.
            answered = connection.socket.recv(4096)
        except ConnectionError:
            answered = b""
        assert answered == b"" or answered.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), answered
        assert b" 500 " not in answered.split(b"\r\n")[0]


def test_body_that_is_too_long_gets_an_answer(node, queue):
    payload = {"QueueUrl": queue().url, "MessageBody": "x" * (8 << 20)}
    assert_client_error(call(node, "SendMessage", payload))


def test_endless_body_is_refused(node):
    """AWS's limit is 1 MiB a message; nobody may make the node buffer a gigabyte."""
    with RawConnection(node.port, timeout_seconds=20) as connection:
        head = request_bytes("SendMessage", b"", Content_Length=str(1 << 30))
        connection.send(head)
        sent = 0
        try:
            while sent < DISCARDED_BYTES_MAX:
                connection.socket.sendall(b"x" * 65536)
                sent += 65536
        except OSError:
            pass
        assert sent < DISCARDED_BYTES_MAX, "the node reads on and on"


def test_endless_chunked_body_is_refused(node):
    with RawConnection(node.port, timeout_seconds=20) as connection:
        head = request_bytes("SendMessage", b"", Content_Length="", Transfer_Encoding="chunked")
        connection.send(head)
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        sent = 0
        try:
            while sent < DISCARDED_BYTES_MAX:
                connection.socket.sendall(chunk)
                sent += 65536
        except OSError:
            pass
        assert sent < DISCARDED_BYTES_MAX, "the node reads on and on"


def test_many_oversized_bodies_at_once(node, grown):
    """Longer than a message may be, begun by many clients at once: memory grows by what came, not by
    what was announced."""
    connections = [RawConnection(node.port) for _ in range(200)]
    try:
        for connection in connections:
            connection.send(request_bytes("SendMessage", b"", Content_Length=str(1_500_000)))
            connection.socket.setblocking(False)
        payload = b"x" * 100_000
        for connection in connections:
            try:
                connection.socket.send(payload)
            except OSError:
                continue
        time.sleep(0.5)
        assert grown() < MEMORY_GROWTH_MAX
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.parametrize(
    "text",
    [b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nX-Sl"],
    ids=["line", "head"],
)
def test_half_open_head_is_closed(node, text):
    with RawConnection(node.port) as connection:
        connection.send(text)
        assert connection.is_closed_within(HEADER_DEADLINE_SECONDS)


@pytest.mark.timeout(200)
def test_half_open_body_is_closed(node):
    with RawConnection(node.port) as connection:
        connection.send(request_bytes("SendMessage", b"", Content_Length="1000") + b'{"Queue')
        assert connection.is_closed_within(60)


@pytest.mark.timeout(200)
def test_slow_clients_do_not_disturb_others(node, queue):
    """Two hundred clients that send a byte now and then; a good client notices nothing."""
    url = queue().url
    request = request_bytes("SendMessage", {"QueueUrl": url, "MessageBody": "slow"})
    slow = [RawConnection(node.port) for _ in range(200)]
    try:
        for position in range(20):
            for connection in slow:
                try:
                    connection.send(request[position : position + 1])
                except OSError:
                    continue
            began = time.monotonic()
            answer = call(node, "SendMessage", {"QueueUrl": url, "MessageBody": "quick"})
            assert answer.status == 200
            # Had it waited for them, then until the node gives them up after five seconds.
            assert time.monotonic() - began < size(4, 1)
            time.sleep(0.05)
    finally:
        for connection in slow:
            connection.close()


def test_pipelined_and_keep_alive_requests_are_answered_in_order(node, queue):
    url = queue().url
    with RawConnection(node.port) as connection:
        for number in range(5):
            body = {"QueueUrl": url, "MessageBody": f"{number}"}
            connection.send(request_bytes("SendMessage", body))
        for _ in range(5):
            assert connection.read_answer().status == 200
        connection.send(request_bytes("Nothing", {}))
        assert connection.read_answer().status == 400
        assert connection.call("ReceiveMessage", {"QueueUrl": url}).status == 200


def test_idle_connections_are_many(node, grown):
    """A thousand idle connections cost little while they are there."""
    connections = [RawConnection(node.port) for _ in range(IDLE_CONNECTIONS)]
    try:
        # Connections are accepted in turn, so all others are there too.
        assert connections[-1].call("ListQueues", {}).status == 200
        assert grown() < IDLE_CONNECTIONS * IDLE_CONNECTION_BYTES_MAX
    finally:
        for connection in connections:
            connection.close()
