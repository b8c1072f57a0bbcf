# SPDX-License-Identifier: GPL-2.0-or-later
"""What makes a guest this one: its name, addresses, policy and files, on a disk of its own."""
import io
import json
import os
import socket
import tarfile
import time

import qemu

READY = b"root shell ready"
# A guest from the snapshot was already up when it became itself. Vigil comes first, then the
# addresses, as in a boot.
BECOME = """date -s @{now:.2f} >/dev/null
blockdev --flushbufs /dev/vdb
tar -xf /dev/vdb -C /
touch /etc/vigil-tests/configured
hostname "$(cat /etc/hostname)"
sh -ex /etc/vigil-tests/become
"""


KEYS = {"cold", "features", "memory", "payload", "policy", "vigil", "vlans"}
FEATURES = {"networkd", "podman"}       # podman is in every guest; NixOS has to be told


def check(nodes):
    """A word that nobody knows would change nothing, and nobody would see it."""
    for name, node in nodes.items():
        strange = sorted((node.keys() - KEYS) | (set(node.get("features", [])) - FEATURES))
        if strange:
            raise ValueError(f"machine {name}: no guest has {', '.join(strange)}")
        if len(node["vlans"]) > qemu.CARDS:
            raise ValueError(f"machine {name}: a guest has {qemu.CARDS} cards at most")


def number(name, nodes):
    return sorted(nodes).index(name) + 1


def macs(name, nodes):
    """NixOS' own: the VLAN and the node's number."""
    return [f"52:54:00:12:{vlan:02x}:{number(name, nodes):02x}" for vlan in nodes[name]["vlans"]]


def memory(node):
    return node.get("memory", 512)


def has_disk(folder):
    return os.path.exists(f"{folder}/disk")


def console_size(folder):
    console = f"{folder}/console"
    return os.path.getsize(console) if os.path.exists(console) else 0


def addresses(name, nodes):
    """(card, address) for each of the node's VLANs."""
    n = number(name, nodes)
    for k, vlan in enumerate(nodes[name]["vlans"], 1):
        yield f"eth{k}", f"192.168.{vlan}.{n}/24"
        yield f"eth{k}", f"2001:db8:{vlan}::{n}/64"


def hosts(nodes):
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    for name in sorted(nodes):
        # The first VLAN's addresses, as on NixOS.
        for _, address in list(addresses(name, nodes))[:2]:
            lines.append(f"{address.split('/')[0]} {name}")
    return "\n".join(lines) + "\n"


def network(name, nodes):
    """A script that brings the addresses, at a boot of this guest or at its beginning."""
    lines = []
    for k, _ in enumerate(nodes[name]["vlans"], 1):
        lines.append(f"until [ -e /sys/class/net/eth{k} ]; do sleep 0.1; done")
        lines.append(f"ip link set eth{k} up")
    for card, address in addresses(name, nodes):
        lines.append(f"ip address replace {address} dev {card}")
    return "\n".join(lines) + "\n"


def networkd(name, nodes):
    """The same for systemd-networkd: path and text of each file."""
    for k, _ in enumerate(nodes[name]["vlans"], 1):
        lines = ["[Match]", f"Name=eth{k}", "[Network]", "LinkLocalAddressing=ipv6",
                 "IPv6AcceptRA=no"]
        lines += [f"Address={address}" for card, address in addresses(name, nodes)
                  if card == f"eth{k}"]
        yield f"etc/systemd/network/40-eth{k}.network", "\n".join(lines) + "\n"


def become(name, nodes):
    """What a boot would have done by now, for a guest from the snapshot."""
    lines = [f"ip link set eth{k} address {mac}" for k, mac in enumerate(macs(name, nodes), 1)]
    if nodes[name].get("vigil"):
        lines.append("systemctl start vigil.service")
    if "networkd" in nodes[name].get("features", []):
        lines += ["systemctl daemon-reload", "systemctl start systemd-networkd"]
    else:
        lines.append("systemctl start lan.service")
    # Until a neighbour may answer on it, an IPv6 address is tentative.
    lines.append("for i in $(seq 100); do ip -6 address show tentative | grep -q . || break; "
                 "sleep 0.1; done")
    return "\n".join(lines) + "\n"


def files(name, nodes):
    """Path and text of what is written into a guest."""
    node = nodes[name]
    yield "etc/hostname", f"{name}\n"
    yield "etc/hosts", hosts(nodes)
    yield "etc/vigil-tests/become", become(name, nodes)
    if "networkd" in node.get("features", []):
        yield from networkd(name, nodes)
    else:
        yield "etc/vigil-tests/network", network(name, nodes)
    if node.get("vigil"):
        yield "etc/vigil/policy.yml", json.dumps(node["policy"], indent=2) + "\n"


def prepare(folder, name, nodes):
    """Write the disk from which the guest takes its files."""
    os.mkdir(folder)
    with open(f"{folder}/config", "wb") as disk:
        with tarfile.open(fileobj=disk, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for path, text in files(name, nodes):
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode, entry.mtime = len(text.encode()), 0o644, int(time.time())
                tar.addfile(entry, io.BytesIO(text.encode()))
            for path in nodes[name].get("payload", []):
                tar.add(path, f"opt/vigil-tests/{os.path.basename(path)}")
            if "networkd" in nodes[name].get("features", []):
                link = tarfile.TarInfo(
                    "etc/systemd/system/multi-user.target.wants/systemd-networkd.service")
                link.type = tarfile.SYMTYPE
                link.linkname = "/usr/lib/systemd/system/systemd-networkd.service"
                tar.addfile(link)
        if disk.tell() > qemu.CONFIG_BYTES:
            raise ValueError(f"the payload of {name} is above {qemu.CONFIG_BYTES} bytes")
        disk.truncate(qemu.CONFIG_BYTES)


def wait_for_shell(machine, seconds):
    """Wait until a booting guest offers its root shell."""
    deadline = time.monotonic() + seconds
    heard = b""
    while READY not in heard:
        machine.shell.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            part = machine.shell.recv(4096)
        except socket.timeout:
            raise TimeoutError("the guest has not booted in time") from None
        if not part:
            raise ConnectionError("the guest has ended before its shell was up")
        heard += part


def settle(machine):
    """Wait until the guest that becomes the snapshot has nothing left to do."""
    wait_for_shell(machine, 120)
    machine.shell.settimeout(120)
    machine.shell.sendall(b"udevadm settle; until [ -e /sys/class/net/eth3 ]; do sleep 0.1; "
                          b"done; systemctl is-system-running --wait >/dev/null; python3 -c 'import "
                          b"socket, json'; nft list ruleset; nc -h 2>/dev/null; sqlite3 "
                          b"-version >/dev/null; sync; echo settled\n")
    heard = b""
    while b"settled" not in heard:
        part = machine.shell.recv(4096)
        if not part:
            raise ConnectionError("the guest has ended while it settled")
        heard += part
