"""A DNS server that knows one name with several addresses, and programs that ask it.

Each answer has all addresses in a new random order, as DNS servers do. Programs are started in a mount
namespace of their own, whose resolv.conf names this server: whatever their language, they resolve
names as they always do. That needs root.
"""

import random
import socket
import struct
import tempfile
import threading
from pathlib import Path

PORT = 53
TTL_SECONDS = 5
A, IN = 1, 1
ANSWER, NO_SUCH_NAME = 0x8180, 0x8183
HEADER = struct.Struct("!6H")
QUESTION = struct.Struct("!2H")
# Points to the name of the question, which begins behind the header.
RECORD = struct.Struct("!3HIH4s")
NAME_OF_THE_QUESTION = 0xC000 | HEADER.size
DATAGRAM_BYTES_MAX = 512
ENTER = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


class NameServer(threading.Thread):
    """A context manager: serves within the block."""

    def __init__(self, name: str, addresses: list[str]):
        super().__init__(daemon=True)
        self._name = name
        self._addresses = [socket.inet_aton(address) for address in addresses]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._resolv_conf = tempfile.NamedTemporaryFile("w", prefix="resolv.conf-")  # noqa: SIM115
        self._ending = threading.Event()

    def __enter__(self):
        own = bind(self._socket)
        self._resolv_conf.write(f"nameserver {own}\noptions timeout:1 attempts:3\n")
        self._resolv_conf.flush()
        # Everybody may read it, as the system's.
        Path(self._resolv_conf.name).chmod(0o644)
        self.start()
        return self

    def __exit__(self, *_failure):
        self._ending.set()
        # Wakes the thread.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self._socket.getsockname())
        self.join()
        self._socket.close()
        self._resolv_conf.close()

    @property
    def enter(self) -> tuple[str, ...]:
        """The start of the command line of a program that asks this server. It replaces itself by the
        program."""
        return ("unshare", "--mount", "--", "sh", "-euc", ENTER, self._resolv_conf.name)

    def run(self) -> None:
        while not self._ending.is_set():
            query, asker = self._socket.recvfrom(DATAGRAM_BYTES_MAX)
            if len(query) > HEADER.size:
                self._socket.sendto(self._answer(query), asker)

    def _answer(self, query: bytes) -> bytes:
        number = HEADER.unpack_from(query)[0]
        name, end = name_at(query, HEADER.size)
        kind, _ = QUESTION.unpack_from(query, end)
        question = query[HEADER.size : end + QUESTION.size]
        if name != self._name:
            return HEADER.pack(number, NO_SUCH_NAME, 1, 0, 0, 0) + question
        addresses = list(self._addresses) if kind == A else []
        random.shuffle(addresses)
        records = [
            RECORD.pack(NAME_OF_THE_QUESTION, A, IN, TTL_SECONDS, len(address), address)
            for address in addresses
        ]
        return HEADER.pack(number, ANSWER, 1, len(records), 0, 0) + question + b"".join(records)


def bind(server: socket.socket) -> str:
    """To a loopback address that no other run uses; returns it."""
    for _ in range(100):
        address = f"127.53.{random.randrange(256)}.{random.randrange(1, 255)}"
        try:
            server.bind((address, PORT))
        except OSError:
            continue
        return address
    raise AssertionError("no address for the name server")


def name_at(query: bytes, start: int) -> tuple[str, int]:
    """The name that begins at `start`, in lower case, and where it ends."""
    labels = []
    while length := query[start]:
        labels.append(query[start + 1 : start + 1 + length].decode("ascii", "replace"))
        start += 1 + length
    return ".".join(labels).lower(), start + 1
