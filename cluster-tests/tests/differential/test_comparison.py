"""The comparison with other servers finds what differs, and nothing else."""

import pytest

from squorum_tests.differential import comparison, peers, verdicts
from squorum_tests.differential.outcome import masked


def compare(ours: dict, theirs: dict) -> dict[str, str]:
    return comparison.compared({"step": ours}, {"step": theirs})


def test_ids_times_hosts_and_accounts_do_not_differ():
    ours = {
        "QueueUrl": "http://127.0.0.1:9324/000000000000/story-0123456789ab-1",
        "MessageId": "a",
        "text": "Value AQEB/xx== is invalid",
    }
    theirs = {
        "QueueUrl": "http://localhost:5000/123456789012/story-987654321098-7",
        "MessageId": "b",
        "text": "Value 1234/yy== is invalid",
    }
    handles = ("AQEB/xx==" + "=" * 40, "1234/yy==" + "=" * 40)
    one, other = (
        masked({**answer, "text": f"Value {handle} is invalid"}, {"ReceiptHandle": handle})
        for answer, handle in zip((ours, theirs), handles, strict=True)
    )
    assert compare(one, other) == {}
    assert compare({"queueUrls": []}, {}) == {}


@pytest.mark.parametrize(
    ("ours", "theirs", "text"),
    [
        ({"refused": "X", "text": "a"}, {}, "not refused"),
        ({}, {"refused": "X", "text": "a"}, "refused: X: a"),
        ({"refused": "X", "text": "a"}, {"refused": "X", "text": "b"}, "text: b"),
        ({"seen": []}, {"seen": ["a"]}, 'seen: ["a"]'),
        ({"seen": ["a"]}, {"seen": []}, "seen: []"),
        ({"Attributes": {"a": "1"}}, {"Attributes": {}}, "Attributes.a: absent"),
        ({}, {"broken": 500}, "no answer of SQS (500)"),
    ],
)
def test_differences_are_told(ours, theirs, text):
    assert compare(ours, theirs) == {"step": text}


def test_a_new_difference_has_no_verdict():
    step, row = next((step, row) for step, row in verdicts.read().items() if "moto" in row)
    assert verdicts.without_verdict("moto", {step: row["moto"]}) == {}
    for found in ({step: row["moto"] + "!"}, {"a new step": "not refused"}):
        assert verdicts.without_verdict("moto", found) == found


@pytest.mark.skipif(not peers.is_installed("moto"), reason="`make compare-servers` installs it")
def test_what_differs_at_moto_is_known(node, tmp_path):
    ours = comparison.told(node.endpoint)
    with peers.running("moto", tmp_path) as endpoint:
        theirs = comparison.told(endpoint)
    found = comparison.compared(ours, theirs)
    assert verdicts.without_verdict("moto", found) == {}
    assert len(ours) > 300
