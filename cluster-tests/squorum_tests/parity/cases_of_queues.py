"""Rows on queues, their attributes, tags and permissions. See `cases.py`."""

import json

NAME = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
FIFO_NAME = (
    "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
    "must end with .fifo suffix and be 1 to 80 in length."
)
ENCRYPTIONS = (
    "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS "
    "SSE or SQS SSE."
)
DEFAULTS = {
    "DelaySeconds": ("-1", "901", "x"),
    "MaximumMessageSize": ("1023", "1048577", ""),
    "MessageRetentionPeriod": ("59", "1209601"),
    "ReceiveMessageWaitTimeSeconds": ("-1", "21"),
    "VisibilityTimeout": ("-1", "43201"),
    "KmsDataKeyReusePeriodSeconds": ("59", "86401"),
    "SqsManagedSseEnabled": ("perhaps",),
    "Policy": ("{", "[]"),
}


def _create(name: str, queue: str, attributes: dict, **more) -> dict:
    arguments = {"QueueName": queue, "Attributes": attributes}
    if not attributes:
        del arguments["Attributes"]
    return {
        "name": f"CreateQueue: {name}",
        "action": "CreateQueue",
        "arguments": arguments,
        **more,
    }


def _set(name: str, queue: str, attributes: dict, **more) -> dict:
    return {
        "name": f"SetQueueAttributes: {name}",
        "action": "SetQueueAttributes",
        "arguments": {"QueueUrl": queue, "Attributes": attributes},
        **more,
    }


def _on_both(name: str, queue: tuple[str, str], attributes: dict, **more) -> list[dict]:
    """`queue` is the name of a new one and the URL of one that exists."""
    return [
        _create(name, queue[0], attributes, **more),
        _set(name, queue[1], attributes, **more),
    ]


STANDARD, FIFO = ("<fresh>", "<url>"), ("<fresh_fifo>", "<fifo>")

QUEUE_CASES: list[dict] = [
    *(
        _create(
            f"name {label}",
            name,
            {},
            error="InvalidParameterValueException",
            text=NAME,
            facts=("error.queue-name-invalid", "limit.queue-name"),
        )
        for label, name in (
            ("of 81 characters", "a" * 81),
            ("with a space", "a b"),
            ("with an umlaut", "ä"),
            ("with a dot", "a.b"),
            (".fifo without FifoQueue", "a.fifo"),
        )
    ),
    _create(
        "FIFO without suffix",
        "<fresh>",
        {"FifoQueue": "true"},
        error="InvalidParameterValueException",
        text=FIFO_NAME,
        facts=("error.fifo-suffix",),
    ),
    _create(
        "other value of an attribute",
        "<delayed_name>",
        {"DelaySeconds": "3"},
        error="QueueNameExists",
        text="A queue already exists with the same name and a different value for attribute "
        "DelaySeconds",
        facts=("error.queue-name-exists", "queue.create-again"),
    ),
    _create(
        "same value of an attribute",
        "<delayed_name>",
        {"DelaySeconds": "2"},
        members=frozenset({"QueueUrl"}),
        facts=("queue.create-again",),
    ),
    _create(
        "deleted just now",
        "<deleted_name>",
        {},
        error="QueueDeletedRecently",
        text="You must wait 60 seconds after deleting a queue before you can create another with "
        "the same name.",
        facts=("error.queue-deleted-recently", "queue.delete"),
    ),
    *_on_both(
        "unknown attribute",
        STANDARD,
        {"Foobar": "1"},
        error="InvalidAttributeName",
        text="Unknown Attribute Foobar.",
        facts=("error.unknown-attribute",),
    ),
    *(
        row
        for name, value in (("FifoQueue", "false"), ("ContentBasedDeduplication", "true"))
        for row in _on_both(
            f"{name} on a standard queue",
            STANDARD,
            {name: value},
            error="InvalidAttributeName",
            text=f"Unknown Attribute {name}.",
            facts=("error.unknown-attribute", "attribute.fifo-queue"),
        )
    ),
    *(
        row
        for name, value in (("DeduplicationScope", "queue"), ("FifoThroughputLimit", "perQueue"))
        for row in _on_both(
            f"{name} on a standard queue",
            STANDARD,
            {name: value},
            error="InvalidAttributeName",
            text=f"You can specify the {name} only when FifoQueue is set to true.",
            facts=("error.fifo-only-attribute",),
        )
    ),
    _set(
        "FifoQueue false on a FIFO queue",
        "<fifo>",
        {"FifoQueue": "false"},
        error="InvalidAttributeValue",
        text="Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not "
        "supported.",
        facts=("error.queue-type-is-fixed",),
    ),
    *_on_both(
        "two encryptions",
        STANDARD,
        {"KmsMasterKeyId": "alias/mine", "SqsManagedSseEnabled": "true"},
        error="InvalidAttributeName",
        text=ENCRYPTIONS,
        facts=("error.two-encryptions", "encryption.sse"),
    ),
    *(
        row
        for name, values in DEFAULTS.items()
        for value in values
        for row in _on_both(
            f"{name} {value!r}",
            STANDARD,
            {name: value},
            error="InvalidAttributeValue",
            text=f"Invalid value for the parameter {name}.…",
            source="model",
        )
    ),
    *_on_both(
        "throughput without its scope",
        FIFO,
        {"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"},
        error="InvalidAttributeValue",
        source="model",
        facts=("attribute.throughput-needs-scope",),
    ),
    *(
        row
        for label, policy in (
            ("no count", '{"deadLetterTargetArn":"<arn>"}'),
            ("no target", '{"maxReceiveCount":"1"}'),
            ("count no number", '{"deadLetterTargetArn":"<arn>","maxReceiveCount":"x"}'),
            ("count 0", '{"deadLetterTargetArn":"<arn>","maxReceiveCount":0}'),
            ("count 1001", '{"deadLetterTargetArn":"<arn>","maxReceiveCount":1001}'),
            ("target missing", '{"deadLetterTargetArn":"<missing_arn>","maxReceiveCount":1}'),
            ("other kind of target", '{"deadLetterTargetArn":"<fifo_arn>","maxReceiveCount":1}'),
            ("not allowed", '{"deadLetterTargetArn":"<closed_arn>","maxReceiveCount":1}'),
        )
        for row in _on_both(
            f"redrive policy, {label}",
            STANDARD,
            {"RedrivePolicy": policy},
            error="InvalidParameterValueException",
            text=f"Value {policy} for parameter RedrivePolicy is invalid. Reason: …",
            facts=("error.redrive-policy", "limit.redrive"),
        )
    ),
    *_on_both(
        "redrive policy, target no ARN",
        STANDARD,
        {"RedrivePolicy": '{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}'},
        error="InvalidParameterValueException",
        text='Value {"deadLetterTargetArn": "dummy", "maxReceiveCount": 42} for parameter '
        "RedrivePolicy is invalid. Reason: Invalid value for deadLetterTargetArn.",
        facts=("error.redrive-policy",),
    ),
    *_on_both(
        "sources without byQueue",
        STANDARD,
        {"RedriveAllowPolicy": '{"redrivePermission":"denyAll","sourceQueueArns":["<arn>"]}'},
        error="InvalidParameterValueException",
        source="model",
        facts=("attribute.redrive-allow",),
    ),
    # AWS's words as users of other projects report them: cloud-platform-environments #9082, aws-cdk
    # #16303, cloudfoxable #29 on GitHub.
    *(
        _set(
            f"policy with {label}",
            "<url>",
            {"Policy": json.dumps(policy)},
            error="OverLimit",
            text=text,
            facts=("limit.policy",),
        )
        for label, policy, text in (
            (
                "eight actions in a statement",
                {"Statement": [{"Action": [f"sqs:{number}" for number in range(8)]}]},
                "8 actions were found in a statement from the submitted policy, max allowed is 7",
            ),
            (
                "21 statements",
                {"Statement": [{}] * 21},
                "21 statements were found in the submitted policy, max allowed is 20",
            ),
            ("8,193 bytes", {"Id": "x" * 8_183}, "Submitted policy is over max allowed size."),
        )
    ),
    *(
        {
            "name": f"SetQueueAttributes: {label}",
            "action": "SetQueueAttributes",
            "arguments": {"QueueUrl": "<url>", **attributes},
            "error": "MissingRequiredParameterException",
            "text": "The request must contain the parameter Attribute.Name.",
            "facts": ("wire.missing-parameter",),
        }
        for label, attributes in (("no attributes", {}), ("empty attributes", {"Attributes": {}}))
    ),
    {
        "name": "GetQueueAttributes: unknown attribute",
        "action": "GetQueueAttributes",
        "arguments": {"QueueUrl": "<url>", "AttributeNames": ["Foobar"]},
        "error": "InvalidAttributeName",
        "text": "Unknown Attribute Foobar.",
        "facts": ("error.unknown-attribute", "attribute.names"),
    },
    {
        "name": "GetQueueAttributes: one",
        "action": "GetQueueAttributes",
        "arguments": {"QueueUrl": "<url>", "AttributeNames": ["QueueArn"]},
        "members": frozenset({"Attributes"}),
    },
    {
        "name": "PurgeQueue: again",
        "action": "PurgeQueue",
        "arguments": {"QueueUrl": "<purged>"},
        "error": "PurgeQueueInProgress",
        "text": "Only one PurgeQueue operation on <purged_name> is allowed every 60 seconds.",
        "facts": ("error.purge-in-progress",),
    },
    {
        "name": "ListQueues: none",
        "action": "ListQueues",
        "arguments": {"QueueNamePrefix": "<fresh>"},
        "facts": ("json.absent-not-empty",),
    },
    {
        "name": "AddPermission: eight actions",
        "action": "AddPermission",
        "arguments": {
            "QueueUrl": "<url>",
            "Label": "many",
            "AWSAccountIds": ["<account>"],
            "Actions": [
                "SendMessage",
                "ReceiveMessage",
                "DeleteMessage",
                "ChangeMessageVisibility",
                "GetQueueAttributes",
                "GetQueueUrl",
                "ListDeadLetterSourceQueues",
                "PurgeQueue",
            ],
        },
        "error": "OverLimit",
        "text": "8 Actions were found, maximum allowed is 7.",
        "source": "belief",
        "facts": ("limit.policy",),
    },
    {
        "name": "AddPermission: label is there",
        "action": "AddPermission",
        "arguments": {
            "QueueUrl": "<labelled>",
            "Label": "known",
            "AWSAccountIds": ["<account>"],
            "Actions": ["SendMessage"],
        },
        "error": "InvalidParameterValueException",
        "text": "Value known for parameter Label is invalid. Reason: Already exists.",
        "facts": ("error.permission-labels",),
    },
    {
        "name": "AddPermission: no accounts",
        "action": "AddPermission",
        "arguments": {"QueueUrl": "<url>", "Label": "l", "Actions": ["SendMessage"]},
        "error": "InvalidParameterValueException",
        "text": "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify.",
        "source": "belief",
    },
    {
        "name": "AddPermission: an owner's action",
        "action": "AddPermission",
        "arguments": {
            "QueueUrl": "<url>",
            "Label": "l",
            "AWSAccountIds": ["<account>"],
            "Actions": ["DeleteQueue"],
        },
        "error": "InvalidParameterValueException",
        "text": "Value SQS:DeleteQueue for parameter ActionName is invalid. Reason: Only the queue "
        "owner is allowed to invoke this action.",
        "source": "belief",
        "facts": ("permission.owner-only",),
    },
    {
        "name": "RemovePermission: no such label",
        "action": "RemovePermission",
        "arguments": {"QueueUrl": "<url>", "Label": "nobody"},
        "error": "InvalidParameterValueException",
        "text": "Value nobody for parameter Label is invalid. Reason: can't find label.",
        "facts": ("error.permission-labels",),
    },
    {
        "name": "TagQueue: no tags",
        "action": "TagQueue",
        "arguments": {"QueueUrl": "<url>"},
        "error": "MissingRequiredParameterException",
        "text": "The request must contain the parameter Tags.",
        "source": "belief",
    },
    {
        "name": "UntagQueue: no keys",
        "action": "UntagQueue",
        "arguments": {"QueueUrl": "<url>"},
        "error": "InvalidParameterValueException",
        "text": "Tag keys must be between 1 and 128 characters in length.",
        "source": "belief",
    },
]
