"""A queue with its dead-letter queue on a cluster, and what fills, empties and counts them in bulk."""

import base64
import json
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from squorum_tests import client
from squorum_tests.cluster import Cluster
from squorum_tests.queue import Queue

WORKERS = 8
PAIRS_TRIED_MAX = 20
DRAIN_VISIBILITY_SECONDS = 3600
PROGRESS_DEADLINE_SECONDS = 180.0
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Pair:
    """A source with `maxReceiveCount`, and the queue of its dead letters."""

    source: Queue
    dead: Queue


def arn(name: str) -> str:
    return f"arn:aws:sqs:{client.REGION}:{client.ACCOUNT}:{name}"


def policy(dead: str, receives_max: int) -> str:
    return json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": receives_max})


def make(sqs, name: str, dead: str | None = None, receives_max: int = 1, **attributes) -> Queue:
    """A queue of the kind that its name says, whose dead letters go to `dead`, if there is one."""
    if dead is not None:
        attributes["RedrivePolicy"] = policy(dead, receives_max)
    if name.endswith(".fifo"):
        attributes["FifoQueue"] = "true"
    created = sqs.create_queue(QueueName=name, Attributes=attributes)
    return Queue(sqs, created["QueueUrl"])


def make_apart(cluster: Cluster, sqs, suffix: str, receives_max: int, **attributes) -> Pair:
    """A pair whose first partitions lie on different shards, if one can be with different leaders."""
    found = []
    for number in range(PAIRS_TRIED_MAX):
        dead = make(sqs, f"dead{number}{suffix}", VisibilityTimeout="30")
        source = make(sqs, f"source{number}{suffix}", dead.name, receives_max, **attributes)
        first = [cluster.partitions(queue.name)[0] for queue in (source, dead)]
        if first[0]["shard"] != first[1]["shard"]:
            found.append(Pair(source, dead))
            if first[0]["leader"] != first[1]["leader"]:
                break
    assert found, f"{PAIRS_TRIED_MAX} pairs, each on one shard"
    return found[-1]


def shards_of(cluster: Cluster, queue: Queue) -> list[int]:
    return sorted({partition["shard"] for partition in cluster.partitions(queue.name)})


def in_transfer(cluster: Cluster) -> list[int]:
    """Of each node that runs: messages that left shards which it leads and have not arrived."""
    running = [node for node in cluster.nodes if node.is_running()]
    return [int(node.metric("squorum_messages_in_transfer")) for node in running]


def wait_until_arrived(cluster: Cluster) -> float:
    """Until nothing is on its way at any node; returns the seconds that took."""
    started = time.monotonic()
    while sum(found := in_transfer(cluster)) > 0:
        waited = time.monotonic() - started
        assert waited < PROGRESS_DEADLINE_SECONDS, (
            f"still on their way after {waited:.0f} s: {found}"
        )
        time.sleep(POLL_SECONDS)
    return time.monotonic() - started


def kill_and_start(cluster: Cluster, dying: int) -> None:
    """SIGKILL; the node is back, and all is well, on return."""
    cluster.kill(dying)
    cluster.start_node(dying)
    cluster.wait_until_well()


def wait_for_leader(cluster: Cluster, queue: str) -> int:
    """Of the queue's first partition, once there is one."""
    return settled(lambda: cluster.leader_of(queue), f"nobody leads {queue}")


def wait_for_meta_leader(cluster: Cluster) -> int:
    def leader() -> int | None:
        groups = cluster.nodes[0].status()["groups"]
        (found,) = [group["leader"] for group in groups if group["name"] == "meta"]
        return None if found is None else cluster.index_of(found)

    return settled(leader, "nobody leads meta")


def settled(find: Callable[[], int | None], otherwise: str) -> int:
    deadline = time.monotonic() + 30
    while (found := find()) is None:
        assert time.monotonic() < deadline, otherwise
        time.sleep(POLL_SECONDS)
    return found


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


def send_all(endpoint: str, queue: Queue, tags: Iterable[str], size_bytes: int = 256) -> dict:
    """Sends each tag once, in batches; the message ids by tag. Nothing may fail."""
    tags, ids = list(tags), {}
    groups = len(tags) // 10 + 1

    def work(worker: int) -> None:
        mine = Queue(client.sqs_of_users(endpoint), queue.url)
        batches = [tags[at : at + 10] for at in range(worker * 10, len(tags), WORKERS * 10)]
        for batch in batches:
            fifo = queue.name.endswith(".fifo")
            entries = [
                entry_of(n, tag, size_bytes, group_of(tag, groups) if fifo else None)
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


def bury_all(cluster: Cluster, endpoint: str, pair: Pair) -> None:
    """Until every message of the source is in the dead-letter queue."""
    with Burial(endpoint, pair.source):
        wait_until_empty(pair.source)
    wait_until_arrived(cluster)


def drain(endpoint: str, queue: Queue) -> list[dict]:
    """Receives and deletes everything; a message that comes twice is there twice."""
    found: list[dict] = []
    progress = [time.monotonic()]

    def work(_: int) -> None:
        mine = Queue(client.sqs_of_users(endpoint), queue.url)
        while True:
            messages = mine.receive(VisibilityTimeout=DRAIN_VISIBILITY_SECONDS)
            if messages:
                found.extend(messages)
                delete_all(mine, messages)
                progress[0] = time.monotonic()
            elif sum(mine.counters()) == 0:
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
