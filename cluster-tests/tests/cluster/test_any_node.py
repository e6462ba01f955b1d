"""Any node answers any request, at once: what one node was told, every other node knows."""

import itertools
import threading
import time

import pytest
from botocore.exceptions import ClientError

from squorum_tests import client
from squorum_tests.queue import Queue, refused
from squorum_tests.size import size

PAIRS = list(itertools.permutations(range(3), 2))
QUEUES = size(20, 300)
BODY_BYTES_MAX = 1 << 20


@pytest.fixture
def on(cluster):
    """Makes a queue, by name, as one node sees it."""

    def make(index: int, name: str) -> Queue:
        endpoint = cluster.endpoints[index]
        return Queue(client.sqs(endpoint), f"{endpoint}/{client.ACCOUNT}/{name}")

    return make


def test_life_of_a_queue_over_all_nodes(on):
    for standard, number in itertools.product((True, False), range(3)):
        name = f"life{number}" + ("" if standard else ".fifo")
        one, two, three = (on((number + offset) % 3, name) for offset in range(3))
        more = {} if standard else {"group": "g", "id": "1"}
        attributes = {} if standard else {"FifoQueue": "true"}

        one.sqs.create_queue(QueueName=name, Attributes=attributes)
        assert two.attributes()["QueueArn"].endswith(name)
        assert three.sqs.get_queue_url(QueueName=name)["QueueUrl"] == three.url
        assert two.url in two.sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]

        sent = two.send("body", **more)
        message = three.receive_one()
        assert message["MessageId"] == sent["MessageId"]
        assert [queue.counters() for queue in (one, two, three)] == [(0, 1, 0)] * 3
        one.change(message, 0)
        message = two.receive_one()
        three.delete(message)
        assert [queue.counters() for queue in (one, two, three)] == [(0, 0, 0)] * 3

        three.set(VisibilityTimeout=77)
        for queue in (one, two, three):
            assert queue.attributes()["VisibilityTimeout"] == "77"

        one.send("purged", **(more | {"id": "2"} if more else {}))
        two.purge()
        assert [queue.counters() for queue in (one, two, three)] == [(0, 0, 0)] * 3
        assert three.receive() == []

        two.delete_queue()
        for queue in (one, two, three):
            with refused("AWS.SimpleQueueService.NonExistentQueue"):
                queue.send("body", **more)


def test_first_use_of_a_node_opens_its_sessions(cluster, on):
    """Nothing has expired then, and nothing has to be submitted again."""
    on(0, "first-use").sqs.create_queue(QueueName="first-use")
    for index in range(3):
        for body in range(30):
            on(index, "first-use").send(str(body))
    assert [node.metric("squorum_sessions_reopened") for node in cluster.nodes] == [0, 0, 0]


def test_batches(on):
    for maker, (sender, receiver) in enumerate(PAIRS):
        name = f"batch{maker}.fifo" if maker % 2 else f"batch{maker}"
        fifo = name.endswith(".fifo")
        on(maker % 3, name).sqs.create_queue(
            QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {}
        )
        entries = [{"Id": str(n), "MessageBody": f"{n}"} for n in range(10)]
        if fifo:
            for entry in entries:
                entry |= {"MessageGroupId": "g", "MessageDeduplicationId": entry["Id"]}
        assert len(on(sender, name).send_batch(entries)["Successful"]) == 10

        queue = on(receiver, name)
        found = []
        while len(found) < 10:
            messages = queue.receive(wait=5)
            assert messages, f"only {len(found)} of 10 came"
            found += [message["Body"] for message in messages]
            handles = [
                {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
                for n, message in enumerate(messages)
            ]
            answer = on(sender, name).sqs.delete_message_batch(QueueUrl=queue.url, Entries=handles)
            assert "Failed" not in answer
        expected = [str(n) for n in range(10)]
        assert (found if fifo else sorted(found)) == expected
        assert queue.counters() == (0, 0, 0)


def test_new_queue_is_usable_everywhere_at_once(on):
    """No pause between the answer and its use elsewhere; and a deleted one is gone at once."""
    for number in range(QUEUES):
        maker, user = PAIRS[number % len(PAIRS)]
        queue_name = f"new{number}"
        on(maker, queue_name).sqs.create_queue(QueueName=queue_name)
        on(user, queue_name).send("body")
        on(user, queue_name).delete_queue()
        with pytest.raises(ClientError):
            on(maker, queue_name).send("body")


def test_largest_messages(on):
    """A message, and a batch, as large as SQS allows, through nodes that do not keep it."""
    on(0, "large").sqs.create_queue(QueueName="large")
    for sender, receiver in PAIRS:
        body = str(sender) * BODY_BYTES_MAX
        on(sender, "large").send(body)
        message = on(receiver, "large").receive_one()
        assert message["Body"] == body
        on(sender, "large").delete(message)
        part = str(receiver) * (BODY_BYTES_MAX // 10)
        entries = [{"Id": str(n), "MessageBody": part} for n in range(10)]
        assert len(on(sender, "large").send_batch(entries)["Successful"]) == 10
        queue = on(receiver, "large")
        count = 0
        while count < 10:
            messages = queue.receive(wait=5)
            assert messages, f"only {count} of 10 came"
            for message in messages:
                assert message["Body"] == part
                queue.delete(message)
            count += len(messages)


def test_long_poll_is_woken_through_any_pair(on):
    """A poll through one node gets what another node sends, without waiting for its end."""
    on(0, "polled").sqs.create_queue(QueueName="polled")
    for poller, sender in PAIRS:
        found: list[tuple] = []
        queue = on(poller, "polled")
        polling = threading.Thread(
            target=lambda queue=queue, found=found: found.append(
                (queue.bodies(wait=10), time.monotonic())
            )
        )
        polling.start()
        time.sleep(0.5)
        sent = time.monotonic()
        on(sender, "polled").send(f"{sender} to {poller}")
        polling.join()
        bodies, received = found[0]
        assert bodies == [f"{sender} to {poller}"]
        assert received - sent < 2.0
