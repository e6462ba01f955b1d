"""boto3 clients for a node, with nothing set but the endpoint and its credentials."""

import threading

import boto3
from botocore.config import Config

from squorum_tests import query_model

REGION = "us-east-1"
ACCOUNT = "000000000000"
JSON, QUERY = PROTOCOLS = ("json", "query")

# boto3 sessions are not safe to create clients from in several threads at once. One session reads the
# description of the service once.
_CREATION = threading.Lock()
_SESSION = boto3.session.Session()


def sqs(
    endpoint: str,
    *,
    attempts: int = 1,
    read_timeout_seconds: float = 60.0,
    account: str | None = None,
    region: str = REGION,
    protocol: str = JSON,
    **settings,
):
    """An SQS client. `attempts` 1 means that errors reach the test instead of boto3's retries;
    `account` is one of twelve digits, none the default one."""
    config = Config(
        retries={"total_max_attempts": attempts, "mode": "standard"},
        connect_timeout=5,
        read_timeout=read_timeout_seconds,
        **settings,
    )
    return make(endpoint, config, account or "test", region, protocol)


def sqs_of_users(endpoint: str):
    """An SQS client as users have it: every setting, retries above all, is boto3's own."""
    return make(endpoint, None)


def impatient_sqs(endpoint: str):
    """A client of which every broken or slow call reaches the test."""
    return sqs(endpoint, read_timeout_seconds=10)


def make(
    endpoint: str,
    config: Config | None,
    access_key: str = "test",
    region: str = REGION,
    protocol: str = JSON,
):
    with _CREATION:
        session = query_model.session() if protocol == QUERY else _SESSION
        return session.client(
            "sqs",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key="test",
            config=config,
        )
