"""The picture of the README can be drawn from what a cluster does now, and is what is kept."""

import xml.etree.ElementTree as ElementTree

from squorum_tests.documents import ROOT
from squorum_tests.failover_picture import Failover, draw, record

SECONDS = 6.0


def texts(svg: str) -> str:
    return " ".join(element.text or "" for element in ElementTree.fromstring(svg).iter())


def test_a_death_is_recorded_and_drawn(cluster):
    failover = record(cluster, SECONDS)
    assert 0 < failover.killed < failover.started < SECONDS + 1
    assert failover.report["lost"] == failover.report["duplicates"] == 0
    assert "node killed" in texts(draw(failover))


def test_a_pause_is_as_long_as_its_intervals():
    timeline = {"interval_ms": 100, "sent": [5, 0, 0, 5, 0], "deleted": [0, 5, 5, 0, 0]}
    report = {"timeline": timeline, "sent": 10, "deleted": 10, "lost": 0}
    failover = Failover(report, 0.1, 0.3)
    assert failover.pause_seconds() == 0.2
    assert failover.rates("sent")[0] == 50.0
    assert "for 0.2 s at most" in texts(draw(failover))


def test_the_picture_that_is_kept_shows_no_loss():
    assert "lost 0" in texts((ROOT / "docs/failover.svg").read_text())
