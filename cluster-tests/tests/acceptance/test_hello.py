"""The example of the README: an SQS program with nothing changed but the endpoint."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[3] / "examples/hello/hello.py"


def test_hello_sends_receives_and_deletes(node):
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": node.endpoint,
        "AWS_ACCESS_KEY_ID": "anything",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    words = [line.split()[0] for line in done.stdout.splitlines()]
    assert words == ["sent", "received", "deleted"]
