"""Rows on messages, batches and receipt handles. See `cases.py`."""

GROUP_RULE = (
    "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."
)
QUEUE_TYPE = "The request include parameter that is not valid for this queue type."
NO_DEDUPLICATION = (
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
    "provided explicitly"
)
NOT_AVAILABLE = "Message does not exist or is not available for visibility timeout change."
ENTRY_ID = (
    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be "
    "at most 80 letters long."
)
VALUE = "InvalidParameterValueException"
MIB = 1_048_576


def _send(name: str, queue: str = "<url>", **more) -> dict:
    """Arguments in upper case are SendMessage's, the others are the row's."""
    arguments = {"QueueUrl": queue, "MessageBody": "body"}
    arguments |= {key: value for key, value in more.items() if key[0].isupper()}
    row = {key: value for key, value in more.items() if not key[0].isupper()}
    return {"name": f"SendMessage: {name}", "action": "SendMessage", "arguments": arguments, **row}


def _attribute(name: str, value: dict, **more) -> dict:
    more.setdefault("error", VALUE)
    return _send(f"attribute {name}", MessageAttributes=value, **more)


def _batch(name: str, entries: list[dict], queue: str = "<url>", **more) -> dict:
    return {
        "name": f"SendMessageBatch: {name}",
        "action": "SendMessageBatch",
        "arguments": {"QueueUrl": queue, "Entries": entries},
        **more,
    }


def _entry(**more) -> dict:
    return {"Id": "a", "MessageBody": "body", **more}


def _receive(name: str, queue: str = "<url>", **more) -> dict:
    arguments = {key: value for key, value in more.items() if key[0].isupper()}
    row = {key: value for key, value in more.items() if not key[0].isupper()}
    arguments = {"QueueUrl": queue, **arguments}
    return {
        "name": f"ReceiveMessage: {name}",
        "action": "ReceiveMessage",
        "arguments": arguments,
        **row,
    }


def _handles(label: str, handle: str, **more) -> list[dict]:
    """A handle in the two actions that take one."""
    return [
        {
            "name": f"DeleteMessage: {label}",
            "action": "DeleteMessage",
            "arguments": {"QueueUrl": "<url>", "ReceiptHandle": handle},
            **more,
        },
        {
            "name": f"ChangeMessageVisibility: {label}",
            "action": "ChangeMessageVisibility",
            "arguments": {"QueueUrl": "<url>", "ReceiptHandle": handle, "VisibilityTimeout": 1},
            **more,
        },
    ]


def _whole_batches(action: str, entry: dict) -> list[dict]:
    """What refuses a batch as a whole, alike for the three actions."""

    def row(name: str, entries: list[dict], error: str, text: str, **more) -> dict:
        return {
            "name": f"{action}: {name}",
            "action": action,
            "arguments": {"QueueUrl": "<url>", "Entries": entries},
            "error": error,
            "text": text,
            **more,
        }

    def of(*ids: str) -> list[dict]:
        return [{**entry, "Id": i} for i in ids]

    return [
        row(
            "no entries",
            [],
            "EmptyBatchRequest",
            f"There should be at least one {action}RequestEntry in the request.",
            source="belief",
        ),
        row(
            "20 entries",
            of(*(str(number) for number in range(20))),
            "TooManyEntriesInBatchRequest",
            "Maximum number of entries per request are 10. You have sent 20.",
            facts=("error.too-many-entries",),
        ),
        row(
            "an id twice",
            of("id_0", "id_1", "id_1"),
            "BatchEntryIdsNotDistinct",
            "Id id_1 repeated.",
            source="belief",
        ),
        *(
            row(
                f"id {label}",
                of(bad),
                "InvalidBatchEntryId",
                ENTRY_ID,
                facts=("error.invalid-batch-entry-id", "limit.batch-ids"),
            )
            for label, bad in (("empty", ""), ("of 100 letters", "testLongId" * 10), (":", "a:b"))
        ),
    ]


TEXT = {"DataType": "String", "StringValue": "x"}

MESSAGE_CASES: list[dict] = [
    _send(
        "empty body",
        MessageBody="",
        error="MissingRequiredParameterException",
        text="The request must contain the parameter MessageBody.",
        facts=("wire.missing-parameter",),
    ),
    _send(
        "illegal character in an attribute",
        MessageBody="x",
        MessageAttributes={"a": {"DataType": "String", "StringValue": "a\x08b"}},
        error=VALUE,
        facts=("limit.characters",),
    ),
    _send(
        "illegal character",
        MessageBody="a\x01b",
        error="InvalidMessageContents",
        text="Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to "
        "#xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        facts=("error.invalid-message-contents", "limit.characters"),
    ),
    _send(
        "1 MiB and a byte",
        MessageBody="x" * (MIB + 1),
        error=VALUE,
        text="One or more parameters are invalid. Reason: Message must be shorter than 1048576 "
        "bytes.",
        facts=("error.message-too-long", "limit.message-size"),
    ),
    _send(
        "too long for its queue",
        "<small>",
        MessageBody="x" * 1025,
        error=VALUE,
        text="One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.",
        facts=("error.message-too-long",),
    ),
    _send(
        "as long as its queue takes",
        "<small>",
        MessageBody="x" * 1024,
        members=frozenset({"MessageId", "MD5OfMessageBody"}),
        facts=("error.message-too-long",),
    ),
    _send(
        "delay of 901 seconds",
        DelaySeconds=901,
        error=VALUE,
        text="Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and "
        "<= 900.",
        source="belief",
        facts=("limit.delay",),
    ),
    _send(
        "delay on a FIFO queue",
        "<fifo>",
        MessageGroupId="g",
        DelaySeconds=2,
        error=VALUE,
        text=f"Value 2 for parameter DelaySeconds is invalid. Reason: {QUEUE_TYPE}",
        facts=("error.fifo-delay",),
    ),
    _send(
        "delay of 0 on a FIFO queue",
        "<fifo>",
        MessageGroupId="g",
        DelaySeconds=0,
        members=frozenset({"MessageId", "MD5OfMessageBody", "SequenceNumber"}),
        facts=("error.fifo-delay",),
    ),
    _send(
        "no group on a FIFO queue",
        "<fifo>",
        error="MissingRequiredParameterException",
        text="The request must contain the parameter MessageGroupId.",
        facts=("error.missing-fifo-ids",),
    ),
    _send(
        "no group and no deduplication",
        "<plain_fifo>",
        error="MissingRequiredParameterException",
        text="The request must contain the parameter MessageGroupId.",
        facts=("error.missing-fifo-ids",),
    ),
    _send(
        "no deduplication",
        "<plain_fifo>",
        MessageGroupId="g",
        error=VALUE,
        text=NO_DEDUPLICATION,
        facts=("error.missing-fifo-ids",),
    ),
    *(
        _send(
            f"group {label} on {queue}",
            queue,
            MessageGroupId=group,
            error=VALUE,
            text=f"Value {group} for parameter MessageGroupId is invalid. Reason: {GROUP_RULE}",
            facts=("error.fifo-ids", "limit.ids"),
        )
        for queue in ("<url>", "<fifo>")
        for label, group in (("empty", ""), ("with a space", "a b"), ("of 129", "a" * 129))
    ),
    _send(
        "deduplication with a space",
        "<fifo>",
        MessageGroupId="g",
        MessageDeduplicationId="a b",
        error=VALUE,
        text="Value a b for parameter MessageDeduplicationId is invalid. Reason: "
        "MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 "
        "in length.",
        facts=("error.fifo-ids", "limit.ids"),
    ),
    _send(
        "deduplication on a standard queue",
        MessageDeduplicationId="d",
        error=VALUE,
        text="Value d for parameter MessageDeduplicationId is invalid. Reason: …",
        source="belief",
    ),
    _attribute(
        "empty",
        {"ErrorDetails": {"DataType": "String", "StringValue": ""}},
        text="Message (user) attribute 'ErrorDetails' must contain a non-empty value of type "
        "'String'.",
        facts=("error.empty-attribute",),
    ),
    _attribute(
        "type",
        {"x": {"DataType": "Text", "StringValue": "x"}},
        text="The message attribute 'x' has an invalid message attribute type, the set of supported "
        "type prefixes is Binary, Number, and String.",
        source="belief",
    ),
    _attribute(
        "number",
        {"x": {"DataType": "Number", "StringValue": "seven"}},
        source="documentation",
    ),
    _attribute(
        "list",
        {"x": {"DataType": "String", "StringListValues": ["a"]}},
        error="UnsupportedOperation",
        source="model",
    ),
    _attribute(
        "count 11",
        {f"n{number}": TEXT for number in range(11)},
        facts=("limit.message-attributes",),
    ),
    *(
        _attribute(f"name {label}", {name: TEXT}, facts=("limit.message-attributes",))
        for label, name in (
            ("of 257", "n" * 257),
            ("with a dot in front", ".a"),
            ("with a dot at its end", "a."),
            ("with two dots", "a..b"),
            ("of AWS", "aws.x"),
            ("of Amazon", "Amazon.x"),
            ("with a space", "a b"),
        )
    ),
    _attribute(
        "name with an umlaut",
        {"ümlaut": TEXT},
        error=None,
        members=frozenset({"MessageId", "MD5OfMessageBody", "MD5OfMessageAttributes"}),
        facts=("limit.message-attributes",),
    ),
    _send(
        "system attribute",
        MessageSystemAttributes={"Foobar": TEXT},
        error=VALUE,
        source="belief",
    ),
    *_whole_batches("SendMessageBatch", {"MessageBody": "x"}),
    *_whole_batches("DeleteMessageBatch", {"ReceiptHandle": "x"}),
    *_whole_batches("ChangeMessageVisibilityBatch", {"ReceiptHandle": "x", "VisibilityTimeout": 1}),
    _batch(
        "1 MiB and a byte",
        [_entry(MessageBody="x" * MIB), _entry(Id="b", MessageBody="x")],
        error="BatchRequestTooLong",
        text="Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
        facts=("error.batch-too-long", "limit.batch-size"),
    ),
    _batch(
        "entry too long for its queue",
        [_entry(MessageBody="x" * 1025)],
        "<small>",
        error=VALUE,
        text="One or more parameters cannot be validated. Reason: Message must be shorter than 1024 "
        "bytes.",
        entry=True,
        facts=("error.entry-too-long", "batch.results"),
    ),
    _batch(
        "longer in sum than its queue takes in one",
        [_entry(MessageBody="x" * 1024), _entry(Id="b", MessageBody="x" * 1024)],
        "<small>",
        members=frozenset({"Successful"}),
        facts=("limit.batch-size",),
    ),
    _batch(
        "illegal character",
        [_entry(MessageBody="\x01")],
        error="InvalidMessageContents",
        entry=True,
        facts=("batch.results",),
    ),
    _batch(
        "no group on a FIFO queue",
        [_entry(MessageGroupId="g"), _entry(Id="b")],
        "<fifo>",
        error=VALUE,
        text="The request must contain the parameter MessageGroupId.",
        facts=("error.missing-fifo-ids", "fifo.batch-order"),
    ),
    _batch(
        "no deduplication",
        [
            _entry(MessageGroupId="g", MessageDeduplicationId="d"),
            _entry(Id="b", MessageGroupId="g"),
        ],
        "<plain_fifo>",
        error=VALUE,
        text=NO_DEDUPLICATION,
        facts=("error.missing-fifo-ids", "fifo.batch-order"),
    ),
    *(
        _receive(
            f"{count} messages",
            MaxNumberOfMessages=count,
            error=VALUE,
            text=f"Value {count} for parameter MaxNumberOfMessages is invalid. Reason: Must be "
            "between 1 and 10, if provided.",
            facts=("error.max-number-of-messages", "limit.receive"),
        )
        for count in (0, 11)
    ),
    *(
        _receive(
            f"wait of {seconds}",
            WaitTimeSeconds=seconds,
            error=VALUE,
            text=f"Value {seconds} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 "
            "and <= 20, if provided.",
            facts=("error.wait-time", "limit.receive"),
        )
        for seconds in (-1, 21)
    ),
    *(
        _receive(
            f"visibility of {seconds}",
            VisibilityTimeout=seconds,
            error=VALUE,
            text=f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 "
            "and <= 43200, if provided.",
            source="model",
            facts=("limit.visibility", "limit.receive"),
        )
        for seconds in (-1, 43_201)
    ),
    _receive(
        "unknown attribute",
        AttributeNames=["Foobar"],
        error="InvalidAttributeName",
        text="Unknown Attribute Foobar.",
        facts=("message.system-names",),
    ),
    _receive(
        "attempt id with a space",
        "<fifo>",
        ReceiveRequestAttemptId="a b",
        error=VALUE,
        text="Value a b for parameter ReceiveRequestAttemptId is invalid. Reason: …",
        source="model",
        facts=("limit.ids",),
    ),
    *_handles(
        "garbage",
        "garbage",
        error="ReceiptHandleIsInvalid",
        text='The input receipt handle "garbage" is not a valid receipt handle.',
        facts=("error.receipt-handle-invalid",),
    ),
    *_handles(
        "handle of another queue",
        "<foreign_handle>",
        error="ReceiptHandleIsInvalid",
        text='The input receipt handle "<foreign_handle>" is not a valid receipt handle.',
        source="belief",
    ),
    {
        "name": "DeleteMessage: deleted already",
        "action": "DeleteMessage",
        "arguments": {"QueueUrl": "<url>", "ReceiptHandle": "<deleted_handle>"},
        "facts": ("handle.delete-again",),
    },
    {
        "name": "ChangeMessageVisibility: deleted",
        "action": "ChangeMessageVisibility",
        "arguments": {
            "QueueUrl": "<url>",
            "ReceiptHandle": "<deleted_handle>",
            "VisibilityTimeout": 1,
        },
        "error": VALUE,
        "text": f"Value <deleted_handle> for parameter ReceiptHandle is invalid. Reason: "
        f"{NOT_AVAILABLE}",
        "facts": ("error.change-of-deleted", "visibility.change-after-expiry"),
    },
    {
        "name": "ChangeMessageVisibility: 43201 seconds",
        "action": "ChangeMessageVisibility",
        "arguments": {
            "QueueUrl": "<url>",
            "ReceiptHandle": "<handle>",
            "VisibilityTimeout": 43_201,
        },
        "error": VALUE,
        "text": "Value 43201 for parameter VisibilityTimeout is invalid. Reason: …",
        "source": "model",
        "facts": ("limit.visibility",),
    },
    *(
        {
            "name": f"{action}: garbage",
            "action": action,
            "arguments": {
                "QueueUrl": "<url>",
                "Entries": [{"Id": "a", "ReceiptHandle": "garbage", **more}],
            },
            "error": "ReceiptHandleIsInvalid",
            "text": 'The input receipt handle "garbage" is not a valid receipt handle.',
            "entry": True,
            "facts": ("batch.results", "error.receipt-handle-invalid"),
        }
        for action, more in (
            ("DeleteMessageBatch", {}),
            ("ChangeMessageVisibilityBatch", {"VisibilityTimeout": 1}),
        )
    ),
]
