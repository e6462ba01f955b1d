"""Fills, buries and empties queues in bulk: many batches at once, and every message accounted for."""

import base64
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from squorum_tests import client
from squorum_tests.queue import Queue

WORKERS = 8
DRAIN_VISIBILITY_SECONDS = 3600
PROGRESS_DEADLINE_SECONDS = 180.0
POLL_SECONDS = 0.1


def in_parallel(work: Callable[[int], None], workers: int = WORKERS) -> None:
    """Runs `work` for every number below `workers` at once; the first failure is raised."""
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work, number) for number in range(workers)]:
            done.result()


def body_of(tag: str, size_bytes: int) -> str:
    """So large on disk as well: the filler does not compress."""
    filler = base64.b64encode(random.randbytes(size_bytes)).decode()
    return f"{tag}|{filler}"[: max(size_bytes, len(tag) + 1)]


def tag_of(message: dict) -> str:
    return message["Body"].split("|", 1)[0]


def group_of(tag: str, groups: int) -> str:
    return f"g{zlib.crc32(tag.encode()) % groups}"


def entry_of(number: int, tag: str, size_bytes: int, group: str | None) -> dict:
    entry = {"Id": str(number), "MessageBody": body_of(tag, size_bytes)}
    if group is not None:
        entry |= {"MessageGroupId": group, "MessageDeduplicationId": tag}
    return entry


def send_all(
    endpoint: str,
    queue: Queue,
    tags: Iterable[str],
    size_bytes: int = 256,
    own_groups: bool = False,
) -> dict[str, str]:
    """Sends each tag once, in batches; the message ids by tag. Nothing may fail. In a FIFO queue some
    ten share a group, or each has its own."""
    tags, ids = list(tags), {}
    fifo, groups = queue.name.endswith(".fifo"), len(tags) // 10 + 1

    def group(tag: str) -> str:
        return tag if own_groups else group_of(tag, groups)

    def work(worker: int) -> None:
        mine = Queue(client.sqs_of_users(endpoint), queue.url)
        batches = [tags[at : at + 10] for at in range(worker * 10, len(tags), WORKERS * 10)]
        for batch in batches:
            entries = [
                entry_of(n, tag, size_bytes, group(tag) if fifo else None)
                for n, tag in enumerate(batch)
            ]
            answer = mine.send_batch(entries)
            assert not answer.get("Failed"), answer["Failed"]
            for sent in answer["Successful"]:
                ids[batch[int(sent["Id"])]] = sent["MessageId"]

    in_parallel(work)
    return ids


class Burial:
    """Receives from a source and lets everything be visible again at once, so that it is received
    too often and leaves, until the block ends or the queue is deleted. What was handed out meanwhile is
    kept by tag, with the time of the last call."""

    def __init__(self, endpoint: str, queue: Queue, workers: int = WORKERS):
        self.last_seen: dict[str, float] = {}
        self._endpoint, self._queue = endpoint, queue
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(workers)
        self._done = [self._pool.submit(self._work) for _ in range(workers)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._over.set()
        self._pool.shutdown()
        for done in self._done:
            done.result()

    def _work(self) -> None:
        mine = Queue(client.sqs_of_users(self._endpoint), self._queue.url)
        while not self._over.is_set():
            started = time.monotonic()
            try:
                messages = mine.receive(VisibilityTimeout=0)
            except mine.sqs.exceptions.QueueDoesNotExist:
                return
            for message in messages:
                self.last_seen[tag_of(message)] = started


def wait_until_empty(*queues: Queue) -> None:
    """Until the counters of all are zero. Only a time without any progress is too long."""
    fewest, progress = None, time.monotonic()
    while left := sum(sum(queue.counters()) for queue in queues):
        if fewest is None or left < fewest:
            fewest, progress = left, time.monotonic()
        waited = time.monotonic() - progress
        assert waited < PROGRESS_DEADLINE_SECONDS, f"{left} messages left, for {waited:.0f} s"
        time.sleep(POLL_SECONDS)


def drain(endpoint: str, queue: Queue) -> list[dict]:
    """Receives and deletes everything; a message that comes twice is there twice."""
    return _receive_all(endpoint, queue, delete_all, lambda mine: sum(mine.counters()) == 0)


def look(endpoint: str, queue: Queue) -> list[dict]:
    """Receives everything once and gives it back. In a FIFO queue each message must have a group of its
    own: a group gives nothing while some of it is out."""
    found = _receive_all(endpoint, queue, lambda *_: None, lambda mine: mine.counters()[0] == 0)
    for at in range(0, len(found), 10):
        entries = [{**entry, "VisibilityTimeout": 0} for entry in handles(found[at : at + 10])]
        answer = queue.sqs.change_message_visibility_batch(QueueUrl=queue.url, Entries=entries)
        assert not answer.get("Failed"), answer["Failed"]
    return found


def _receive_all(
    endpoint: str,
    queue: Queue,
    handle: Callable[[Queue, list[dict]], None],
    is_over: Callable[[Queue], bool],
) -> list[dict]:
    """Receives and handles messages until none comes and it is over. Only a time without any
    progress is too long."""
    found: list[dict] = []
    progress = [time.monotonic()]

    def work(_: int) -> None:
        mine = Queue(client.sqs_of_users(endpoint), queue.url)
        while True:
            messages = mine.receive(VisibilityTimeout=DRAIN_VISIBILITY_SECONDS)
            if messages:
                found.extend(messages)
                handle(mine, messages)
                progress[0] = time.monotonic()
            elif is_over(mine):
                return
            waited = time.monotonic() - progress[0]
            assert waited < PROGRESS_DEADLINE_SECONDS, (
                f"{queue.name}: {mine.counters()} do not come"
            )

    in_parallel(work)
    return found


def delete_all(queue: Queue, messages: list[dict]) -> None:
    answer = queue.sqs.delete_message_batch(QueueUrl=queue.url, Entries=handles(messages))
    assert not answer.get("Failed"), answer["Failed"]


def handles(messages: list[dict]) -> list[dict]:
    """Entries of a batch that names these messages."""
    return [
        {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
        for n, message in enumerate(messages)
    ]
