"""The wait loops of Terraform's AWS provider, by boto3: what was set reads back equal at once and stays
so, what was deleted is gone at once and stays so."""

import json
import sys

from squorum_tests import clients
from squorum_tests.size import size

EQUAL_READS, MISSING_READS = 6, 15


def test_wait_loops(node, unique):
    faster = size(100, 1)
    command = [sys.executable, "resource.py", unique(), str(faster)]
    printed = clients.run(command, node.endpoint, clients.PROGRAMS / "terraform")
    # The queue is also changed once.
    assert json.loads(printed)["reads"] == {
        ".fifo": EQUAL_READS + MISSING_READS,
        "": 2 * EQUAL_READS + MISSING_READS,
        "-dead": EQUAL_READS + MISSING_READS,
    }
