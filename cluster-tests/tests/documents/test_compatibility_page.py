"""docs/sqs-compatibility.md is what its sources make of it, and no difference is without verdict."""

from squorum_tests import compatibility
from squorum_tests.differential import verdicts


def test_page_is_not_stale():
    assert compatibility.PAGE.read_text() == compatibility.page(), "run `make compatibility-page`"


def test_page_shows_what_the_code_has():
    text = compatibility.PAGE.read_text()
    for action in compatibility.MODEL.operation_names:
        assert f"| {action} | yes |" in text
    for promise in ("Nothing is encrypted yet", "stored, not enforced", "not imitated"):
        assert promise in text


def test_every_difference_has_a_verdict():
    rows = verdicts.read()
    assert rows
    assert [step for step, row in rows.items() if row["verdict"] not in verdicts.KINDS] == []
    needs_reason = {"open", "exact"}
    unexplained = [
        step for step, row in rows.items() if row["verdict"] in needs_reason and not row.get("why")
    ]
    assert unexplained == []
