"""aiobotocore: many calls at once on one event loop."""

import pytest

from squorum_tests import clients, tour

pytestmark = pytest.mark.every_client


def test_tour(node, unique):
    name = unique()
    command = [clients.python("aiobotocore"), "tour.py", name]
    printed = clients.run(command, node.endpoint, clients.PROGRAMS / "aiobotocore")
    tour.judge(printed, node.endpoint, name)
