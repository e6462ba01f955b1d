"""Power cut of all three machines at once, under the load of users: each data directory lies on an
ext4 of its own whose power is cut, so that only what was synced is left."""

import contextlib
import random
import re
import time

import pytest

from squorum_tests import ext4_image
from squorum_tests.cluster import Cluster
from squorum_tests.ext4_image import Ext4Image
from squorum_tests.scenarios import survive_loss_of_all

# A dead disk is an error, and saying so is right.
DEAD_DISK = re.compile(
    r"input/output error|os error 5|I/O error|EIO|the log is closed", re.IGNORECASE
)
APART_SECONDS_MAX = 0.05

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        ext4_image.why_not_available() is not None, reason=str(ext4_image.why_not_available())
    ),
]


@pytest.fixture
def disks(tmp_path):
    with contextlib.ExitStack() as mounted:
        yield [mounted.enter_context(Ext4Image(tmp_path / f"disk{n}")) for n in range(3)]


@pytest.fixture
def cluster_on_disks(disks, make_cluster):
    cluster = make_cluster(data_dirs=[disk.mount_point / "data" for disk in disks])
    for node in cluster.nodes:
        node.expected_errors.append(DEAD_DISK)
    cluster.start()
    yield cluster
    # The disks cannot be unmounted while a process lives on them.
    cluster.kill(0, 1, 2)


def test_all_machines_at_once(disks, cluster_on_disks: Cluster, figures):
    def lose_all():
        # Not quite at once, as fuses are: the last one alive must not make the others' loss worse.
        for disk in random.sample(disks, len(disks)):
            disk.cut_power()
            time.sleep(random.uniform(0.0, APART_SECONDS_MAX))
        cluster_on_disks.kill(0, 1, 2)
        for disk in disks:
            disk.reboot()

    survive_loss_of_all(cluster_on_disks, lose_all, figures)
