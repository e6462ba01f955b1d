"""Batches: results by entry, errors of entries and of whole calls."""

import pytest

from squorum_tests.queue import md5, refused

PREFIX = "AWS.SimpleQueueService."
MIB = 1_048_576


def entries(count: int, **more) -> list[dict]:
    return [{"Id": f"id_{n}", "MessageBody": f"m{n}", **more} for n in range(count)]


@pytest.mark.fact("batch.results", "json.absent-not-empty")
def test_send_batch_answers_by_entry(queue):
    """No empty Failed."""
    answer = queue().send_batch(
        [
            {"Id": "plain", "MessageBody": "a"},
            {
                "Id": "rich",
                "MessageBody": "b",
                "MessageAttributes": {"x": {"DataType": "String", "StringValue": "y"}},
            },
        ]
    )
    assert "Failed" not in answer
    plain, rich = sorted(answer["Successful"], key=lambda entry: entry["Id"])
    assert plain.keys() == {"Id", "MessageId", "MD5OfMessageBody"}
    assert plain["MD5OfMessageBody"] == md5("a")
    assert "MD5OfMessageAttributes" in rich
    assert plain["MessageId"] != rich["MessageId"]


@pytest.mark.fact("batch.results", "error.invalid-message-contents")
def test_entry_with_an_illegal_character_fails_alone(queue):
    made = queue()
    bad = {"Id": "bad", "MessageBody": "\x01"}
    answer = made.send_batch([*entries(2), bad])
    assert {entry["Id"] for entry in answer["Successful"]} == {"id_0", "id_1"}
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["SenderFault"]) == ("bad", True)
    assert failed["Code"] == "InvalidMessageContents"
    assert made.counters()[0] == 2


@pytest.mark.fact("error.entry-too-long", "limit.batch-size")
def test_entry_that_is_too_long_for_the_queue_fails_alone(queue):
    """With a text of its own; the sum above the queue's limit is fine."""
    made = queue(MaximumMessageSize=1024)
    answer = made.send_batch(
        [
            {"Id": "a", "MessageBody": "x" * 1024},
            {"Id": "b", "MessageBody": "x" * 1025},
            {"Id": "c", "MessageBody": "x" * 1024},
        ]
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["a", "c"]
    (failed,) = answer["Failed"]
    assert failed == {
        "Id": "b",
        "SenderFault": True,
        "Code": "InvalidParameterValue",
        "Message": "One or more parameters cannot be validated. Reason: Message must be shorter than "
        "1024 bytes.",
    }


@pytest.mark.fact("error.batch-too-long", "limit.batch-size")
def test_batch_of_one_mebibyte(queue):
    """In sum; one byte more refuses the whole."""
    made = queue()
    half = "x" * (MIB // 2)
    made.send_batch([{"Id": "a", "MessageBody": half}, {"Id": "b", "MessageBody": half}])
    with refused(
        PREFIX + "BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
        shape="BatchRequestTooLong",
    ):
        made.send_batch([{"Id": "a", "MessageBody": half}, {"Id": "b", "MessageBody": half + "x"}])
    assert made.counters()[0] == 2


def batch_calls(made):
    """The three batch actions, taking ids."""
    sqs, url = made.sqs, made.url
    return {
        "SendMessageBatch": lambda ids: sqs.send_message_batch(
            QueueUrl=url, Entries=[{"Id": i, "MessageBody": "x"} for i in ids]
        ),
        "DeleteMessageBatch": lambda ids: sqs.delete_message_batch(
            QueueUrl=url, Entries=[{"Id": i, "ReceiptHandle": "x"} for i in ids]
        ),
        "ChangeMessageVisibilityBatch": lambda ids: sqs.change_message_visibility_batch(
            QueueUrl=url,
            Entries=[{"Id": i, "ReceiptHandle": "x", "VisibilityTimeout": 1} for i in ids],
        ),
    }


@pytest.mark.fact(
    "error.too-many-entries",
    "error.invalid-batch-entry-id",
    "limit.batch-ids",
    "limit.batch-size",
)
@pytest.mark.parametrize(
    "action", ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"]
)
def test_batches_that_are_refused_whole(queue, action):
    made = queue()
    call = batch_calls(made)[action]
    with refused(
        PREFIX + "EmptyBatchRequest",
        f"There should be at least one {action}RequestEntry in the request.",
        shape="EmptyBatchRequest",
    ):
        call([])
    with refused(
        PREFIX + "TooManyEntriesInBatchRequest",
        "Maximum number of entries per request are 10. You have sent 20.",
        shape="TooManyEntriesInBatchRequest",
    ):
        call([str(n) for n in range(20)])
    with refused(
        PREFIX + "BatchEntryIdsNotDistinct", "Id id_1 repeated.", shape="BatchEntryIdsNotDistinct"
    ):
        call(["id_0", "id_1", "id_1"])
    for bad in ("", "a" * 81, "a b", "a.b", "ü"):
        with refused(
            PREFIX + "InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It "
            "can be at most 80 letters long.",
            shape="InvalidBatchEntryId",
        ):
            call([bad])
    assert made.counters() == (0, 0, 0)


@pytest.mark.fact("limit.batch-ids")
def test_longest_id_is_fine(queue):
    answer = queue().send_batch([{"Id": "a" * 80, "MessageBody": "x"}])
    assert answer["Successful"][0]["Id"] == "a" * 80


@pytest.mark.fact("batch.results", "handle.delete-again")
def test_delete_batch(queue):
    """Deleting again is a success; a bad handle fails alone."""
    made = queue()
    made.send_batch(entries(3))
    messages = made.receive()
    handles = [message["ReceiptHandle"] for message in messages]

    def delete(*handles):
        listed = [{"Id": str(n), "ReceiptHandle": h} for n, h in enumerate(handles)]
        return made.sqs.delete_message_batch(QueueUrl=made.url, Entries=listed)

    assert "Failed" not in delete(*handles)
    again = delete(handles[0], "garbage")
    assert [entry["Id"] for entry in again["Successful"]] == ["0"]
    (failed,) = again["Failed"]
    assert (failed["Id"], failed["SenderFault"]) == ("1", True)
    assert failed["Code"] == "ReceiptHandleIsInvalid"
    assert "Successful" not in delete("garbage")
    assert made.counters() == (0, 0, 0)


@pytest.mark.fact("batch.results")
def test_change_visibility_batch(queue):
    made = queue()
    made.send_batch(entries(3))
    messages = {message["Body"]: message["ReceiptHandle"] for message in made.receive()}
    answer = made.sqs.change_message_visibility_batch(
        QueueUrl=made.url,
        Entries=[
            {"Id": "back", "ReceiptHandle": messages["m0"], "VisibilityTimeout": 0},
            {"Id": "longer", "ReceiptHandle": messages["m1"], "VisibilityTimeout": 600},
            {"Id": "bad", "ReceiptHandle": "garbage", "VisibilityTimeout": 1},
            {"Id": "range", "ReceiptHandle": messages["m2"], "VisibilityTimeout": 50_000},
        ],
    )
    assert {entry["Id"] for entry in answer["Successful"]} == {"back", "longer"}
    failed = {entry["Id"]: entry["Code"] for entry in answer["Failed"]}
    assert failed == {"bad": "ReceiptHandleIsInvalid", "range": "InvalidParameterValue"}
    assert made.bodies() == ["m0"]


@pytest.mark.fact("fifo.batch-order", "message.sequence-number")
def test_fifo_batch_keeps_the_order_of_its_entries(fifo):
    made = fifo(ContentBasedDeduplication="true")
    answer = made.send_batch(entries(10, MessageGroupId="g"))
    numbers = [int(entry["SequenceNumber"]) for entry in answer["Successful"]]
    assert numbers == sorted(set(numbers))
    assert made.bodies() == [f"m{n}" for n in range(10)]


@pytest.mark.fact("batch.results", "fifo.deduplication", "message.sequence-number")
def test_fifo_batch_duplicates_are_successes(fifo):
    made = fifo()
    twice = [
        {"Id": i, "MessageBody": i, "MessageGroupId": "g", "MessageDeduplicationId": "same"}
        for i in ("a", "b")
    ]
    answer = made.send_batch(twice)
    first, second = answer["Successful"]
    assert first["MessageId"] == second["MessageId"]
    assert first["SequenceNumber"] == second["SequenceNumber"]
    assert made.bodies() == ["a"]


@pytest.mark.fact("error.missing-fifo-ids", "fifo.batch-order")
def test_one_missing_fifo_id_fails_the_whole_batch(fifo):
    """With other codes than a single send."""
    made = fifo()
    good = {
        "Id": "a",
        "MessageBody": "a",
        "MessageGroupId": "g",
        "MessageDeduplicationId": "d",
    }
    with refused("InvalidParameterValue", "The request must contain the parameter MessageGroupId."):
        made.send_batch([good, {"Id": "b", "MessageBody": "b", "MessageDeduplicationId": "e"}])
    with refused(
        "InvalidParameterValue",
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
        "provided explicitly",
    ):
        made.send_batch([good, {"Id": "b", "MessageBody": "b", "MessageGroupId": "g"}])
    assert made.counters() == (0, 0, 0)
