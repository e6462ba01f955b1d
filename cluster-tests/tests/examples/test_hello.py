"""examples/hello while nodes are killed: each message is received and deleted, or still there."""

import pytest

from squorum_tests import client
from squorum_tests.bulk import drain
from squorum_tests.programs import kills_in_turn, run_to_the_end, words
from squorum_tests.queue import Queue

pytestmark = pytest.mark.timeout(900)


def test_each_message_is_deleted_or_still_there(cluster, tmp_path):
    sent, deleted = set(), set()
    with kills_in_turn(cluster) as kills:
        for directory in kills.rounds(tmp_path):
            lines = run_to_the_end(cluster, directory, "hello/hello.py")
            sent |= {line[1] for line in words(lines, "sent")}
            received = [line[1] for line in words(lines, "received")]
            assert received == [line[1] for line in words(lines, "deleted")]
            deleted |= set(received)
    # Nodes that died took answers to receives with them: those messages come after their timeout.
    sqs = client.sqs_of_users(cluster.endpoints[0])
    queue = Queue(sqs, sqs.get_queue_url(QueueName="hello")["QueueUrl"])
    left = {message["MessageId"] for message in drain(cluster.endpoints[0], queue)}
    assert deleted, "no message was handled"
    assert sent <= deleted | left, "a message is lost"
    assert not deleted & left, "a message came after its delete"
