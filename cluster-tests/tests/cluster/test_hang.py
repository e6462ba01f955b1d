"""One node hangs, or is cut off from the other nodes but not from its clients: in both directions, or
in one alone."""

import pytest

from squorum_tests.scenarios import survive_hang

pytestmark = pytest.mark.timeout(900)


def test_paused_node(cluster, figures):
    survive_hang(cluster, 0, cluster.pause, cluster.resume, figures)


@pytest.mark.parametrize(
    ("index", "cut"),
    [(1, "isolate"), (2, "deafen"), (0, "mute")],
    ids=["both directions", "hears nobody", "is not heard"],
)
def test_cut_off_node(cluster, index, cut, figures):
    survive_hang(cluster, index, getattr(cluster, cut), lambda _: cluster.heal(), figures)
