"""Makes failed assertions inside the harness say what they compared, as those in tests do, keeps what
tests measure, and adds the options that choose what the tests run against, and which clients."""

import pytest

pytest.register_assert_rewrite("squorum_tests")
pytest_plugins = ["squorum_tests.figures"]


def pytest_addoption(parser):
    parser.addoption(
        "--squorum-nodes",
        type=int,
        choices=(1, 3),
        default=1,
        help="nodes behind the tests that only speak the protocol; each test talks to one of them",
    )
    parser.addoption(
        "--squorum-every-client",
        action="store_true",
        help="also the clients that `make test-clients` adds to those of `make test`",
    )


def pytest_collection_modifyitems(config, items):
    """What is left out was not installed, and is not said to be skipped."""
    if not config.getoption("--squorum-every-client"):
        items[:] = [item for item in items if item.get_closest_marker("every_client") is None]
