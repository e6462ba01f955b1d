"""The AWS SDK for Ruby, version 1, as Debian 12 has it: it speaks the Query protocol and posts to the
queue's path."""

import pytest

from squorum_tests import clients, tour

pytestmark = pytest.mark.every_client
TOO_OLD_FOR = ("tags", "fifo", "fifo_rising", "fifo_duplicate", "fifo_deleted")
# Its client has no call for it.
NOT_THERE = ("counters_purged",)


def test_tour(node, unique):
    name = unique()
    directory = clients.PROGRAMS / "ruby"
    command = ["/usr/bin/ruby", "tour.rb", name]
    printed = clients.run(command, node.endpoint, directory, ENDPOINT=node.endpoint)
    # Its Host header has no port, and it adds its own port to whatever URL it is given.
    seen = f"http://{node.place.host}"
    tour.judge(printed, seen, name, without=TOO_OLD_FOR + NOT_THERE)
