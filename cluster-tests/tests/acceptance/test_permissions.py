"""AddPermission and RemovePermission. Nothing here is enforced yet."""

import json
import threading

import pytest

from squorum_tests.client import ACCOUNT
from squorum_tests.queue import Queue, refused

OTHERS = ("111122223333", "444455556666")


class Shared(Queue):
    def allow(self, label: str, accounts=OTHERS[:1], actions=("ReceiveMessage",)):
        return self.sqs.add_permission(
            QueueUrl=self.url, Label=label, AWSAccountIds=list(accounts), Actions=list(actions)
        )

    def forbid(self, label: str):
        return self.sqs.remove_permission(QueueUrl=self.url, Label=label)

    def policy(self) -> dict | None:
        text = self.attributes("Policy").get("Policy")
        return None if text is None else json.loads(text)

    def statement(self, label: str, principal=f"arn:aws:iam::{OTHERS[0]}:root", action=None):
        return {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": action or "SQS:ReceiveMessage",
            "Resource": self.attributes("QueueArn")["QueueArn"],
        }


@pytest.fixture
def shared(queue):
    def make(**attributes) -> Shared:
        made = queue(**attributes)
        return Shared(made.sqs, made.url)

    return make


@pytest.mark.fact("permission.policy", "error.permission-labels")
def test_life_of_permissions(shared):
    """As AWS records it: the first statement makes the policy, the last one takes it away."""
    made = shared()
    arn = made.attributes("QueueArn")["QueueArn"]
    made.allow("crossaccount")
    fresh = {"Version": "2008-10-17", "Id": f"{arn}/SQSDefaultPolicy"}
    one, two = made.statement("crossaccount"), made.statement("crossaccount2")
    assert made.policy() == {**fresh, "Statement": [one]}
    assert list(made.policy()) == ["Version", "Id", "Statement"]
    assert list(made.policy()["Statement"][0]) == list(one)
    with refused(
        "InvalidParameterValue",
        "Value crossaccount for parameter Label is invalid. Reason: Already exists.",
        shape="InvalidParameterValueException",
    ):
        made.allow("crossaccount", OTHERS[1:])
    made.allow("crossaccount2")
    assert made.policy() == {**fresh, "Statement": [one, two]}
    made.forbid("crossaccount")
    assert made.policy() == {**fresh, "Statement": [two]}
    made.forbid("crossaccount2")
    assert made.policy() is None
    with refused(
        "InvalidParameterValue",
        "Value crossaccount2 for parameter Label is invalid. Reason: can't find label.",
    ):
        made.forbid("crossaccount2")


@pytest.mark.fact("permission.policy")
def test_lists_only_of_more_than_one(shared):
    made = shared()
    made.allow("both", OTHERS, ("SendMessage", "*"))
    principals = [f"arn:aws:iam::{account}:root" for account in OTHERS]
    expected = made.statement("both", principals, ["SQS:SendMessage", "SQS:*"])
    assert made.policy()["Statement"] == [expected]


def test_a_policy_that_was_set_is_extended(shared):
    """Everything that its owner wrote stays."""
    own = {
        "Version": "2012-10-17",
        "Id": "mine",
        "Statement": {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"},
        "More": [1.50, "\u00e4", None],
    }
    made = shared(Policy=json.dumps(own))
    made.allow("l")
    assert made.policy() == {**own, "Statement": [own["Statement"], made.statement("l")]}
    made.forbid("l")
    assert made.policy() == {**own, "Statement": [own["Statement"]]}
    with refused("InvalidParameterValue", "…can't find label…"):
        made.forbid("l")
    made.set(Policy='{"Statement": [{"Sid": "own"}]}')
    with refused("InvalidParameterValue", "…Already exists…"):
        made.allow("own")
    made.forbid("own")
    assert made.policy() is None
    made.set(Policy='{"Statement": "all"}')
    with refused("InvalidAttributeValue", "Invalid value for the parameter Policy."):
        made.allow("l")


@pytest.mark.fact("limit.permission-label")
def test_labels(shared):
    made = shared()
    for label in ("a", "A-b_9", "l" * 80):
        made.allow(label)
    assert [it["Sid"] for it in made.policy()["Statement"]] == ["a", "A-b_9", "l" * 80]
    for label in ("with space", "dot.ted", "ü", "l" * 81):
        text = f"Value {label} for parameter Label is invalid…"
        with refused("InvalidParameterValue", text):
            made.allow(label)
        with refused("InvalidParameterValue", text):
            made.forbid(label)
    for call in (made.allow, made.forbid):
        with refused("MissingParameter", "The request must contain the parameter Label."):
            call("")


def test_actions(shared):
    """Names of the model, each once, and not what owners alone may do."""
    made = shared()
    grantable = (
        "*",
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "PurgeQueue",
        "ReceiveMessage",
    )
    made.allow("seven", actions=grantable)
    expected = [f"SQS:{action}" for action in grantable]
    assert made.policy()["Statement"][0]["Action"] == expected
    made.allow("others", actions=("ListDeadLetterSourceQueues", "SendMessage"))
    with refused("MissingParameter", "The request must contain the parameter Actions."):
        made.allow("l", actions=())
    for action in ("Fly", "sendMessage", "SQS:SendMessage", "SendMessageBatch"):
        with refused(
            "InvalidParameterValue",
            f"Value SQS:{action} for parameter ActionName is invalid. Reason: Please refer to the "
            "appropriate WSDL for a list of valid actions. ",
        ):
            made.allow("l", actions=("SendMessage", action))


@pytest.mark.fact("permission.owner-only")
@pytest.mark.parametrize(
    "action",
    [
        "AddPermission",
        "CancelMessageMoveTask",
        "CreateQueue",
        "DeleteQueue",
        "ListMessageMoveTasks",
        "ListQueueTags",
        "ListQueues",
        "RemovePermission",
        "SetQueueAttributes",
        "StartMessageMoveTask",
        "TagQueue",
        "UntagQueue",
    ],
)
def test_what_owners_alone_may_do(shared, action):
    with refused(
        "InvalidParameterValue",
        f"Value SQS:{action} for parameter ActionName is invalid. Reason: Only the queue owner is "
        "allowed to invoke this action.",
    ):
        shared().allow("l", actions=(action,))


def test_accounts(shared):
    made = shared()
    made.allow("twice", (OTHERS[0], OTHERS[0], ACCOUNT))
    principals = [f"arn:aws:iam::{account}:root" for account in (OTHERS[0], ACCOUNT)]
    assert made.policy()["Statement"][0]["Principal"] == {"AWS": principals}
    for accounts, shown in (((), ""), (("me",), "me"), ((OTHERS[0], "12"), f"{OTHERS[0]}, 12")):
        with refused(
            "InvalidParameterValue",
            f"Value [{shown}] for parameter PrincipalId is invalid. Reason: Unable to verify.",
        ):
            made.allow("l", accounts)


@pytest.mark.fact("limit.policy")
def test_limits(shared):
    """Seven actions a statement, twenty statements and 8,192 bytes a policy."""
    made = shared()
    with refused(
        "OverLimit",
        "8 Actions were found, maximum allowed is 7.",
        status=403,
        shape="OverLimit",
    ):
        made.allow("l", actions=["SendMessage"] * 8)
    for number in range(20):
        made.allow(str(number))
    with refused(
        "OverLimit",
        "21 statements were found in the submitted policy, max allowed is 20",
        status=403,
    ):
        made.allow("20")
    assert len(made.policy()["Statement"]) == 20
    full = json.dumps({"Statement": [], "Id": "x" * 8000})
    made.set(Policy=full)
    with refused("OverLimit", "Submitted policy is over max allowed size.", status=403):
        made.allow("l")
    assert made.attributes("Policy") == {"Policy": full}


@pytest.mark.fact("attribute.policy", "limit.policy")
def test_policy_attribute(shared):
    """A JSON object of 8,192 bytes at most, echoed as given."""
    made = shared()
    longest = json.dumps({"Id": "x" * (8192 - 10)})
    for text in ("{}", ' { "Version" : "2012-10-17" } ', longest):
        made.set(Policy=text)
        assert made.attributes("Policy") == {"Policy": text}
    for text in ("no json", "[]", '"{}"', '{"a": }'):
        with refused("InvalidAttributeValue", "Invalid value for the parameter Policy."):
            made.set(Policy=text)
    with refused("OverLimit", "Submitted policy is over max allowed size.", status=403):
        made.set(Policy=longest + " ")
    assert made.attributes("Policy") == {"Policy": longest}


def test_permissions_change_the_queue(shared):
    """A policy is an attribute: the time of the last change follows, and All shows it."""
    made = shared()
    made.allow("l")
    found = made.attributes("All")
    assert json.loads(found["Policy"]) == made.policy()
    assert int(found["LastModifiedTimestamp"]) >= int(found["CreatedTimestamp"])
    made.send("goes on")
    assert made.bodies() == ["goes on"]


@pytest.mark.one_protocol
def test_permissions_at_the_same_time(shared):
    """None is lost, whatever else changes meanwhile."""
    made = shared()
    labels = [f"l{number}" for number in range(16)]
    calls = [threading.Thread(target=made.allow, args=(label,)) for label in labels]
    calls += [
        threading.Thread(target=made.set, kwargs={"DelaySeconds": number}) for number in range(4)
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert sorted(it["Sid"] for it in made.policy()["Statement"]) == sorted(labels)


def test_permissions_of_no_queue(sqs, node):
    ghost = Shared(sqs, f"{node.endpoint}/{ACCOUNT}/nobody-made-this")
    for call in (ghost.allow, ghost.forbid):
        with refused("AWS.SimpleQueueService.NonExistentQueue", shape="QueueDoesNotExist"):
            call("l")
