"""The table of cases, over both protocols and by two generations of boto3."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from squorum_tests import client
from squorum_tests.parity.cases import LEAST, all_cases
from squorum_tests.parity.errors import ELSEWHERE, NEVER, NEVER_OF_ACTION
from squorum_tests.parity.runner import problem_of

CASES = all_cases()
DEBIAN_PYTHON = Path("/usr/bin/python3")
HARNESS = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def clients():
    return {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case, node, protocol, clients):
    key = (node.endpoint, protocol)
    if key not in clients:
        clients[key] = client.sqs(node.endpoint, protocol=protocol, parameter_validation=False)
    problem = problem_of(clients[key], case)
    assert problem is None


def test_every_action_and_each_of_its_errors_has_a_case(sqs):
    model = sqs.meta.service_model
    assert set(model.operation_names) == LEAST.keys()
    tested = {(case.action, case.error) for case in CASES} | ELSEWHERE.keys()
    missing = [
        (action, error.name)
        for action in model.operation_names
        for error in model.operation_model(action).error_shapes
        if (action, error.name) not in tested | NEVER_OF_ACTION.keys() and error.name not in NEVER
    ]
    assert missing == []


def debian_has_boto3() -> bool:
    if not DEBIAN_PYTHON.exists():
        return False
    asked = [str(DEBIAN_PYTHON), "-c", "import boto3"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not debian_has_boto3(), reason="Debian's python3-boto3 is not installed")
def test_cases_by_debians_boto3(node):
    """Which speaks the Query protocol by a model of its own."""
    asked = [str(DEBIAN_PYTHON), "-m", "squorum_tests.parity.runner", node.endpoint]
    done = subprocess.run(
        asked,
        cwd=HARNESS,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print(f"boto3 {found['boto3']}: {found['cases']} cases")
    assert found["wrong"] == {}
    assert found["cases"] > 200
