"""Clients in containers know the cluster by one name: Docker's name server answers with all three
addresses, and what an SDK does by itself is enough to never notice a death."""

import contextlib
import subprocess
import time

import pytest

from squorum_tests import docker
from squorum_tests.cluster import PORT

pytestmark = pytest.mark.timeout(600)

RESOLVE = """
import socket, sys
for _ in range(20):
    found = socket.getaddrinfo("squorum", int(sys.argv[1]), type=socket.SOCK_STREAM)
    print(*[entry[4][0] for entry in found])
"""
# Sends until its standard input ends. Every exception ends it, and so the test.
SEND_AND_RECEIVE = """
import select, sys
from squorum_tests.client import sqs_of_users

sqs = sqs_of_users("http://squorum:" + sys.argv[1])
url = sqs.create_queue(QueueName="one-name")["QueueUrl"]
sent = 0
while not select.select([sys.stdin], [], [], 0.05)[0]:
    sqs.send_message(QueueUrl=url, MessageBody=str(sent))
    sent += 1

found = set()
while len(found) < sent:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
    if not answer.get("Messages"):
        break
    for message in answer["Messages"]:
        found.add(int(message["Body"]))
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
lost = sorted(set(range(sent)) - found)
print(sent)
assert not lost, f"lost of {sent}: {lost}"
"""
WARM_UP_SECONDS = 5.0
SENDS_MIN = 100
DRAIN_SECONDS_MAX = 120.0


def test_name_has_three_addresses(cluster):
    printed = docker.run(*cluster.client_command(RESOLVE, str(PORT)))
    answers = [set(line.split()) for line in printed.splitlines()]
    assert answers == [{place.host for place in cluster.places}] * 20


def test_client_in_a_container_notices_no_death(cluster):
    """SIGKILL of each node in turn."""
    with client_in_a_container(cluster):
        for index in range(len(cluster.nodes)):
            cluster.kill(index)
            time.sleep(1.0)
            cluster.start_node(index)
            time.sleep(2.0)


def test_client_in_a_container_notices_no_upgrade(cluster, image):
    """`make cluster` again, with another image."""
    other = f"{image}-upgraded"
    docker.run("docker", "tag", image, other)
    before = [node.pid for node in cluster.nodes]
    try:
        with client_in_a_container(cluster):
            cluster.upgrade(other)
            assert not set(before) & {node.pid for node in cluster.nodes}
    finally:
        cluster.down()
        docker.run("docker", "image", "rm", other)


@contextlib.contextmanager
def client_in_a_container(cluster):
    """Sends, by that name and with boto3's own retries, then receives all of it."""
    command = cluster.client_command(SEND_AND_RECEIVE, str(PORT))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as user:
        try:
            time.sleep(WARM_UP_SECONDS)
            yield
        finally:
            printed, errors = user.communicate(timeout=DRAIN_SECONDS_MAX)
    assert user.returncode == 0, errors
    assert int(printed) >= SENDS_MIN
