"""examples/orders while nodes are killed, and a handler too: each order takes effect once, in order."""

import sqlite3

import pytest

from squorum_tests.programs import kills_in_turn, run_to_the_end, words
from squorum_tests.size import size

pytestmark = pytest.mark.timeout(900)

CUSTOMERS = 5
ORDERS = size(10, 60)


def effects(directory) -> list[tuple[str, str, int]]:
    """Id, customer and number of every order, as they took effect."""
    (path,) = directory.glob("orders-*/orders.sqlite")
    query = "SELECT order_id, customer, number FROM payments ORDER BY sequence"
    with sqlite3.connect(path) as database:
        return database.execute(query).fetchall()


def test_each_order_has_its_effect_once_and_in_order(cluster, tmp_path):
    arguments = ("orders/orders.py", "--customers", str(CUSTOMERS), "--orders", str(ORDERS))
    with kills_in_turn(cluster) as kills:
        for directory in kills.rounds(tmp_path):
            lines = run_to_the_end(cluster, directory, *arguments)
            found = effects(directory)
            assert len({order for order, _, _ in found}) == len(found) == CUSTOMERS * ORDERS
            for customer in {customer for _, customer, _ in found}:
                numbers = [number for _, whose, number in found if whose == customer]
                assert numbers == list(range(ORDERS)), customer
            placed = words(lines, "placed")
            assert {order for _, order, *_ in placed} == {order for order, _, _ in found}
            # The measures were needed: orders were placed again, the handler died and left some behind.
            assert any(line[-1] == "again" for line in placed)
            assert len(words(lines, "dies")) == 1
            assert words(lines, "known") != []
