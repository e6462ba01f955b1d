"""The power cut itself: what was synced is there after the reboot, what was not is gone."""

import os

import pytest

from squorum_tests import ext4_image

pytestmark = pytest.mark.skipif(
    ext4_image.why_not_available() is not None, reason=str(ext4_image.why_not_available())
)


def write(path, data: bytes, sync: bool) -> None:
    handle = os.open(path, os.O_CREAT | os.O_WRONLY, 0o644)
    os.write(handle, data)
    if sync:
        os.fsync(handle)
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
    os.close(handle)


def test_power_cut_keeps_exactly_what_was_synced(tmp_path):
    with ext4_image.Ext4Image(tmp_path, bytes_max=256 << 20) as disk:
        write(disk.mount_point / "synced", b"kept", sync=True)
        write(disk.mount_point / "unsynced", b"lost", sync=False)
        disk.cut_power()
        with pytest.raises(OSError):
            write(disk.mount_point / "later", b"refused", sync=True)
        disk.reboot()
        assert (disk.mount_point / "synced").read_bytes() == b"kept"
        assert not (disk.mount_point / "unsynced").exists()
        assert not (disk.mount_point / "later").exists()
    assert not os.path.ismount(disk.mount_point)
