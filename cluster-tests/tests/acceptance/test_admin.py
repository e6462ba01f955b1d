"""The admin port and the commands that ask it."""

import json
import os
import re
import subprocess

import pytest

from squorum_tests import client
from squorum_tests.node import binary, free_port

SERIES = re.compile(r"^[a-z_]+(\{[^{}]*\})? [-+0-9.eE]+$|^[a-z_]+\{le=\"\+Inf\"[^{}]*\} [0-9]+$")


@pytest.fixture
def sqs_of_own(own_node):
    return client.sqs(own_node.endpoint)


def squorum(*arguments: str) -> subprocess.CompletedProcess:
    command = [str(binary("squorum", "SQUORUM_BINARY")), *arguments]
    return subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=30)


def test_metrics_are_well_formed_and_follow_what_is_done(own_node, sqs_of_own):
    url = sqs_of_own.create_queue(QueueName="watched")["QueueUrl"]
    for number in range(5):
        sqs_of_own.send_message(QueueUrl=url, MessageBody=str(number))

    status, text = own_node.admin_get("/metrics")

    assert status == 200
    assert text.endswith("# EOF\n")
    lines = text.splitlines()[:-1]
    kinds = ("# HELP ", "# TYPE ")
    odd = [line for line in lines if not line.startswith(kinds) and not SERIES.match(line)]
    assert odd == []
    assert 'squorum_requests_total{action="SendMessage",answer="success"} 5' in lines
    assert 'squorum_messages{state="visible"} 5' in lines
    assert own_node.metric("squorum_group_has_leader") == own_node.metric("squorum_group_leads")
    assert own_node.metric("squorum_log_syncs") > 0
    assert own_node.metric("process_resident_memory_bytes") > 0


def test_status_and_health_say_that_all_is_well(own_node, sqs_of_own):
    admin = ("--admin", f"http://127.0.0.1:{own_node.admin_port}")

    table = squorum("status", *admin)
    assert (table.returncode, table.stderr) == (0, "")
    assert table.stdout.splitlines()[-1].startswith("WELL: ")
    shown = squorum("status", *admin, "-o", "json")
    assert json.loads(shown.stdout)["verdict"] == own_node.status()["verdict"] == "well"
    health = squorum("health", *admin)
    assert (health.returncode, health.stdout) == (0, "ready\n")

    sqs_of_own.create_queue(QueueName="located")
    located = squorum("status", *admin, "--queue", "located", "-o", "json")
    assert located.returncode == 0
    leaders = [partition["leader"] for partition in json.loads(located.stdout)["partitions"]]
    assert leaders == [own_node.status()["this_node"]]
    assert squorum("status", *admin, "--queue", "nowhere").returncode == 2


def test_a_node_that_waits_for_its_seeds_says_so(make_node):
    own, missing = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    seeds = ("--cluster-listen", own, "--advertise", own, "--seeds", f"{own},{missing}")
    node = make_node(arguments=seeds)
    node.spawn()
    admin = ("--admin", f"http://127.0.0.1:{node.admin_port}")
    while missing not in node.admin_get("/health/ready")[1]:
        assert node.is_running(), node.log_tail()

    assert node.admin_get("/health/live")[0] == 200
    assert node.admin_get("/health/ready")[0] == 503
    assert node.metric("squorum_ready") == 0
    table = squorum("status", *admin)
    assert table.returncode == 2
    assert missing in table.stdout
    health = squorum("health", *admin)
    assert health.returncode == 1
    assert missing in health.stdout


def test_who_is_not_there_is_unreachable():
    admin = ("--admin", f"http://127.0.0.1:{free_port()}")

    status = squorum("status", *admin)

    assert status.returncode == 2
    assert status.stdout.startswith("UNREACHABLE: ")
    assert squorum("health", *admin).returncode == 1
