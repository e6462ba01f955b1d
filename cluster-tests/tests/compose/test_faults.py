"""What users do to the shipped cluster, by Docker's own commands: kill, pause, network disconnect.
The load, the bars and the judge are those of the cluster of processes."""

import pytest

from squorum_tests.scenarios import survive_hang, survive_kills_in_turn, survive_loss_of_all

pytestmark = pytest.mark.timeout(900)


def test_each_node_in_turn(cluster, figures):
    survive_kills_in_turn(cluster, figures)


def test_all_nodes_at_once(cluster, figures):
    survive_loss_of_all(cluster, lambda: cluster.kill(0, 1, 2), figures)


def test_paused_node(cluster, figures):
    survive_hang(cluster, 0, cluster.pause, cluster.resume, figures)


def test_disconnected_node(cluster, figures):
    """From the network of the nodes; its clients still reach it."""
    survive_hang(cluster, 1, cluster.isolate, lambda _: cluster.heal(), figures)
