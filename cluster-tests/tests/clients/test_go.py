"""The AWS SDK for Go v2, as Debian 12 has it: it speaks the Query protocol."""

import pytest

from squorum_tests import clients, tour

pytestmark = pytest.mark.every_client


def test_tour(node, unique):
    name = unique()
    program = clients.built("squorum-go-client")
    directory = clients.PROGRAMS / "go"
    printed = clients.run([program, name], node.endpoint, directory, ENDPOINT=node.endpoint)
    tour.judge(printed, node.endpoint, name)
