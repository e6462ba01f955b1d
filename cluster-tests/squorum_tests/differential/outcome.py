"""What a call came to, without what cannot be the same on two servers: ids, times, hosts, accounts."""

import json
import re

from botocore.exceptions import ClientError

MASKED = {
    "MessageId",
    "ReceiptHandle",
    "SequenceNumber",
    "SenderId",
    "SentTimestamp",
    "ApproximateFirstReceiveTimestamp",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "StartedTimestamp",
    "TaskHandle",
    "NextToken",
}
# What servers call their hosts, accounts and this run's queues.
LIKE = (
    (re.compile(r"https?://[^/\s\"]+/(?:queue/[\w-]+/)?\d{12}/"), "<url>/"),
    (re.compile(r"\b(?:case|story)-[0-9a-f]{12}\b"), "<run>"),
    (re.compile(r"<run>-\d+"), "<queue>"),
    # Last: a run may have digits alone.
    (re.compile(r"\b\d{12}\b"), "<account>"),
)


def outcome_of(call, arguments: dict) -> dict:
    """The answer, or `{"refused": code, "text": …}`, or `{"broken": …}` when it is no answer of SQS."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        found = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500:
            return {"broken": status}
        return masked({"refused": found.get("Code"), "text": found.get("Message")}, arguments)
    except Exception as error:  # whatever a server's answer does to botocore
        return {"broken": type(error).__name__}
    answer.pop("ResponseMetadata", None)
    return masked(answer, arguments)


def masked(value, arguments: dict):
    """The value with everything replaced that differs between any two servers."""
    handles = [text for text in _texts(arguments) if len(text) > 40]
    return _masked(value, sorted(handles, key=len, reverse=True))


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _masked(value, handles: list[str], key: str = ""):
    if key in MASKED and value is not None:
        return f"<{key}>"
    if isinstance(value, dict):
        return {name: _masked(inner, handles, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, handles) for inner in value]
    if isinstance(value, bytes):
        return repr(value)
    if not isinstance(value, str):
        return value
    for handle in handles:
        if not handle.isascii() or set(handle) == {"x"}:
            continue
        if "://" not in handle and " " not in handle:
            value = value.replace(handle, "<handle>")
    for pattern, mask in LIKE:
        value = pattern.sub(mask, value)
    return value


def differences(ours, theirs, path: str = "") -> list[str]:
    """Where two outcomes differ, one text a place."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for name in sorted({*ours, *theirs}):
            inner = f"{path}.{name}" if path else name
            if name not in theirs:
                found.append(f"{inner}: absent")
            elif name not in ours:
                found.append(f"{inner}: {short(theirs[name])} (absent in Squorum)")
            else:
                found += differences(ours[name], theirs[name], inner)
        return found
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [text for n, (a, b) in pairs for text in differences(a, b, f"{path}[{n}]")]
    return [] if ours == theirs else [f"{path}: {short(theirs)}"]


def short(value) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "…"
