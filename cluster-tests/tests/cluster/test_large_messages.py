"""Messages of the largest size, received by many at once through a node that does not lead: more than
any answer between nodes holds. Each comes once, and at once."""

from concurrent.futures import ThreadPoolExecutor

from squorum_tests import client
from squorum_tests.leaders import wait_for_leader
from squorum_tests.queue import Queue

MESSAGES = 60
BYTES = 1_048_576
CONSUMERS = 8
# Longer than the test: what comes twice was given twice, and what went astray does not come.
VISIBILITY_TIMEOUT_SECONDS = 600


def test_many_receive_the_largest_messages_at_once(cluster):
    cluster.wait_until_well()
    name = "large.fifo"
    sqs = client.sqs_of_users(cluster.endpoints[0])
    attributes = {
        "FifoQueue": "true",
        "VisibilityTimeout": str(VISIBILITY_TIMEOUT_SECONDS),
    }
    sqs.create_queue(QueueName=name, Attributes=attributes)
    gateway = cluster.others(wait_for_leader(cluster, name))[0]
    endpoint = cluster.endpoints[gateway]

    def send(number: int) -> None:
        queue = through(endpoint, name)
        for body in range(number, MESSAGES, CONSUMERS):
            queue.send(f"{body} ".ljust(BYTES, "x"), group=str(body), id=str(body))

    def receive(_: int) -> list[tuple[str, str]]:
        queue, got = through(endpoint, name), []
        while messages := queue.receive(wait=5, AttributeNames=["ApproximateReceiveCount"]):
            for message in messages:
                count = message["Attributes"]["ApproximateReceiveCount"]
                got.append((message["Body"].split()[0], count))
                queue.delete(message)
        return got

    with ThreadPoolExecutor(CONSUMERS) as consumers:
        list(consumers.map(send, range(CONSUMERS)))
        received = [one for got in consumers.map(receive, range(CONSUMERS)) for one in got]
    assert sorted(received) == sorted((str(body), "1") for body in range(MESSAGES))
    assert through(endpoint, name).counters() == (0, 0, 0)


def through(endpoint: str, name: str) -> Queue:
    return Queue(client.sqs_of_users(endpoint), f"{endpoint}/{client.ACCOUNT}/{name}")
