"""What a node says that reaches no majority, and who leads after one came back."""

import time

import pytest

from squorum_tests import client
from squorum_tests.cluster import verdict_of
from squorum_tests.machine import start_bar
from squorum_tests.probe import SendProbe
from squorum_tests.queue import Queue
from squorum_tests.raw_http import RawConnection
from squorum_tests.scenarios import endpoint_of
from squorum_tests.size import size

# A node knows after a second without its peers that it is cut off, and then answers at once. A peer
# that is not answered may be heard for a moment longer.
NOTICED_SECONDS = 3.0
# At once; in the short form, far less than the five seconds for which a node holds what may still be
# served.
REFUSED_SECONDS_MAX = size(4.0, 1.0)
BACK_SECONDS_MAX = 5.0
BALANCED_DEADLINE_SECONDS = 60.0
REQUESTS = {
    "SendMessage": {"MessageBody": "body"},
    "ReceiveMessage": {"WaitTimeSeconds": 0},
    "GetQueueAttributes": {"AttributeNames": ["All"]},
    "PurgeQueue": {},
    "DeleteQueue": {},
}


@pytest.fixture
def url(cluster) -> str:
    endpoint = cluster.endpoints[0]
    client.sqs(endpoint).create_queue(QueueName="kept")
    return f"{endpoint}/{client.ACCOUNT}/kept"


def assert_refuses_all(place, url: str) -> None:
    requests = [(action, {"QueueUrl": url, **more}) for action, more in REQUESTS.items()]
    requests.append(("CreateQueue", {"QueueName": "new"}))
    requests.append(("GetQueueUrl", {"QueueName": "nobody-made-this"}))
    for action, payload in requests:
        with RawConnection(place.port, host=place.host) as connection:
            started = time.monotonic()
            answer = connection.call(action, payload)
            took = time.monotonic() - started
        assert answer.status == 503, (action, answer)
        # The code that SDKs read, and retry.
        assert answer.headers["x-amzn-query-error"] == "ServiceUnavailable;Receiver", answer
        assert took <= REFUSED_SECONDS_MAX, f"{action} took {took:.1f} s"


def test_last_node_alive_refuses_at_once(cluster, url):
    cluster.kill(1, 2)
    time.sleep(NOTICED_SECONDS)
    last = cluster.nodes[0]
    assert_refuses_all(last.place, url)
    assert verdict_of(last) == "no-quorum"
    assert last.admin_get("/health/ready")[0] == 503
    assert last.admin_get("/health/live")[0] == 200

    bar = start_bar(BACK_SECONDS_MAX, last.directory)
    with SendProbe(last.place, url, timeout_seconds=0.5) as probe:
        started = time.monotonic()
        cluster.nodes[1].spawn()
        back = probe.wait_for_success(started)
    print(f"back {back:.2f} s after the second node was started")
    assert back <= bar


@pytest.mark.parametrize("cut", ["isolate", "deafen", "mute"])
def test_cut_off_node_refuses_at_once_and_changes_nothing(cluster, url, cut):
    getattr(cluster, cut)(2)
    time.sleep(NOTICED_SECONDS)
    assert_refuses_all(cluster.places[2], url)
    assert cluster.nodes[2].admin_get("/health/ready")[0] == 503
    majority = Queue(client.sqs(cluster.endpoints[0]), url)
    majority.send("still here")
    cluster.heal()

    with SendProbe(cluster.places[2], url, timeout_seconds=0.5) as probe:
        back = probe.wait_for_success(time.monotonic())
    print(f"back {back:.2f} s after healing")
    through = Queue(client.sqs(endpoint_of(cluster.places[2])), url)
    assert "still here" in through.all_bodies()
    assert not through.sqs.list_queues(QueueNamePrefix="new").get("QueueUrls")


def test_leaders_are_balanced_after_a_restart(cluster):
    cluster.wait_until_well()
    cluster.kill(1)
    time.sleep(2.0)
    cluster.start_node(1)
    started = time.monotonic()
    while True:
        leads = sorted(node["leads"] for node in cluster.nodes[0].status()["nodes"])
        if leads[-1] - leads[0] <= 1:
            break
        assert time.monotonic() - started < BALANCED_DEADLINE_SECONDS, f"unbalanced: {leads}"
        time.sleep(0.5)
    print(f"balanced {time.monotonic() - started:.1f} s after the restart: {leads}")
