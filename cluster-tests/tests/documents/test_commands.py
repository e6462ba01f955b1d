"""The commands that documents show do what they are there for. They run as they stand, in network
namespaces, where the addresses and ports that documents name are free."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from squorum_tests import network
from squorum_tests.documents import INDENT, ROOT, commands, shown
from squorum_tests.node import ERROR_LINE, binary
from squorum_tests.parity.facts import exists

EXAMPLES = sorted(path.parent.name for path in ROOT.glob("examples/*/README.md"))
DOCUMENTS = (
    *("README.md", "docs/operations.md", "CONTRIBUTING.md"),
    *("cluster-tests/README.md", "scripts/bench-peers/README.md"),
    *(f"examples/{name}/README.md" for name in EXAMPLES),
)
LIBRARIES = ("python3 -m venv .venv", ".venv/bin/pip install boto3")
FIRST, EXAMPLE, THREE, LOST_DISK, LOOKS = (
    f"cluster-tests/tests/documents/test_commands.py::test_{name}"
    for name in (
        "first_message_of_the_readme",
        "run_and_example",
        "three_nodes_without_containers",
        "a_node_whose_disk_is_lost_is_replaced",
        "looks_at_messages",
    )
)
CLUSTER, KILLED, LOST_VOLUME, OFF_THE_NETWORK = (
    f"cluster-tests/tests/compose/test_documented_commands.py::test_{name}"
    for name in (
        "data_outlives_the_containers_until_it_is_destroyed",
        "node_is_killed_under_the_bench_and_started_again",
        "node_whose_volume_is_lost_is_replaced",
        "node_is_taken_off_the_network_and_put_back",
    )
)
PYTEST = "~/.cache/squorum/venv/bin/python -m pytest"
RUNS_TESTS = "it runs tests, as `make test` does this one"
# Whole commands, each with the test that runs it, or the reason why none does.
COMMANDS = {
    "make run": FIRST,
    **dict.fromkeys(LIBRARIES, "made by `make test` itself, where this runs"),
    "export AWS_ENDPOINT_URL=http://localhost:9324": FIRST,
    "export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything "
    "AWS_DEFAULT_REGION=us-east-1": FIRST,
    ".venv/bin/python examples/hello/hello.py": FIRST,
    **{f"python examples/{name}/{name}.py": EXAMPLE for name in EXAMPLES},
    "squorum serve --listen 0.0.0.0:9324 --cluster-listen 10.0.0.1:9326 "
    "--seeds 10.0.0.1:9326,10.0.0.2:9326,10.0.0.3:9326": THREE,
    "squorum bench send pipeline --batch 1,10": THREE,
    "squorum node replace 0123456789abcdef": LOST_DISK,
    "squorum queue peek jobs": LOOKS,
    "squorum queue peek jobs --state in-flight": LOOKS,
    "squorum queue peek jobs --state delayed --limit 100 -o json": LOOKS,
    'squorum queue peek jobs --body "order 17" --attribute kind=order': LOOKS,
    "make cluster": CLUSTER,
    "export PATH=$HOME/.cache/squorum/target/release:$PATH": "tests name the binary themselves",
    "export AWS_ENDPOINT_URL_SQS=http://localhost:9324,http://localhost:9334,http://localhost:9344": (
        "tests have ports of their own; test_readme.py runs it at full size"
    ),
    "squorum bench pipeline --rate 500 --duration 30s --tolerate-errors": KILLED,
    "docker kill squorum_node2_1": KILLED,
    "scripts/compose exec -T node1 squorum status": KILLED,
    "docker start squorum_node2_1": KILLED,
    "docker rm --force squorum_node2_1": LOST_VOLUME,
    "docker volume rm squorum_node2": LOST_VOLUME,
    "scripts/compose up --detach node2": LOST_VOLUME,
    "scripts/compose exec -T node1 squorum node replace 0123456789abcdef": LOST_VOLUME,
    "docker run --network squorum_clients -e AWS_ENDPOINT_URL_SQS=http://squorum:9324 …": (
        "the reader completes it; tests/compose/test_one_name.py has containers on that network"
    ),
    "docker network disconnect squorum_peers squorum_node2_1": OFF_THE_NETWORK,
    "docker network connect --ip 172.30.26.12 squorum_peers squorum_node2_1": OFF_THE_NETWORK,
    "make test": RUNS_TESTS,
    "make build": "what is under test was built",
    "make test-clients": "installs and runs every client, which is for those who change one",
    "scripts/install-clients --all": "downloads what only `make test-clients` needs",
    f"{PYTEST} cluster-tests -k power_cut -s": RUNS_TESTS,
    f"{PYTEST} cluster-tests/tests/acceptance --squorum-nodes 3": RUNS_TESTS,
    f"{PYTEST} cluster-tests/tests/clients -k rust": RUNS_TESTS,
    "scripts/bench-peers/run --rounds 3 --duration 5 --json figures.json": (
        "a benchmark that compiles and downloads for it, and takes minutes"
    ),
}
READY_SECONDS_MAX = 60.0
ID_SHOWN = "0123456789abcdef"

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        network.why_not_available() is not None, reason=str(network.why_not_available())
    ),
]


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """`squorum` is the binary under test, `python` has boto3, data lies below the test's directory."""
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "squorum").symlink_to(binary("squorum", "SQUORUM_BINARY"))
    path = (str(directory), str(Path(sys.executable).parent), network.path())
    return {
        **os.environ,
        "PATH": ":".join(path),
        "SQUORUM_BINARY": str(directory / "squorum"),
        "SQUORUM_DATA_DIR": "data",
        "NO_COLOR": "1",
        "TMPDIR": str(tmp_path),
    }


class Machine:
    """A shell in a namespace of its own, with a working directory of its own."""

    def __init__(self, enter: tuple[str, ...], directory: Path, environment: dict[str, str]):
        self._command = [*enter, "bash", "-euc"]
        self.directory = directory
        self._environment = {**environment, "SQUORUM_DATA_DIR": str(directory / "data")}
        directory.mkdir()

    def run(self, *lines: str) -> str:
        done = subprocess.run(
            [*self._command, "\n".join(lines)],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{lines}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def running(self, line: str):
        """Ends the command by what Ctrl-C sends to everything that it started."""
        log_path = self.directory / "log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [*self._command, line],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        errors = [line for line in log_path.read_text().splitlines() if ERROR_LINE.search(line)]
        assert errors == []

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        command = [*self._command, "squorum health"]
        while subprocess.run(command, env=self._environment, capture_output=True).returncode != 0:
            assert time.monotonic() < deadline, (self.directory / "log").read_text()
            time.sleep(0.1)


def test_every_command_is_known():
    """A new command in a document wants a test, or a reason why not."""
    found = [(document, command) for document in DOCUMENTS for command in commands(document)]
    assert [place for place in found if place[1] not in COMMANDS] == []
    assert COMMANDS.keys() - {command for _, command in found} == set(), "shown no more"
    tests = [told for told in COMMANDS.values() if "::" in told]
    assert [test for test in tests if not exists(test)] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_run_and_example(tmp_path, environment, name):
    run, *example = commands(f"examples/{name}/README.md")
    assert run == shown("README.md", "make run")
    assert example[-1] == f"python examples/{name}/{name}.py"
    # It also builds; that was done.
    run = run.replace("make", "make -o build")
    with network.Network(1) as machines:
        machine = Machine(machines.enter(0), tmp_path / "machine", environment)
        with machine.running(run):
            machine.wait_until_ready()
            printed = machine.run(*example).splitlines()
    if name == "hello":
        assert [line.split()[0] for line in printed] == ["sent", "received", "deleted"]
    else:
        assert kind(printed[-1]) == kind(printed_last(f"examples/{name}/README.md"))


def test_first_message_of_the_readme(tmp_path, environment):
    """What it shows before the containers; test_readme.py does it on a bare machine."""
    steps = commands("README.md")
    run, *steps = steps[: steps.index("make cluster")]
    steps = [step for step in steps if step not in LIBRARIES]
    with network.Network(1) as machines:
        machine = Machine(machines.enter(0), tmp_path / "machine", environment)
        with machine.running(run.replace("make", "make -o build")):
            machine.wait_until_ready()
            printed = machine.run(*(step.replace(".venv/bin/", "") for step in steps))
    assert "received" in printed


def test_three_nodes_without_containers(tmp_path, environment):
    serve = shown("README.md", "squorum serve")
    bench = f"{shown('README.md', 'squorum bench send')} --warm-up 0s --duration 500ms"
    with network.Network(3) as machines, contextlib.ExitStack() as running:
        nodes = []
        for index, address in enumerate(machines.addresses):
            node = Machine(machines.enter(index), tmp_path / f"machine{index}", environment)
            nodes.append(node)
            running.enter_context(node.running(as_on_machine(serve, machines.addresses, address)))
        for node in nodes:
            node.wait_until_ready()
        deadline = time.monotonic() + READY_SECONDS_MAX
        while "degraded" in (status := nodes[0].run("squorum status || test $? -eq 1")):
            assert time.monotonic() < deadline, status
            time.sleep(0.2)
        assert all(address in status for address in machines.addresses), status
        nodes[2].run(bench)


def test_a_node_whose_disk_is_lost_is_replaced(tmp_path, environment):
    serve = shown("README.md", "squorum serve")
    replace = shown("docs/operations.md", "squorum node replace")
    with network.Network(3) as machines, contextlib.ExitStack() as running:
        addresses = machines.addresses
        commands_here = [as_on_machine(serve, addresses, address) for address in addresses]
        nodes = [
            Machine(machines.enter(index), tmp_path / f"machine{index}", environment)
            for index in range(3)
        ]
        for node, command in zip(nodes[:2], commands_here, strict=False):
            running.enter_context(node.running(command))
        with nodes[2].running(commands_here[2]):
            nodes[2].wait_until_ready()
            nodes[0].wait_until_ready()
            status = nodes[2].run("squorum status --output json || test $? -eq 1")
            lost = json.loads(status)["this_node"]
        shutil.rmtree(nodes[2].directory / "data")
        running.enter_context(nodes[2].running(commands_here[2]))
        deadline = time.monotonic() + READY_SECONDS_MAX
        while "waits to be taken in" not in nodes[0].run("squorum status || test $? -eq 1"):
            assert time.monotonic() < deadline, "the new node is not seen"
            time.sleep(0.2)
        said = nodes[0].run(replace.replace(ID_SHOWN, lost))
        assert "is a member" in said
        nodes[2].wait_until_ready()


ONE_ORDER = """python - <<'END'
import boto3
sqs = boto3.client(
    "sqs", endpoint_url="http://localhost:9324", region_name="us-east-1",
    aws_access_key_id="any", aws_secret_access_key="any",
)
url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
kind = {"kind": {"DataType": "String", "StringValue": "order"}}
sqs.send_message(QueueUrl=url, MessageBody="order 17 of many", MessageAttributes=kind)
sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
END"""


def test_looks_at_messages(tmp_path, environment):
    looks = [
        line for line in commands("docs/operations.md") if line.startswith("squorum queue peek")
    ]
    with network.Network(1) as machines:
        machine = Machine(machines.enter(0), tmp_path / "machine", environment)
        with machine.running("squorum serve"):
            machine.wait_until_ready()
            machine.run(ONE_ORDER)
            visible, in_flight, delayed, filtered = (machine.run(look) for look in looks)
    assert "order 17 of many" in visible
    assert in_flight.startswith("No messages")
    assert [message["Body"] for message in json.loads(delayed)["messages"]] == ["later"]
    assert "order 17 of many" in filtered


def printed_last(document: str) -> str:
    """The last line of the output that a document shows."""
    lines = (ROOT / document).read_text().splitlines()
    return [line.strip() for line in lines if line.startswith(INDENT)][-1]


def kind(line: str) -> str:
    """What two runs have in common: not the directory that they made."""
    return line.split(", see ")[0]


def as_on_machine(command: str, addresses: list[str], own: str) -> str:
    """With the addresses of this network for those that the document has."""
    network_of_document, network_here = "10.0.0.", addresses[0].removesuffix("1")
    command = command.replace(network_of_document, network_here)
    return re.sub(r"--cluster-listen \S+:", f"--cluster-listen {own}:", command)
