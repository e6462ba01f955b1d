"""Rows on tasks that move dead letters. See `cases.py`."""

GONE = "The resource that you specified for the {} parameter doesn't exist."
VALUE, MISSING = "InvalidParameterValueException", "ResourceNotFoundException"


def _row(action: str, name: str, arguments: dict, error: str, text: str, *facts: str) -> dict:
    return {
        "name": f"{action}: {name}",
        "action": action,
        "arguments": arguments,
        "error": error,
        "text": text,
        "facts": facts,
    }


TASK_CASES: list[dict] = [
    _row(
        "StartMessageMoveTask",
        "no dead-letter queue",
        {"SourceArn": "<arn>"},
        VALUE,
        "Source queue must be configured as a Dead Letter Queue.",
        "move.source",
    ),
    _row(
        "StartMessageMoveTask",
        "source does not exist",
        {"SourceArn": "<missing_arn>"},
        MISSING,
        GONE.format("SourceArn"),
        "move.source",
    ),
    _row(
        "StartMessageMoveTask",
        "destination does not exist",
        {"SourceArn": "<dead_arn>", "DestinationArn": "<missing_arn>"},
        MISSING,
        GONE.format("DestinationArn"),
        "move.destination",
    ),
    _row(
        "StartMessageMoveTask",
        "another one runs",
        {"SourceArn": "<running_arn>"},
        VALUE,
        "There is already a task running. Only one active task is allowed for a source queue arn at "
        "a given time.",
        "move.one-at-a-time",
        "limit.move-task",
    ),
    {
        **_row(
            "StartMessageMoveTask",
            "501 a second",
            {"SourceArn": "<dead_arn>", "MaxNumberOfMessagesPerSecond": 501},
            VALUE,
            "Value 501 for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: …",
            "limit.move-task",
        ),
        "source": "model",
    },
    _row(
        "ListMessageMoveTasks",
        "source does not exist",
        {"SourceArn": "<missing_arn>"},
        MISSING,
        GONE.format("SourceArn"),
        "move.list",
    ),
    {
        "name": "ListMessageMoveTasks: none",
        "action": "ListMessageMoveTasks",
        "arguments": {"SourceArn": "<dead_arn>"},
        "facts": ("json.absent-not-empty",),
    },
    _row(
        "CancelMessageMoveTask",
        "no handle",
        {"TaskHandle": "garbage"},
        VALUE,
        "Value for parameter TaskHandle is invalid.",
        "move.cancel",
    ),
    _row(
        "CancelMessageMoveTask",
        "unknown task",
        {"TaskHandle": "<unknown_task>"},
        MISSING,
        "Task does not exist.",
        "move.cancel",
    ),
    _row(
        "CancelMessageMoveTask",
        "source does not exist",
        {"TaskHandle": "<task_of_missing>"},
        MISSING,
        GONE.format("SourceArn"),
        "move.cancel",
    ),
]
