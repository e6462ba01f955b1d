"""The programs of clients/, each in the language of its client, and how they are run.

`scripts/install-clients` installs what they need: virtual environments, a directory of node modules and
built programs below SQUORUM_CLIENTS_DIR, and packages of the system.
"""

import os
import subprocess
from pathlib import Path

from squorum_tests.client import REGION
from squorum_tests.documents import ROOT

PROGRAMS = ROOT / "cluster-tests/clients"
INSTALLED = Path(os.environ.get("SQUORUM_CLIENTS_DIR", Path.home() / ".cache/squorum/clients"))
# Debian's, which knows Debian's packages.
SYSTEM_PYTHON = "/usr/bin/python3"
PROGRAM_SECONDS_MAX = 600.0


def python(client: str) -> str:
    """The interpreter of a client's virtual environment."""
    return str(INSTALLED / client / "bin/python")


def built(name: str) -> str:
    """A program that `scripts/install-clients` compiled."""
    return str(INSTALLED / "bin" / name)


def environment(endpoint: str, **more: str) -> dict[str, str]:
    """What users export, and nothing of this machine's own settings for AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "anything",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        **more,
    }


def run(command: list[str], endpoint: str, directory: Path, **more: str) -> str:
    """What the program printed; it must end with 0. It runs where its files lie."""
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment(endpoint, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS_MAX,
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout
