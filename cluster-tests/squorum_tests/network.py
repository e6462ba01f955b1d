"""A network of the test's own: a namespace per machine, joined by a bridge, with cuts between them.

The bridge has a namespace of its own too, so that no firewall of the host (Docker's drops what is
forwarded) sees the traffic between machines. The host is on the network as well: tests and clients
run there, and no cut ever comes between them and a machine.

Cuts drop arriving packets inside the namespaces and answer nothing, as a broken link does.
"""

import os
import shutil
import subprocess
from pathlib import Path

NAMESPACES = Path("/run/netns")
PREFIX = "squorum"
SUBNETS = range(1, 255)
HOST_OCTET = 254
PEERS_DROPPED = """
table inet cut
delete table inet cut
table inet cut {{
    chain arriving {{
        type filter hook input priority filter
        ip saddr {{ {addresses} }} drop
    }}
}}
"""
NOTHING_DROPPED = "table inet cut\ndelete table inet cut\n"


def why_not_available() -> str | None:
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [name for name in ("ip", "nft", "nsenter") if shutil.which(name, path=path()) is None]
    return f"missing: {', '.join(missing)}" if missing else None


def path() -> str:
    return "/usr/sbin:/sbin:" + os.environ.get("PATH", "")


def run(*command: str, text: str | None = None) -> str:
    environment = {**os.environ, "PATH": path()}
    done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
    return done.stdout


def enter(namespace: str) -> tuple[str, ...]:
    """The start of a command line that runs in `namespace`. It replaces itself by the command, so
    the process that is started is the command."""
    return ("nsenter", f"--net={NAMESPACES / namespace}", "--")


class Network:
    """Machines 0, 1, … with one address each. A context manager: leaves nothing behind."""

    def __init__(self, machines: int):
        remove_leftovers()
        self._subnet, self._link = claim_subnet()
        self._switch = f"{PREFIX}-{os.getpid()}-{self._subnet}-switch"
        self._namespaces = [
            f"{PREFIX}-{os.getpid()}-{self._subnet}-{machine}" for machine in range(machines)
        ]
        self.addresses = [f"10.77.{self._subnet}.{machine + 1}" for machine in range(machines)]
        # What each machine does not hear.
        self._dropped: list[set[str]] = [set() for _ in range(machines)]
        try:
            self._build()
        except BaseException:
            self.remove()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self.remove()

    def enter(self, machine: int) -> tuple[str, ...]:
        return enter(self._namespaces[machine])

    def isolate(self, machine: int) -> None:
        """Nothing passes between `machine` and the others."""
        self.deafen(machine)
        self.mute(machine)

    def deafen(self, machine: int) -> None:
        """`machine` does not hear the others; they hear it."""
        self._dropped[machine].update(a for a in self.addresses if a != self.addresses[machine])
        self._apply()

    def mute(self, machine: int) -> None:
        """The others do not hear `machine`; it hears them."""
        for other, dropped in enumerate(self._dropped):
            if other != machine:
                dropped.add(self.addresses[machine])
        self._apply()

    def heal(self) -> None:
        for dropped in self._dropped:
            dropped.clear()
        self._apply()

    def remove(self) -> None:
        subprocess.run(["ip", "link", "del", self._link], capture_output=True)
        for namespace in [*self._namespaces, self._switch]:
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True)

    def _apply(self) -> None:
        for namespace, dropped in zip(self._namespaces, self._dropped, strict=True):
            rules = NOTHING_DROPPED
            if dropped:
                rules = PEERS_DROPPED.format(addresses=", ".join(sorted(dropped)))
            run(*enter(namespace), "nft", "-f", "-", text=rules)

    def _build(self) -> None:
        run("ip", "netns", "add", self._switch)
        in_switch = enter(self._switch)
        run(*in_switch, "ip", "link", "add", "bridge", "type", "bridge")
        # Bridged packets are no business of a firewall here either.
        for name in ("iptables", "ip6tables", "arptables"):
            switch = Path(f"/proc/sys/net/bridge/bridge-nf-call-{name}")
            if switch.exists():
                run(*in_switch, "sh", "-c", f"echo 0 > {switch}")
        run(*in_switch, "ip", "link", "set", "bridge", "up")
        run("ip", "link", "set", f"{self._link}s", "netns", self._switch)
        self._plug(f"{self._link}s")
        run("ip", "addr", "add", f"10.77.{self._subnet}.{HOST_OCTET}/24", "dev", self._link)
        run("ip", "link", "set", self._link, "up")
        for machine, namespace in enumerate(self._namespaces):
            run("ip", "netns", "add", namespace)
            inside = enter(namespace)
            run(*inside, "ip", "link", "set", "lo", "up")
            socket, port = ("eth0", f"port{machine}")
            peer = ("peer", "name", port, "netns", self._switch)
            run(*inside, "ip", "link", "add", socket, "type", "veth", *peer)
            run(*inside, "ip", "addr", "add", f"{self.addresses[machine]}/24", "dev", socket)
            run(*inside, "ip", "link", "set", socket, "up")
            self._plug(port)

    def _plug(self, port: str) -> None:
        in_switch = enter(self._switch)
        run(*in_switch, "ip", "link", "set", port, "master", "bridge")
        run(*in_switch, "ip", "link", "set", port, "up")


def claim_subnet() -> tuple[int, str]:
    """A subnet that no other run uses: whoever makes its link first has it."""
    for subnet in SUBNETS:
        link = f"squ{subnet}"
        command = ["ip", "link", "add", link, "type", "veth", "peer", "name", f"{link}s"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return subnet, link
        assert "exists" in done.stderr, done.stderr
    raise AssertionError("every subnet is in use")


def remove_leftovers() -> None:
    """Ends what runs that were themselves killed left behind: their names hold their process id."""
    names = NAMESPACES.iterdir() if NAMESPACES.exists() else []
    for name in sorted(entry.name for entry in names):
        fields = name.split("-")
        if fields[0] != PREFIX or len(fields) != 4 or Path(f"/proc/{fields[1]}").exists():
            continue
        for pid in run("ip", "netns", "pids", name).split():
            subprocess.run(["kill", "-KILL", pid], capture_output=True)
        run("ip", "netns", "del", name)
        if fields[3] == "switch":
            subprocess.run(["ip", "link", "del", f"squ{fields[2]}"], capture_output=True)
