"""The tour of SQS that programs in clients/ make, each with the client of its language: what every
one of them must have seen. They print it as one JSON object.

    sent, received, deleted       ids of batches, bodies with their attributes
    counters, counters_…          visible, in flight, delayed
    errors                        the code by which this client's users know an error
    fifo_…                        the same of a FIFO queue, bodies by group
"""

import json

from squorum_tests import client

BODY = 'grüße ✓ <&> "quoted"\r\nsecond line'
NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
EXPECTED = {
    "tags": {"team": "a b"},
    "sent": ["a", "b"],
    "not_sent": {"late": "InvalidParameterValue"},
    "counters": ["3", "0", "0"],
    "received": {
        BODY: {
            "blob": ["Binary", "000102ff"],
            "colour": ["String", "blue"],
            "count": ["Number.int", "3"],
        },
        "first of the batch": {},
        "second of the batch": {},
    },
    "counters_received": ["0", "3", "0"],
    "received_again": True,
    "receive_count": "2",
    "changed": ["0", "1"],
    "deleted": ["0", "1"],
    "not_deleted": {"bad": "ReceiptHandleIsInvalid"},
    "left": 0,
    "waited": True,
    "counters_purged": ["0", "0", "0"],
    "attributes": {"VisibilityTimeout": "45"},
    "fifo_rising": True,
    "fifo_duplicate": True,
    "fifo": {"x": ["one", "two"], "y": ["other"]},
    "fifo_deleted": 3,
    "errors": {
        "missing": NO_QUEUE,
        "delay": "InvalidParameterValue",
        "handle": "ReceiptHandleIsInvalid",
        "deleted": NO_QUEUE,
    },
}


def judge(printed: str, endpoint: str, name: str, without: tuple[str, ...] = ()) -> None:
    """`without` names what a client is too old to know. Nothing else may be missing or more."""
    saw = json.loads(printed)
    print(saw.pop("client"))
    expected = {key: value for key, value in EXPECTED.items() if key not in without}
    expected["urls"] = [f"{endpoint}/{client.ACCOUNT}/{name}"]
    assert saw == expected
