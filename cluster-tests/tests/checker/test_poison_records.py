"""The judge of dead letters finds what it is for."""

import pytest

from squorum_tests.dead_letters import arn
from squorum_tests.poison_records import Records, judge


def message(tag: str, id: str, count: int = 3, source: str = "q") -> dict:
    attributes = {"ApproximateReceiveCount": str(count), "DeadLetterQueueSourceArn": arn(source)}
    return {"Body": f"{tag}|filler", "MessageId": id, "Attributes": attributes}


def good(source: str = "q") -> tuple[Records, list[dict]]:
    """One poison message that is dead and another that was deleted, of two receives at most."""
    records = Records(source, ["poison-0", "sound-1"])
    for tag, id, receives in (("poison-0", "p", 2), ("sound-1", "s", 1)):
        records.ids[tag].add(id)
        for receive in range(receives):
            records.note_received(message(tag, id), receive)
    records.delete_tried.add("s")
    records.deleted_at["s"] = 10.0
    return records, [message("poison-0", "p", source=source)]


def test_good_is_clean():
    records, dead = good()
    found = judge(records, dead, receives_max=2)
    assert records.violations == []
    assert (found["poison"], found["poison_dead"], found["sound_dead"], found["lost"]) == (
        1,
        1,
        0,
        0,
    )


def test_what_was_never_deleted_may_be_dead():
    """Receives whose answer nobody saw count too."""
    records, dead = good()
    records.deleted_at.clear()
    found = judge(records, [*dead, message("sound-1", "s")], receives_max=2)
    assert records.violations == []
    assert (found["sound_dead"], found["receives_not_seen"]) == (1, 1)


def doubled_by_a_retry(records: Records) -> None:
    records.ids["sound-1"].add("s2")
    records.delete_tried.add("s2")
    records.sent_again.add("sound-1")


def test_a_repeated_send_may_double_in_a_standard_queue_only():
    for source, violations in (("q", 0), ("q.fifo", 1)):
        records, dead = good(source)
        doubled_by_a_retry(records)
        assert judge(records, dead, receives_max=2)["violations"] == violations


DEAD = message("poison-0", "p")


@pytest.mark.parametrize(
    ("dead", "text"),
    [
        ([], "poison-0 p is nowhere"),
        ([DEAD, DEAD], "p is 2 times"),
        ([DEAD, message("sound-1", "s")], "was deleted and is a dead letter"),
        ([DEAD, message("poison-0", "other")], "has the message ids ['other', 'p']"),
        ([DEAD, message("poison-9", "x")], "was never sent"),
        ([message("poison-0", "p", count=2)], "has left after 1 receives"),
        ([message("poison-0", "p", source="other")], "came from"),
    ],
)
def test_wrong_dead_letters_are_found(dead, text):
    records, _ = good()
    judge(records, dead, receives_max=2)
    assert any(text in violation for violation in records.violations), records.violations


def test_lost_and_resurrected_are_found():
    records, dead = good()
    records.note_received(message("sound-1", "s"), 11.0)
    records.delete_tried.clear()
    found = judge(records, dead, receives_max=2)
    assert found["lost"] == 1
    texts = " ".join(records.violations)
    assert "received after its delete" in texts
    assert "sound-1 s is nowhere" in texts
