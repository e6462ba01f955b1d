"""What docs/clients.md shows is what the tests run: every line that it shows stands in the program that
it names, every version is the one that is installed, and every program is on it."""

import json
import re
import subprocess

import pytest

from squorum_tests.clients import PROGRAMS
from squorum_tests.documents import INDENT, ROOT

PAGE = (ROOT / "docs/clients.md").read_text()
PROGRAM = re.compile(r"`cluster-tests/clients/(\S+?)`")


def sections() -> list[str]:
    return PAGE.split("\n## ")[1:]


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.split("\n")[0])
def test_lines_that_are_shown(section):
    program = (PROGRAMS / PROGRAM.search(section)[1]).read_text()
    lines = {re.sub(r"^(#|//!?|\s)*", "", line).rstrip() for line in program.splitlines()}
    shown = [line.strip() for line in section.splitlines() if line.startswith(INDENT)]
    assert shown != []
    assert [line for line in shown if not any(line in known for known in lines)] == []


def test_every_program_is_on_the_page():
    named = {path.split("/")[0] for path in PROGRAM.findall(PAGE)}
    assert {path.name for path in PROGRAMS.iterdir()} == named


def versions() -> dict[str, str]:
    """By the client's name in the table, of those that a list in the repository pins."""
    found = {}
    own_list = ROOT / "cluster-tests/requirements.txt"
    for path in [*sorted(PROGRAMS.glob("*/requirements*.txt")), own_list]:
        suffix = path.stem.removeprefix("requirements")
        for name, version in re.findall(r"^([\w.-]+)==(\S+)$", path.read_text(), re.MULTILINE):
            # Every client has libraries that are clients of other rows.
            if path == own_list or (name != "boto3" and f"{name}{suffix}" not in found):
                found[f"{name}{suffix}"] = version
    package = json.loads((PROGRAMS / "javascript/package.json").read_text())
    found |= package["dependencies"]
    lock = (PROGRAMS / "rust/Cargo.lock").read_text()
    found |= dict(re.findall(r'name = "(aws-sdk-sqs)"\nversion = "(\S+)"', lock))
    return found


@pytest.mark.parametrize(
    ("row", "packages"),
    [
        ("[boto3](#boto3)", ["boto3"]),
        ("[AWS CLI 1](#aws-cli)", ["awscli"]),
        ("[AWS SDK for Rust]", ["aws-sdk-sqs"]),
        ("[AWS SDK for JavaScript 3]", ["@aws-sdk/client-sqs"]),
        ("sqs-consumer, sqs-producer", ["sqs-consumer", "sqs-producer"]),
        ("[Celery](#celery), kombu", ["celery", "kombu"]),
        ("Celery, kombu, current", ["celery-5.7", "kombu-5.7"]),
        ("[aiobotocore]", ["aiobotocore"]),
        ("[Dramatiq](#dramatiq), dramatiq-sqs", ["dramatiq", "dramatiq-sqs"]),
        ("[TaskIQ](#taskiq), taskiq-aio-sqs", ["taskiq", "taskiq-aio-sqs"]),
        ("[Airflow]", ["apache-airflow-core", "apache-airflow-providers-amazon"]),
    ],
)
def test_versions_are_those_that_are_pinned(row, packages):
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {row}")]
    pinned = versions()
    assert line.split(" | ")[1] == ", ".join(pinned[package] for package in packages)


@pytest.mark.parametrize(
    ("row", "package"), [("boto3 of Debian 12", "python3-boto3"), ("AWS CLI 2 of", "awscli")]
)
def test_versions_are_those_of_debian(row, package):
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {row}")]
    command = ["dpkg-query", "-W", "-f", "${Version}", package]
    installed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert installed.startswith(line.split(" | ")[1])
