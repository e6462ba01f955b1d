"""What a restart keeps, and that a data directory has one owner."""

import subprocess
import time

import pytest

from squorum_tests import client
from squorum_tests.machine import start_bar
from squorum_tests.node import free_port
from squorum_tests.promptness import assert_prompt, best_of_three


def sqs_of(node):
    return client.sqs(node.endpoint)


def receive(sqs, url, **parameters):
    parameters.setdefault("MaxNumberOfMessages", 10)
    return sqs.receive_message(QueueUrl=url, **parameters).get("Messages", [])


@pytest.fixture(params=["SIGKILL", "SIGTERM"])
def restart(request, own_node):
    """Restarts the node, which may be down for a while, and gives a new client."""

    def again(down_seconds: float = 0.0):
        if request.param == "SIGKILL":
            own_node.kill()
        else:
            assert own_node.stop() == 0
        time.sleep(down_seconds)
        bar = start_bar(2.0, own_node.directory)
        assert own_node.start() <= bar
        return sqs_of(own_node)

    return again


def test_queues_messages_and_flights_survive(own_node, restart):
    sqs = sqs_of(own_node)
    url = sqs.create_queue(QueueName="kept", Attributes={"VisibilityTimeout": "41"})["QueueUrl"]
    sqs.create_queue(QueueName="dropped")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="dropped")["QueueUrl"])
    for body in ("flying", "deleted", "waiting"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=600)
    taken = {m["Body"]: m for m in receive(sqs, url, MaxNumberOfMessages=10)}
    for body in ("deleted", "waiting"):
        handle = taken[body]["ReceiptHandle"]
        if body == "deleted":
            sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
        else:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)

    sqs = restart()

    assert [u.rsplit("/", 1)[1] for u in sqs.list_queues()["QueueUrls"]] == ["kept"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "41"
    assert attributes["ApproximateNumberOfMessages"] == "1"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "1"
    (waiting,) = receive(sqs, url, MessageSystemAttributeNames=["ApproximateReceiveCount"])
    assert waiting["Body"] == "waiting"
    assert waiting["MessageId"] == taken["waiting"]["MessageId"]
    assert waiting["Attributes"]["ApproximateReceiveCount"] == "2"
    # A handle from before the restart is as good as ever.
    sqs.delete_message(QueueUrl=url, ReceiptHandle=taken["flying"]["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=waiting["ReceiptHandle"])
    counters = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counters["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_visibility_timeout_goes_on_while_the_node_is_down(own_node, restart):
    sqs = sqs_of(own_node)
    url = sqs.create_queue(QueueName="timed", Attributes={"VisibilityTimeout": "15"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="one")
    received = time.monotonic()
    assert len(receive(sqs, url)) == 1

    sqs = restart(down_seconds=8.0)

    assert time.monotonic() - received < 14.9, "too slow to tell anything"
    assert len(receive(sqs, url, WaitTimeSeconds=20)) == 1
    # Had it stood still, or begun again, it would have ended after 23 seconds or more.
    assert 14.9 <= time.monotonic() - received <= 20


def test_deduplication_and_order_survive(own_node, restart):
    sqs = sqs_of(own_node)
    attributes = {"FifoQueue": "true", "VisibilityTimeout": "60"}
    url = sqs.create_queue(QueueName="kept.fifo", Attributes=attributes)["QueueUrl"]

    def send(sqs, body, group, deduplication_id):
        return sqs.send_message(
            QueueUrl=url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=deduplication_id,
        )

    first = send(sqs, "a1", "a", "one")
    send(sqs, "b1", "b", "two")
    send(sqs, "a2", "a", "three")
    (locked,) = receive(sqs, url, MaxNumberOfMessages=1)
    assert locked["Body"] == "a1"

    sqs = restart()

    again = send(sqs, "other body", "a", "one")
    assert again["MessageId"] == first["MessageId"]
    assert again["SequenceNumber"] == first["SequenceNumber"]
    # The group stays locked, other groups are free.
    assert [m["Body"] for m in receive(sqs, url)] == ["b1"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=locked["ReceiptHandle"])
    assert [m["Body"] for m in receive(sqs, url)] == ["a2"]
    later = send(sqs, "a3", "a", "four")
    assert int(later["SequenceNumber"]) > int(first["SequenceNumber"])


@best_of_three
def test_restart_is_quick_when_idle(own_node):
    assert own_node.stop() == 0
    bar = start_bar(1.0, own_node.directory)
    assert_prompt(own_node.start(), bar)


def test_second_process_on_the_data_directory_is_refused(own_node):
    sqs = sqs_of(own_node)
    url = sqs.create_queue(QueueName="mine")["QueueUrl"]
    command = own_node.command()
    command[command.index("--listen") + 1] = f"127.0.0.1:{free_port()}"
    command[command.index("--admin-listen") + 1] = f"127.0.0.1:{free_port()}"

    second = subprocess.run(
        command, capture_output=True, text=True, timeout=20, cwd=own_node.directory
    )

    assert second.returncode not in (0, -6), "refused, and not by a panic"
    assert "in use by another process" in second.stdout + second.stderr
    assert "panicked" not in second.stdout + second.stderr
    sqs.send_message(QueueUrl=url, MessageBody="undisturbed")
    assert len(receive(sqs, url)) == 1
