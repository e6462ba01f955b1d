"""examples/fan_out while nodes are killed, and the publisher too: each event has both effects, once."""

import sqlite3

import pytest

from squorum_tests.programs import kills_in_turn, run_to_the_end, words
from squorum_tests.size import size

pytestmark = pytest.mark.timeout(900)

EVENTS = size(60, 600)


def test_each_event_has_its_effect_at_both_once(cluster, tmp_path):
    arguments = ("fan_out/fan_out.py", "--events", str(EVENTS))
    with kills_in_turn(cluster) as kills:
        for directory in kills.rounds(tmp_path):
            lines = run_to_the_end(cluster, directory, *arguments)
            (path,) = directory.glob("fan-out-*/events.sqlite")
            with sqlite3.connect(path) as database:
                effects = database.execute("SELECT consumer, event FROM effects").fetchall()
            assert sorted(effects) == [
                (consumer, event)
                for consumer in ("billing", "shipping")
                for event in range(1, EVENTS + 1)
            ]
            # The measures were needed: the publisher died, and events came again.
            assert len(words(lines, "dies,")) == 1
            assert any(line.split()[1] == "knows" for line in lines)
