"""Tells the same to two servers and says where what came of it differs."""

from squorum_tests import client
from squorum_tests.differential.outcome import differences, outcome_of
from squorum_tests.differential.stories import tell_all
from squorum_tests.parity.cases import all_cases
from squorum_tests.parity.runner import method_of
from squorum_tests.parity.scene import Scene


def told(endpoint: str) -> dict[str, dict]:
    """What comes of every case and story at an endpoint, by the step's name."""
    sqs = client.sqs(endpoint, parameter_validation=False, read_timeout_seconds=20)
    steps = dict(tell_all(sqs))
    for case in all_cases():
        scene = Scene(sqs)
        try:
            arguments = scene.fill(case.arguments)
        except Exception as error:  # the server cannot do what the case stands on
            steps[case.name] = {"broken": f"cannot make the scene: {type(error).__name__}"}
            continue
        steps[case.name] = outcome_of(getattr(sqs, method_of(sqs, case.action)), arguments)
        scene.clean()
    return steps


def compared(ours: dict[str, dict], theirs: dict[str, dict]) -> dict[str, str]:
    """What differs at a peer, by step: one text each. Steps that only one server came to follow from
    others that differ."""
    found = {}
    for step in ours.keys() & theirs.keys():
        a, b = without_empty(ours[step]), without_empty(theirs[step])
        if a != b:
            found[step] = difference(a, b)
    return dict(sorted(found.items()))


def difference(ours: dict, theirs: dict) -> str:
    if "broken" in theirs:
        return f"no answer of SQS ({theirs['broken']})"
    if "refused" in ours and "refused" not in theirs:
        return "not refused"
    if "refused" in theirs and "refused" not in ours:
        return f"refused: {theirs['refused']}: {theirs['text']}"
    places = differences(ours, theirs)
    return "; ".join(places[:4]) + (f"; and {len(places) - 4} more" if len(places) > 4 else "")


def without_empty(outcome: dict) -> dict:
    """botocore adds required lists that an answer does not have; empty ones count as absent."""
    lists = ("Successful", "Failed", "queueUrls")
    return {name: value for name, value in outcome.items() if value or name not in lists}
