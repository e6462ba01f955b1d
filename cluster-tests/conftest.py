"""Makes failed assertions inside the harness say what they compared, as those in tests do, keeps what
tests measure, and adds the option that runs the acceptance tests against a cluster."""

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
