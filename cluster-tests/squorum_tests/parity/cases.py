"""The table of cases: one row a call that AWS refuses, with its code, text and source, or that it
takes, with the members of its answer. Every row runs over both protocols, by the boto3 of the tests
and by Debian's. `<url>`, `<handle>` and the like are made by `scene.py`."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from .cases_of_messages import MESSAGE_CASES
from .cases_of_queues import QUEUE_CASES
from .cases_of_tasks import TASK_CASES

GHOST = "The specified queue does not exist."
GHOST_IN_QUERY = "The specified queue does not exist for this wsdl version."


@dataclass(frozen=True)
class Case:
    """`error` is the shape; None means that the call succeeds and answers exactly `members`.
    `text` may end in "…". With `entry`, it is the call's only entry that fails."""

    name: str
    action: str
    arguments: dict
    error: str | None = None
    text: str | None = None
    text_in_query: str | None = None
    source: str = "recorded"
    facts: tuple[str, ...] = ()
    members: frozenset[str] = field(default_factory=frozenset)
    entry: bool = False


# The least that each action takes, and the members of its answer then.
LEAST: dict[str, tuple[dict, set[str]]] = {
    "AddPermission": (
        {
            "QueueUrl": "<url>",
            "Label": "label",
            "AWSAccountIds": ["<account>"],
            "Actions": ["SendMessage"],
        },
        set(),
    ),
    "CancelMessageMoveTask": ({"TaskHandle": "<task>"}, {"ApproximateNumberOfMessagesMoved"}),
    "ChangeMessageVisibility": (
        {"QueueUrl": "<url>", "ReceiptHandle": "<handle>", "VisibilityTimeout": 5},
        set(),
    ),
    "ChangeMessageVisibilityBatch": (
        {
            "QueueUrl": "<url>",
            "Entries": [{"Id": "a", "ReceiptHandle": "<handle>", "VisibilityTimeout": 5}],
        },
        {"Successful"},
    ),
    "CreateQueue": ({"QueueName": "<fresh>"}, {"QueueUrl"}),
    "DeleteMessage": ({"QueueUrl": "<url>", "ReceiptHandle": "<handle>"}, set()),
    "DeleteMessageBatch": (
        {"QueueUrl": "<url>", "Entries": [{"Id": "a", "ReceiptHandle": "<handle>"}]},
        {"Successful"},
    ),
    "DeleteQueue": ({"QueueUrl": "<url>"}, set()),
    "GetQueueAttributes": ({"QueueUrl": "<url>"}, set()),
    "GetQueueUrl": ({"QueueName": "<name>"}, {"QueueUrl"}),
    "ListDeadLetterSourceQueues": ({"QueueUrl": "<dead>"}, {"queueUrls"}),
    "ListMessageMoveTasks": ({"SourceArn": "<running_arn>"}, {"Results"}),
    "ListQueueTags": ({"QueueUrl": "<url>"}, set()),
    "ListQueues": ({"QueueNamePrefix": "<name>"}, {"QueueUrls"}),
    "PurgeQueue": ({"QueueUrl": "<url>"}, set()),
    "ReceiveMessage": ({"QueueUrl": "<url>"}, set()),
    "RemovePermission": ({"QueueUrl": "<labelled>", "Label": "known"}, set()),
    "SendMessage": (
        {"QueueUrl": "<url>", "MessageBody": "body"},
        {"MessageId", "MD5OfMessageBody"},
    ),
    "SendMessageBatch": (
        {"QueueUrl": "<url>", "Entries": [{"Id": "a", "MessageBody": "body"}]},
        {"Successful"},
    ),
    "SetQueueAttributes": ({"QueueUrl": "<url>", "Attributes": {"DelaySeconds": "1"}}, set()),
    "StartMessageMoveTask": ({"SourceArn": "<dead_arn>"}, {"TaskHandle"}),
    "TagQueue": ({"QueueUrl": "<url>", "Tags": {"key": "value"}}, set()),
    "UntagQueue": ({"QueueUrl": "<url>", "TagKeys": ["key"]}, set()),
}
# Required, but what its absence is called has a row of its own.
NOT_MISSING = {"AWSAccountIds", "Attributes", "Entries", "TagKeys", "Tags"}
OPTIONAL = {("ListQueues", "QueueNamePrefix")}


def all_cases() -> list[Case]:
    written = [Case(**row) for row in [*QUEUE_CASES, *MESSAGE_CASES, *TASK_CASES]]
    return [*_successes(), *_missing(), *_ghosts(), *written]


def _successes() -> Iterator[Case]:
    for action, (arguments, members) in LEAST.items():
        yield Case(
            f"{action}: least",
            action,
            arguments,
            members=frozenset(members),
            source="model",
            facts=("json.absent-not-empty",),
        )


def _missing() -> Iterator[Case]:
    """Each required parameter left out. All of `LEAST` are required, but for one."""
    for action, (arguments, _) in LEAST.items():
        for parameter in arguments:
            is_optional = (action, parameter) in OPTIONAL
            if parameter in NOT_MISSING or is_optional:
                continue
            others = {name: value for name, value in arguments.items() if name != parameter}
            yield Case(
                f"{action}: no {parameter}",
                action,
                others,
                error="MissingRequiredParameterException",
                text=f"The request must contain the parameter {parameter}.",
                source="recorded" if parameter == "MessageBody" else "belief",
                facts=("wire.missing-parameter", "json.error-namespaces"),
            )


def _ghosts() -> Iterator[Case]:
    """A queue that does not exist, for every action that has a `QueueUrl`."""
    for action, (arguments, _) in LEAST.items():
        if "QueueUrl" in arguments:
            arguments = {**arguments, "QueueUrl": "<missing>"}
        elif action == "GetQueueUrl":
            arguments = {"QueueName": "<fresh>"}
        else:
            continue
        yield Case(
            f"{action}: queue does not exist",
            action,
            arguments,
            error="QueueDoesNotExist",
            text=GHOST,
            text_in_query=GHOST_IN_QUERY,
            facts=("error.queue-does-not-exist",),
        )
