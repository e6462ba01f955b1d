"""Power cut under load: the data directory lies on an ext4 whose power is cut, so that only what
was synced is left. The same bars as for SIGKILL."""

import random
import re
import time

import pytest

from squorum_tests import ext4_image
from squorum_tests.machine import start_bar
from squorum_tests.profile import Profile
from squorum_tests.size import seed, size
from squorum_tests.workload import judge, running

CUTS = size(2, 10)
READY_SECONDS_MAX = 2.0
PROFILES = [Profile("orders"), Profile("payments.fifo"), Profile("large", body_bytes=20_000)]
# A dead disk is an error, and saying so is right. What the log refuses after the first failure, in
# the moment before the process ends, is reported as a log that is closed.
DEAD_DISK = re.compile(
    r"input/output error|os error 5|I/O error|EIO|the log is closed", re.IGNORECASE
)

pytestmark = pytest.mark.skipif(
    ext4_image.why_not_available() is not None, reason=str(ext4_image.why_not_available())
)


@pytest.fixture
def disk(tmp_path):
    with ext4_image.Ext4Image(tmp_path / "ext4") as image:
        yield image


@pytest.fixture
def node_on_disk(disk, make_node):
    node = make_node(data_dir=disk.mount_point / "data")
    node.expected_errors.append(DEAD_DISK)
    node.start()
    yield node
    node.kill()


@pytest.mark.timeout(1200)
def test_power_cut_under_load(disk, node_on_disk):
    run_seed = seed()
    print(f"SQUORUM_SEED={run_seed}")
    randomness = random.Random(run_seed)

    with running(node_on_disk.endpoint, PROFILES, run_seed) as workloads:
        for _ in range(CUTS):
            time.sleep(randomness.uniform(0.5, 2.5))
            disk.cut_power()
            # A moment in which a node that acknowledges without syncing would be caught.
            time.sleep(randomness.uniform(0.0, 0.3))
            node_on_disk.kill()
            disk.reboot()
            bar = start_bar(READY_SECONDS_MAX, disk.mount_point)
            assert node_on_disk.start() <= bar
        time.sleep(1)
        print(f"ready after {[round(seconds, 3) for seconds in node_on_disk.ready_seconds]} s")
        judge(workloads, acked_min=10 * CUTS)


def test_a_failed_sync_ends_the_process(disk, node_on_disk):
    """A write that cannot be made durable is never acknowledged, and the node does not go on."""
    with running(node_on_disk.endpoint, PROFILES[:1], seed()) as [workload]:
        time.sleep(0.5)
        disk.cut_power()
        cut = time.monotonic()
        deadline = time.monotonic() + 10
        while node_on_disk.is_running() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not node_on_disk.is_running(), "the node goes on without a disk"
        # Whoever has an answer notes it now.
        time.sleep(0.3)
        assert [send for send in workload.history.sends if send.acked and send.started > cut] == []
