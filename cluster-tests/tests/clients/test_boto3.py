"""boto3, as PyPI has it and as Debian 12 has it, which still speaks the Query protocol."""

import sys

import pytest

from squorum_tests import clients, tour
from squorum_tests.stream import survives_two_deaths

pytestmark = pytest.mark.timeout(900)
DIRECTORY = clients.PROGRAMS / "boto3"
PYTHONS = {"current": sys.executable, "debian": clients.SYSTEM_PYTHON}


@pytest.mark.parametrize("which", PYTHONS)
def test_tour(node, unique, which):
    name = unique()
    printed = clients.run([PYTHONS[which], "tour.py", name], node.endpoint, DIRECTORY)
    tour.judge(printed, node.endpoint, name)


@pytest.mark.parametrize("which", PYTHONS)
def test_two_deaths(cluster, which):
    survives_two_deaths(cluster, [PYTHONS[which], "stream.py", "stream"], DIRECTORY)
