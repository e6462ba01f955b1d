"""Names that resolve to several addresses, as one DNS name of a cluster does.

Patches `socket.getaddrinfo` of this process, below every library. Each lookup of such a name gives
all its addresses in a new random order, which is what DNS servers do. Python programs that are started
with `environment` are patched too, and so are those that they start.
"""

import contextlib
import json
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

# In the environment of programs: a JSON object of names and their addresses.
VARIABLE = "SQUORUM_NAMES"
HERE = Path(__file__).parent

_NAMES: dict[str, list[str]] = {}
_SYSTEM_GETADDRINFO = socket.getaddrinfo


def getaddrinfo(host, *arguments, **more):
    name = host.decode() if isinstance(host, bytes) else host
    if name not in _NAMES:
        return _SYSTEM_GETADDRINFO(host, *arguments, **more)
    addresses = _NAMES[name]
    return [
        entry
        for address in random.sample(addresses, len(addresses))
        for entry in _SYSTEM_GETADDRINFO(address, *arguments, **more)
    ]


@contextlib.contextmanager
def resolving(name: str, addresses: list[str]) -> Iterator[str]:
    """Within the block `name` means all of `addresses`."""
    assert name not in _NAMES, f"{name} is in use"
    _NAMES[name] = list(addresses)
    socket.getaddrinfo = getaddrinfo
    try:
        yield name
    finally:
        del _NAMES[name]
        if not _NAMES:
            socket.getaddrinfo = _SYSTEM_GETADDRINFO


def install(names: dict[str, list[str]]) -> None:
    """For good, in a program that a test started."""
    _NAMES.update(names)
    socket.getaddrinfo = getaddrinfo


def environment(name: str, addresses: list[str]) -> dict[str, str]:
    """What a Python program has to find in its environment to know `name`."""
    path = (str(HERE / "in_programs"), str(HERE.parent))
    return {"PYTHONPATH": os.pathsep.join(path), VARIABLE: json.dumps({name: list(addresses)})}
