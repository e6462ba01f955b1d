"""The AWS CLI: version 1 as PyPI has it, version 2 as Debian 12 has it, which still speaks the Query
protocol."""

import sys

import pytest

from squorum_tests import clients, tour

# Each call is a process that loads all of it.
pytestmark = pytest.mark.timeout(900)
COMMANDS = {
    "version-1": [str(clients.INSTALLED / "awscli/bin/aws")],
    "version-2": [clients.SYSTEM_PYTHON, "/usr/bin/aws"],
}


@pytest.mark.parametrize("version", COMMANDS)
def test_tour(node, unique, version):
    name = unique()
    aws = [*COMMANDS[version], "--endpoint-url", node.endpoint]
    command = [sys.executable, "tour.py", name, *aws]
    printed = clients.run(command, node.endpoint, clients.PROGRAMS / "awscli")
    tour.judge(printed, node.endpoint, name)
