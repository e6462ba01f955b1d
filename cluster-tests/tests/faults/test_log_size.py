"""The log keeps what it is told to, also where most groups write next to nothing: a node's own group,
and the shards that no queue has a partition on, have a few entries at the log's very beginning."""

import pytest

from squorum_tests import client
from squorum_tests.queue import Queue

MIB = 1 << 20
RETENTION_MIB, CHECKPOINT_MIB, SEGMENT_MIB = 32, 16, 64
SENT_MIB = 400
# Beside what is kept and what came since the last checkpoint, which may be under way: the segment in
# which that begins, the one that is written to, and two for a disk that takes its time.
LOG_MIB_MAX = RETENTION_MIB + 2 * CHECKPOINT_MIB + 4 * SEGMENT_MIB


@pytest.mark.timeout(900)
def test_quiet_groups_do_not_hold_up_the_log(make_node):
    arguments = ("--log-retention-mib", str(RETENTION_MIB), "--checkpoint-mib", str(CHECKPOINT_MIB))
    node = make_node(arguments=arguments)
    node.start()
    sqs = client.sqs(node.endpoint)
    queue = Queue(sqs, sqs.create_queue(QueueName="busy")["QueueUrl"])
    sizes = []
    for _ in range(SENT_MIB):
        queue.send("x" * MIB)
        for message in queue.receive():
            queue.delete(message)
        sizes.append(node.metric("squorum_log_disk_bytes") / MIB)
    print("MiB of log:", max(sizes))
    assert max(sizes) <= LOG_MIB_MAX, sizes[:: SENT_MIB // 20]
    # What is left is there after a restart.
    queue.send("one more")
    node.kill()
    node.start()
    assert queue.bodies(wait=5) == ["one more"]
