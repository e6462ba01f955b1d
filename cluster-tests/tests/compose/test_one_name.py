"""Clients in containers know the cluster by one name: Docker's name server answers with all three
addresses, and what an SDK does by itself is enough to never notice a death."""

import contextlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from squorum_tests import docker
from squorum_tests.cluster import PORT
from squorum_tests.stream import wait_for_progress

pytestmark = pytest.mark.timeout(600)

RESOLVE = """
import socket, sys
for _ in range(20):
    found = socket.getaddrinfo("squorum", int(sys.argv[1]), type=socket.SOCK_STREAM)
    print(*[entry[4][0] for entry in found])
"""
# Sends until its standard input ends, and prints a line for each message. Every exception ends it, and
# so the test.
SEND_AND_RECEIVE = """
import select, sys
from squorum_tests.client import sqs_of_users

sqs = sqs_of_users("http://squorum:" + sys.argv[1])
url = sqs.create_queue(QueueName="one-name")["QueueUrl"]
sent = 0
while not select.select([sys.stdin], [], [], 0.05)[0]:
    sqs.send_message(QueueUrl=url, MessageBody=str(sent))
    sent += 1
    print(sent, flush=True)

found = set()
while len(found) < sent:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
    if not answer.get("Messages"):
        break
    for message in answer["Messages"]:
        found.add(int(message["Body"]))
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
lost = sorted(set(range(sent)) - found)
assert not lost, f"lost of {sent}: {lost}"
"""
DRAIN_SECONDS_MAX = 120.0
SENT_MEANWHILE_MIN = 10


def test_name_has_three_addresses(cluster):
    printed = docker.run(*cluster.client_command(RESOLVE, str(PORT)))
    answers = [set(line.split()) for line in printed.splitlines()]
    assert answers == [{place.host for place in cluster.places}] * 20


def test_client_in_a_container_notices_no_death(cluster):
    """SIGKILL of each node in turn."""
    with client_in_a_container(cluster) as sent:
        for index in range(len(cluster.nodes)):
            cluster.kill(index)
            time.sleep(1.0)
            cluster.start_node(index)
            wait_for_progress(sent)


def test_client_in_a_container_notices_no_upgrade(cluster, image):
    """`make cluster` again, with another image."""
    other = f"{image}-upgraded"
    docker.run("docker", "tag", image, other)
    before = [node.pid for node in cluster.nodes]
    try:
        with client_in_a_container(cluster) as sent:
            sent_before = sent()
            cluster.upgrade(other)
            # It takes many seconds, in which a client that waits for its end sends next to nothing.
            assert sent() - sent_before >= SENT_MEANWHILE_MIN
            assert not set(before) & {node.pid for node in cluster.nodes}
            wait_for_progress(sent)
    finally:
        cluster.down()
        docker.run("docker", "image", "rm", other)


@contextlib.contextmanager
def client_in_a_container(cluster) -> Iterator[Callable[[], int]]:
    """Sends, by that name and with boto3's own retries, then receives all of it. Gives how many were
    sent so far, which is some already."""
    command = cluster.client_command(SEND_AND_RECEIVE, str(PORT))
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True) as user,
    ):
        printed: list[str] = []

        def read() -> None:
            for line in user.stdout:
                printed.append(line)

        threading.Thread(target=read, daemon=True).start()
        try:
            wait_for_progress(lambda: len(printed))
            yield lambda: len(printed)
        finally:
            user.stdin.close()
            exit_code = user.wait(DRAIN_SECONDS_MAX)
            errors.seek(0)
            print(errors.read())
        assert exit_code == 0, "it saw an exception"
