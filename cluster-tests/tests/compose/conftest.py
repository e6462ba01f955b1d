"""Clusters of the shipped docker-compose.yml. Installs and starts a Docker engine where none runs."""

import subprocess

import pytest

from squorum_tests import docker
from squorum_tests.compose import ComposeCluster

LOG_LINES_SHOWN = 40
CLUSTER: pytest.StashKey[ComposeCluster] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its containers logged last."""
    report = yield
    if report.failed and call.when == "call" and CLUSTER in item.stash:
        for node in item.stash[CLUSTER].nodes:
            report.sections.append((f"log of {node.name}", node.log_tail(LOG_LINES_SHOWN)))
    return report


@pytest.fixture(scope="session")
def image():
    """The image of the binary under test."""
    reason = docker.why_not_available()
    if reason:
        pytest.skip(reason)
    docker.start_engine()
    image = docker.build_image()
    yield image
    subprocess.run(["docker", "image", "rm", "--force", image], capture_output=True)


@pytest.fixture
def cluster(request, tmp_path, image):
    """Three started containers of the test's own."""
    with ComposeCluster(tmp_path, image) as cluster:
        request.node.stash[CLUSTER] = cluster
        cluster.start()
        yield cluster
        unexpected = cluster.unexpected_errors()
    assert not unexpected, "unexpected error lines:\n" + "\n".join(unexpected)
