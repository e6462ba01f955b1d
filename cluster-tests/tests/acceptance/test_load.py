"""Many connections at once, by `squorum bench`: every message exactly once, FIFO groups in order."""

import pytest

from squorum_tests.load import load
from squorum_tests.size import size

SECONDS = size(3, 60)
ACCOUNTS = ("lost", "duplicates", "disordered", "damaged", "foreign", "errors")


@pytest.mark.one_protocol
@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize(
    ("suffix", "mode", "options"),
    [
        ("", "pipeline", {}),
        (".fifo", "fifo", {"groups": 7}),
        (".fifo", "fifo", {"groups": 500}),
        (".fifo", "fifo", {"groups": 500, "high_throughput": None}),
    ],
    ids=["standard", "few groups", "many groups", "high throughput"],
)
def test_every_message_arrives_once(node, unique, suffix, mode, options, batch):
    report = load(mode, node, unique(suffix), batch=batch, duration=SECONDS, **options)
    print(f"{report['messages_per_second']:.0f} messages/s")
    assert {name: report[name] for name in ACCOUNTS} == dict.fromkeys(ACCOUNTS, 0), report
    assert report["deleted"] == report["received"] == report["sent"] > 0
