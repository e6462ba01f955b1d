"""An ext4 file system in a loop device whose power can be cut.

`EXT4_IOC_SHUTDOWN` without a log flush stops the file system where it stands: what was synced is
kept, what was not is lost, every later write fails. Unmounting and mounting again is the reboot.
"""

import fcntl
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

# _IOR('X', 125, __u32), and the flag that leaves the journal unflushed.
EXT4_IOC_SHUTDOWN = 0x8004587D
EXT4_GOING_FLAGS_NOLOGFLUSH = 2
UNMOUNT_DEADLINE_SECONDS = 20.0


def why_not_available() -> str | None:
    if os.geteuid() != 0:
        return "mounting needs root"
    if shutil.which("mkfs.ext4", path="/usr/sbin:/sbin:" + os.environ.get("PATH", "")) is None:
        return "mkfs.ext4 is missing"
    return None


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"


class Ext4Image:
    """Use as a context manager: leaves neither mount nor loop device behind."""

    def __init__(self, directory: Path, bytes_max: int = 4 << 30):
        directory.mkdir(parents=True, exist_ok=True)
        self.image = directory / "disk.img"
        self.mount_point = directory / "disk"
        self.mount_point.mkdir()
        with self.image.open("wb") as image:
            image.truncate(bytes_max)
        run("/sbin/mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", str(self.image))

    def __enter__(self):
        self.mount()
        return self

    def __exit__(self, *_failure):
        self.unmount()
        self.image.unlink(missing_ok=True)

    def mount(self) -> None:
        run("mount", "-o", "loop", str(self.image), str(self.mount_point))

    def unmount(self) -> None:
        """Waits for the last user of the file system to let go of it."""
        deadline = time.monotonic() + UNMOUNT_DEADLINE_SECONDS
        while os.path.ismount(self.mount_point):
            done = subprocess.run(["umount", str(self.mount_point)], capture_output=True, text=True)
            if done.returncode != 0:
                assert time.monotonic() < deadline, f"umount: {done.stderr.strip()}"
                time.sleep(0.05)

    def cut_power(self) -> None:
        root = os.open(self.mount_point, os.O_RDONLY | os.O_DIRECTORY)
        try:
            flags = struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH)
            fcntl.ioctl(root, EXT4_IOC_SHUTDOWN, flags)
        finally:
            os.close(root)

    def reboot(self) -> None:
        """A container that starts anywhere on the machine holds a copy of each mount for a moment, and
        while it does, mounting gives the dead file system again."""
        deadline = time.monotonic() + UNMOUNT_DEADLINE_SECONDS
        self.unmount()
        self.mount()
        while not self._is_alive():
            assert time.monotonic() < deadline, "the dead file system is in use elsewhere"
            self.unmount()
            time.sleep(0.05)
            self.mount()

    def _is_alive(self) -> bool:
        try:
            os.close(os.open(self.mount_point, os.O_TMPFILE | os.O_RDWR, 0o600))
        except OSError:
            return False
        return True
