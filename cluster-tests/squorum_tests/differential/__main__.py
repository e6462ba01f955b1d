"""`python -m squorum_tests.differential [--write] [PEER …]`: compares a fresh node with the peers.
Exits 1 when something differs that `verdicts.toml` does not know; `--write` writes it there."""

import argparse
import sys
import tempfile
from pathlib import Path

from squorum_tests.differential import comparison, peers, verdicts
from squorum_tests.node import Node


def main() -> None:
    arguments = argparse.ArgumentParser(prog="differential", description=__doc__)
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("peers", nargs="*", metavar="PEER", help=", ".join(peers.NAMES))
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="squorum-differential-") as directory:
        found = differences_of(asked.peers or peers.NAMES, Path(directory))
    for peer, differing in found.items():
        print(f"{peer}: {len(differing)} steps differ")
    if asked.write:
        undecided = verdicts.write(found)
        print("\n".join(f"needs a verdict: {step}" for step in undecided))
        sys.exit(1 if undecided else 0)
    unknown = {peer: verdicts.without_verdict(peer, of) for peer, of in found.items()}
    for peer, differing in unknown.items():
        for step, text in differing.items():
            print(f"without verdict: {peer}: {step}: {text}")
    sys.exit(1 if any(unknown.values()) else 0)


def differences_of(names: list[str], directory: Path) -> dict[str, dict[str, str]]:
    node = Node(directory / "node")
    node.start()
    try:
        ours = comparison.told(node.endpoint)
    finally:
        node.stop()
        node.remove()
    found = {}
    for name in names:
        with peers.running(name, directory) as endpoint:
            found[name] = comparison.compared(ours, comparison.told(endpoint))
    return found


main()
