"""SIGKILL under the load of users: of each node in turn, and of all three at once."""

import pytest

from squorum_tests.scenarios import survive_kills_in_turn, survive_loss_of_all

pytestmark = pytest.mark.timeout(900)


def test_each_node_in_turn(cluster, figures):
    survive_kills_in_turn(cluster, figures)


def test_all_nodes_at_once(cluster, figures):
    survive_loss_of_all(cluster, lambda: cluster.kill(0, 1, 2), figures)
