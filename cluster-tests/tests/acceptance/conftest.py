"""Runs the acceptance tests over both protocols. A test of time, load or what lies behind the protocol
is marked `one_protocol` and runs over JSON alone."""

import pytest

from squorum_tests import client


def pytest_generate_tests(metafunc):
    if "protocol" in metafunc.fixturenames:
        one = metafunc.definition.get_closest_marker("one_protocol") is not None
        metafunc.parametrize("protocol", [client.JSON] if one else client.PROTOCOLS)


@pytest.fixture
def sqs(node, protocol):
    return client.sqs(node.endpoint, protocol=protocol)
