"""The judge of continuity: a good history passes, and each rule fires on one that breaks it."""

import pytest

from squorum_tests.continuity import (
    Period,
    check_cut_off,
    check_delivery,
    check_exceptions,
    check_gap,
    longest_gap,
)
from squorum_tests.history import Delete, Delivery, EmptyReceive, Failure, History, Send

CUT = Period(started=10.0, ended=40.0)
WHOLE = Period(started=0.0, ended=60.0)
RECOVERY_SECONDS_MAX = 3.0
NODE, OTHER = "http://cut-off", "http://other"


def send(endpoint: str, started: float, ended: float, acked: bool = True) -> Send:
    return Send("good", f"{endpoint} {started}", started, ended, acked, endpoint=endpoint)


def failure(endpoint: str, started: float, ended: float, status: int, code: str) -> Failure:
    return Failure("good", "SendMessage", endpoint, started, ended, status, code, "")


def delivery(sent: Send, ended: float) -> Delivery:
    return Delivery("good", sent.tag, "id", 1, 0, ended - 1.0, ended, 30.0)


def good_history() -> History:
    """The other node's client sends every second. The cut-off node's client is answered before the
    cut and after it, one call hangs through it, one has no answer, one gets a 503."""
    history = History("good")
    history.sends += [send(OTHER, second, second + 0.1) for second in range(60)]
    history.sends += [send(NODE, second, second + 0.1) for second in (*range(10), *range(43, 60))]
    history.sends += [send(NODE, 9.9, 10.3), send(NODE, 39.0, 40.5)]
    history.deletes.append(Delete("good", "id", 39.5, 41.0, True, NODE))
    history.empty_receives.append(EmptyReceive("good", NODE, 9.0, 10.1))
    history.empty_receives.append(EmptyReceive("good", NODE, 10.1, 11.1))
    history.empty_receives.append(EmptyReceive("good", OTHER, 20.0, 21.0))
    history.deliveries += [delivery(s, max(s.ended, CUT.ended) + 5.0) for s in history.sends]
    history.failures.append(failure(NODE, 12.0, 20.0, 0, "ReadTimeoutError"))
    history.failures.append(failure(NODE, 20.0, 21.0, 503, "ServiceUnavailable"))
    history.failures.append(failure(NODE, 42.5, 42.6, 503, "ServiceUnavailable"))
    return history


def rules(history: History) -> set[str]:
    found = check_cut_off([history], NODE, CUT, RECOVERY_SECONDS_MAX)
    found += check_exceptions([history], {OTHER})
    found += check_gap([history], WHOLE, 2.0, {OTHER})
    found += check_delivery([history], CUT.ended, 5.0)
    return {violation.rule for violation in found}


def test_good_history_is_clean():
    assert rules(good_history()) == set()


def raise_elsewhere(history):
    history.failures.append(failure(OTHER, 20.0, 21.0, 503, "ServiceUnavailable"))


def pause_sends(history):
    history.sends[:] = [s for s in history.sends if not 20 < s.ended < 23]


def acknowledge_alone(history):
    history.sends.append(send(NODE, 15.0, 15.1))
    history.deliveries.append(delivery(history.sends[-1], 16.0))


def delete_alone(history):
    history.deletes.append(Delete("good", "id", 15.0, 15.1, True, NODE))


def claim_emptiness(history):
    history.empty_receives.append(EmptyReceive("good", NODE, 15.0, 16.0))


def blame_the_client(history):
    history.failures.append(failure(NODE, 20.0, 21.0, 400, "QueueDoesNotExist"))


def keep_waiting(history):
    first, *rest = history.deliveries
    history.deliveries[:] = [delivery(first, CUT.ended + 7.0), *rest]


def never_deliver(history):
    history.deliveries.pop()


def change_in_vain(history, attempts=1, action="ChangeMessageVisibility"):
    text = "Reason: Message does not exist or is not available for visibility timeout change."
    history.failures.append(
        Failure("good", action, OTHER, 20.0, 21.0, 400, "InvalidParameterValue", text, attempts)
    )


def test_retry_of_a_change_may_be_told_that_it_took_effect():
    history = good_history()
    change_in_vain(history, attempts=2)
    assert rules(history) == set()
    change_in_vain(history, attempts=2, action="DeleteMessage")
    assert rules(history) == {"exception"}


def stay_broken(history):
    history.failures.append(failure(NODE, 43.5, 43.6, 503, "ServiceUnavailable"))


@pytest.mark.parametrize(
    ("rule", "damage"),
    [
        ("exception", raise_elsewhere),
        ("exception", change_in_vain),
        ("gap", pause_sends),
        ("false success", acknowledge_alone),
        ("false success", delete_alone),
        ("false success", claim_emptiness),
        ("false refusal", blame_the_client),
        ("recovery", stay_broken),
        ("delivery", keep_waiting),
        ("delivery", never_deliver),
    ],
)
def test_each_rule_fires(rule, damage):
    history = good_history()
    damage(history)
    assert rules(history) == {rule}


def test_gap_counts_the_edges_and_not_what_was_refused():
    history = History("good")
    history.sends += [send(OTHER, 4.9, 5.0), send(OTHER, 5.9, 6.0, acked=False)]
    assert longest_gap([history], Period(0.0, 12.0)) == 7.0
    assert longest_gap([history], Period(0.0, 8.0)) == 5.0
    assert longest_gap([history], Period(0.0, 8.0), {NODE}) == 8.0


def test_clients_that_stand_still_see_no_gap_of_the_nodes():
    history = History("good")
    history.sends += [send(OTHER, 0.9, 1.0), send(OTHER, 5.9, 6.0)]

    def stalled(earlier: float, later: float) -> float:
        return 4.0 if earlier < 3.0 < later else 0.0

    assert longest_gap([history], Period(0.0, 8.0), stalled=stalled) == 2.0
