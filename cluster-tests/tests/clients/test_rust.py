"""aws-sdk-rust."""

import pytest

from squorum_tests import clients, tour
from squorum_tests.stream import survives_two_deaths

pytestmark = pytest.mark.timeout(900)
DIRECTORY = clients.PROGRAMS / "rust"
PROGRAM = clients.built("squorum-rust-client")


def test_tour(node, unique):
    name = unique()
    printed = clients.run([PROGRAM, "tour", name], node.endpoint, DIRECTORY)
    tour.judge(printed, node.endpoint, name)


def test_two_deaths(cluster):
    survives_two_deaths(cluster, [PROGRAM, "stream", "stream"], DIRECTORY)
