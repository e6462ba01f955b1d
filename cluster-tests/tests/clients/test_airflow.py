"""Airflow: the hook, the operator that publishes, the sensor that polls and its trigger."""

import json

import pytest

from squorum_tests import clients

pytestmark = pytest.mark.every_client


def test_hook_operator_and_sensor(node, unique, tmp_path):
    extra = {"region_name": "us-east-1", "endpoint_url": node.endpoint}
    connection = {"conn_type": "aws", "login": "anything", "password": "anything", "extra": extra}
    printed = clients.run(
        [clients.python("airflow"), "program.py", unique()],
        node.endpoint,
        clients.PROGRAMS / "airflow",
        AIRFLOW_CONN_AWS_DEFAULT=json.dumps(connection),
        AIRFLOW_HOME=str(tmp_path),
    )
    saw = json.loads(printed.splitlines()[-1])
    print(saw.pop("client"))
    assert saw == {
        "nothing": None,
        "filtered": ['{"size": "small"}'],
        "triggered": ['{"size": "large"}'],
        "fifo": ["one", "two"],
    }
