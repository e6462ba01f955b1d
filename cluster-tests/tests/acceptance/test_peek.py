"""Looks at messages on the admin port and by `squorum queue peek`: every state, page by page, filtered;
and nothing of a queue changes by it."""

import base64
import json
import os
import subprocess
import time
import urllib.parse

import pytest

from squorum_tests import client
from squorum_tests.bulk import send_all
from squorum_tests.node import binary
from squorum_tests.queue import Queue

pytestmark = pytest.mark.one_protocol

MESSAGES = 1_200
PAGE = 100
PAGES_MAX = 1_000
KIND = {"kind": {"DataType": "String", "StringValue": "order"}}
SEAL = {"seal": {"DataType": "Binary", "BinaryValue": b"\xff\x00"}}


@pytest.fixture
def look(node):
    """Answers what `GET /queues/…/messages` does, as status and JSON or text."""

    def get(name: str, account: str = client.ACCOUNT, **parameters) -> tuple[int, dict | str]:
        query = urllib.parse.urlencode({key.replace("__", "."): v for key, v in parameters.items()})
        path = f"/queues/{account}/{name}/messages?{query}"
        status, text = node.admin_get(path, timeout_seconds=30)
        return status, json.loads(text) if status == 200 else text.strip()

    return get


@pytest.fixture
def found(look):
    """All messages of a state, page by page, each page within its limit."""

    def gather(name: str, limit: int = PAGE, **parameters) -> list[dict]:
        messages: list[dict] = []
        token: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            status, answer = look(name, limit=limit, **token, **parameters)
            assert status == 200, answer
            assert len(answer["messages"]) <= limit
            messages += answer["messages"]
            if answer["next_token"] is None:
                return messages
            token = {"token": answer["next_token"]}
        raise AssertionError("the pages do not end")

    return gather


def bodies(messages: list[dict]) -> list[str]:
    return [message["Body"] for message in messages]


def squorum(node, *arguments: str) -> subprocess.CompletedProcess:
    place = node.place
    return subprocess.run(
        [str(binary("squorum", "SQUORUM_BINARY")), "queue", "peek", *arguments],
        env={**os.environ, "SQUORUM_ADMIN": f"http://{place.host}:{place.admin_port}"},
        capture_output=True,
        text=True,
        timeout=90,
    )


def test_shows_what_a_receive_would_and_leaves_it_to_that(queue, found):
    made = queue(VisibilityTimeout=600)
    sent = made.send("hello ü", MessageAttributes={**KIND, **SEAL}, MessageGroupId="tenant")
    for _ in range(3):
        (seen,) = found(made.name)

    assert made.counters() == (1, 0, 0)
    received = made.receive_one()
    assert received["Attributes"]["ApproximateReceiveCount"] == "1"
    assert (seen["MessageId"], seen["Body"]) == (sent["MessageId"], "hello ü")
    assert seen["MD5OfBody"] == received["MD5OfBody"]
    count, first = "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"
    expected = {**received["Attributes"], count: "0"}
    del expected[first]
    assert seen["Attributes"] == expected
    assert seen["MessageAttributes"] == {
        "kind": {"DataType": "String", "StringValue": "order"},
        "seal": {"DataType": "Binary", "BinaryValue": base64.b64encode(b"\xff\x00").decode()},
    }
    assert "VisibleAt" not in seen


def test_every_state(queue, found):
    made = queue(VisibilityTimeout=600)
    made.send("later", DelaySeconds=600)
    made.send("taken")
    began = time.time()
    taken = made.receive_one()
    made.send("free")
    before = made.counters()

    assert bodies(found(made.name)) == ["free"]
    (in_flight,) = found(made.name, state="in-flight")
    assert in_flight["Body"] == "taken"
    assert in_flight["Attributes"] == taken["Attributes"]
    # A time of the node is whole milliseconds.
    assert int(began * 1000) <= in_flight["VisibleAt"] - 600_000 <= time.time() * 1000
    (delayed,) = found(made.name, state="delayed")
    assert delayed["Body"] == "later"
    sent_at = int(delayed["Attributes"]["SentTimestamp"])
    assert delayed["VisibleAt"] == sent_at + 600_000
    assert made.counters() == before == (1, 1, 1)


def test_a_look_ends_no_visibility_timeout_and_begins_none(queue, found):
    made = queue(VisibilityTimeout=2)
    made.send("a")
    began = time.monotonic()
    first = made.receive_one()
    while found(made.name, state="in-flight"):
        assert time.monotonic() - began < 10
    assert time.monotonic() - began >= 2
    assert bodies(found(made.name)) == ["a"]
    second = made.receive_one(wait=0)
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert second["ReceiptHandle"] != first["ReceiptHandle"]


def test_a_fifo_queues_order_is_that_of_its_groups(fifo, found):
    made = fifo(VisibilityTimeout=600)
    expected = [f"{number:02}" for number in range(20)]
    for body in expected:
        made.send(body, group=f"g{int(body) % 2}", id=body)
    made.receive(maximum=3)

    visible, in_flight = found(made.name, limit=3), found(made.name, state="in-flight")
    assert sorted(bodies(visible) + bodies(in_flight)) == expected
    assert bodies(visible) == sorted(bodies(visible))
    numbers = [int(message["Attributes"]["SequenceNumber"]) for message in visible]
    assert numbers == sorted(numbers)
    assert made.counters() == (17, 3, 0)
    # The lock holds: what follows in the other group comes next, in its order.
    again = made.receive(maximum=10)
    groups = {message["Attributes"]["MessageGroupId"] for message in again}
    assert len(groups) <= 1
    assert [m["Body"] for m in again] == sorted(m["Body"] for m in again)


@pytest.mark.timeout(300)
def test_pages_over_all_partitions_show_each_message_once(make_cluster):
    cluster = make_cluster()
    cluster.start()
    cluster.wait_until_well()
    sqs = client.sqs_of_users(cluster.endpoints[0])
    sqs.create_queue(QueueName="paged")
    # Each node's clients fill the partition that it leads.
    for part, endpoint in enumerate(cluster.endpoints):
        other = client.sqs_of_users(endpoint)
        url = other.get_queue_url(QueueName="paged")["QueueUrl"]
        tags = [f"m{n}" for n in range(part, MESSAGES, len(cluster.endpoints))]
        send_all(endpoint, Queue(other, url), tags)

    for node in cluster.nodes:
        found, partitions, token = [], set(), ""
        while token is not None:
            query = f"limit={PAGE}" + (f"&token={token}" if token else "")
            path = f"/queues/{client.ACCOUNT}/paged/messages?{query}"
            status, text = node.admin_get(path, timeout_seconds=30)
            assert status == 200, text
            answer = json.loads(text)
            found += [message["Body"].split("|", 1)[0] for message in answer["messages"]]
            partitions |= {message["Partition"] for message in answer["messages"]}
            token = answer["next_token"]
        assert sorted(found) == sorted(f"m{n}" for n in range(MESSAGES))
        assert len(partitions) > 1
    shown = cluster.command(1, "queue", "peek", "paged", "--limit", "1000", "-o", "json")
    assert shown.returncode == 0, shown.stderr
    assert len(json.loads(shown.stdout)["messages"]) == 1000


def test_filters(queue, found):
    made = queue()
    for number in range(30):
        kind = "order" if number % 3 == 0 else "bill"
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        made.send(f"number {number:02} häßlich", MessageAttributes=attributes)
    orders = [f"number {number:02} häßlich" for number in range(0, 30, 3)]

    assert bodies(found(made.name, attribute__kind="order")) == orders
    assert bodies(found(made.name, limit=4, attribute__kind="order")) == orders
    assert bodies(found(made.name, body="r 27 hä")) == ["number 27 häßlich"]
    assert found(made.name, body="r 28", attribute__kind="order") == []
    assert bodies(found(made.name, body="number 0", attribute__kind="order")) == orders[:4]
    assert len(found(made.name, attribute__ApproximateReceiveCount="0")) == 30
    assert found(made.name, attribute__kind="ORDER") == []
    assert found(made.name, attribute__none="") == []


def test_what_cannot_be_shown(queue, fifo, look):
    made, other = queue(), fifo()
    for body in "ab":
        made.send(body)
    assert look("nowhere") == (404, "the queue does not exist")
    assert look(made.name, account="123456789012") == (404, "the queue does not exist")
    assert look(made.name, region="eu-west-1") == (404, "the queue does not exist")
    for wrong in (
        {"state": "gone"},
        {"limit": 0},
        {"limit": 1001},
        {"token": "x"},
        {"colour": "red"},
    ):
        assert look(made.name, **wrong)[0] == 400, wrong
    token = look(made.name, limit=1)[1]["next_token"]
    assert look(made.name, token=token)[0] == 200
    for name, more in ((other.name, {}), (made.name, {"state": "delayed"})):
        assert look(name, token=token, **more) == (400, "the token is none of this queue and state")


def test_a_queue_that_is_gone_is_not_shown(queue, look):
    made = queue()
    made.send()
    token = look(made.name, limit=1)[1]["next_token"]
    made.delete_queue()
    assert look(made.name, **({"token": token} if token else {}))[0] == 404


def test_the_command_shows_tables_and_json(queue, node):
    made = queue()
    made.send("first\nline", MessageAttributes=KIND)
    for number in range(11):
        made.send(f"other {number}")

    table = squorum(node, made.name)
    assert (table.returncode, table.stderr) == (0, "")
    lines = table.stdout.splitlines()
    assert lines[0].split() == ["MESSAGE", "SENT", "RECEIVES", "GROUP", "VISIBLE", "BODY"]
    assert lines[1].endswith(r"first\nline")
    assert len(lines) == 12
    token = lines[-1].removeprefix("There may be more: --token ")
    rest = squorum(node, made.name, "--token", token, "-o", "json")
    assert [m["Body"] for m in json.loads(rest.stdout)["messages"]] == ["other 9", "other 10"]

    chosen = squorum(node, made.name, "--attribute", "kind=order", "-o", "json")
    (message,) = json.loads(chosen.stdout)["messages"]
    assert message["Body"] == "first\nline"
    by_body = squorum(node, made.name, "--body", "other 7", "-o", "json")
    assert [m["Body"] for m in json.loads(by_body.stdout)["messages"]] == ["other 7"]
    delayed = squorum(node, made.name, "--state", "delayed")
    assert delayed.stdout.startswith("No messages among 0 ")
    missing = squorum(node, "nowhere")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == "squorum: the queue does not exist\n"
    assert made.counters() == (12, 0, 0)
