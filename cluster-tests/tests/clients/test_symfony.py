"""Symfony Messenger and AsyncAws below it, as Debian 12 has them: they speak the Query protocol."""

import json

import pytest

from squorum_tests import clients, tour

pytestmark = pytest.mark.every_client
DIRECTORY = clients.PROGRAMS / "symfony"
# Actions that it does not know.
NOT_THERE = ("tags", "attributes")
JOBS = {f"job-{number}" for number in range(20)} | {"later"}


def php(*arguments: str) -> list[str]:
    """Deprecations of Debian's versions are nobody's concern here."""
    return ["/usr/bin/php", "-d", "error_reporting=E_ALL & ~E_DEPRECATED", *arguments]


def test_tour(node, unique):
    name = unique()
    command = php("tour.php", name)
    printed = clients.run(command, node.endpoint, DIRECTORY, ENDPOINT=node.endpoint)
    tour.judge(printed, node.endpoint, name, without=NOT_THERE)


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_messenger(node, unique, suffix):
    place = f"{node.place.host}:{node.port}"
    dsn = f"sqs://anything:anything@{place}/{unique(suffix)}?sslmode=disable"
    saw = json.loads(clients.run(php("messenger.php", dsn), node.endpoint, DIRECTORY))
    assert sorted(saw["handled"]) == sorted(JOBS)
    assert saw["left"] == 0
    if suffix:
        assert saw["sent"] == 21
    else:
        assert (saw["sent"], saw["waited"]) == (20, True)
