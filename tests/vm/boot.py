# SPDX-License-Identifier: GPL-2.0-or-later
# The policy stands before the first interface is up. While `host` boots, `peer` sends it all
# that the policy forbids, from the first moment on which a packet could arrive; nothing may
# get in. `without` boots under the same fire and has no Vigil: there, everything gets in.
import json
import re
import shlex

# On the peer. Nobody listens on the ports: the kernel itself answers what reaches it, with a
# reset, a "port unreachable" or an echo, long before any program of a booting host could.
PROBE = r"""
import errno, json, os, select, socket, struct, sys, time
targets = json.loads(sys.argv[1])
OPEN, SHUT = 1000, 2000
tally = {name: {} for name in targets}
waiting, steady, begun = [], [], time.monotonic()

def sent(name, kind):
    tally[name].setdefault(kind, [0, 0])[0] += 1

def answered(name, kind):
    tally[name].setdefault(kind, [0, 0])[1] += 1

def ask_tcp(name, kind, family, address, port):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setblocking(False)
    sent(name, kind)
    if s.connect_ex((address, port)) == errno.EINPROGRESS:
        waiting.append((time.monotonic(), s, name, kind))
    else:
        s.close()

def hear_tcp():
    now = time.monotonic()
    for entry in list(waiting):
        since, s, name, kind = entry
        ready = select.select([], [s], [], 0)[1]
        if ready and s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (0, errno.ECONNREFUSED):
            answered(name, kind)
        if ready or now - since > 0.5:
            s.close()
            waiting.remove(entry)

def open_udp(name, kind, family, address, port):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.connect((address, port))
    s.setblocking(False)
    return s, name, kind, b"probe"

def open_ping(name, kind, family, address):
    icmp = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    s = socket.socket(family, socket.SOCK_RAW, icmp)
    s.connect((address, 0))
    s.setblocking(False)
    request = struct.pack("!BBHHH", 8 if family == socket.AF_INET else 128, 0, 0, 77, 1)
    checksum = ~sum(struct.unpack("!HHHH", request)) & 0xffff   # IPv6 has the kernel do it
    return s, name, kind, request[:2] + struct.pack("!H", checksum) + request[4:]

def hear(s, name, kind):
    try:
        while True:
            data = s.recv(2048)
            # Of a raw socket for IPv4 it begins with the IP header.
            if "ping" not in kind or data[20 if kind.endswith("v4") else 0] in (0, 129):
                answered(name, kind)
    except ConnectionRefusedError:
        answered(name, kind)
    except OSError:
        pass

kinds = {4: socket.AF_INET, 6: socket.AF_INET6}
for name, addresses in targets.items():
    for version, address in zip((4, 6), addresses):
        steady.append(open_udp(name, f"shut udp v{version}", kinds[version], address, SHUT))
        steady.append(open_ping(name, f"shut ping v{version}", kinds[version], address))
while True:
    for name, addresses in targets.items():
        for version, address in zip((4, 6), addresses):
            ask_tcp(name, f"open tcp v{version}", kinds[version], address, OPEN)
            ask_tcp(name, f"shut tcp v{version}", kinds[version], address, SHUT)
    for s, name, kind, packet in steady:
        sent(name, kind)
        hear(s, name, kind)
        try:
            s.send(packet)
        except ConnectionRefusedError:
            answered(name, kind)
        except OSError:
            pass
    hear_tcp()
    with open("/tmp/tally.new", "w") as file:
        json.dump(tally, file)
    os.rename("/tmp/tally.new", "/tmp/tally")
    time.sleep(0.05)
"""
BOTH = {"host": host, "without": without}


def write(machine, path, text):
    machine.succeed(f"cat > {path} <<'END_OF_FILE'\n{text}\nEND_OF_FILE")


def tally(name):
    return json.loads(peer.succeed("cat /tmp/tally"))[name]


def unit(name):
    """The facts of a unit, and what the kernel says of its process."""
    facts = host.get_unit_info(name)
    pid = facts["MainPID"]
    lines = host.succeed(f"cat /proc/{pid}/status").splitlines()
    facts["status"] = {key: value.split() for key, value in (line.split(":", 1) for line in lines)}
    for kind in ("net", "user"):
        facts[kind] = host.succeed(f"readlink /proc/{pid}/ns/{kind}").strip()
    facts["links"] = host.succeed(f"nsenter -t {pid} -n ip -o link").splitlines()
    return facts


def exposure(name):
    text = host.succeed(f"systemd-analyze security --no-pager {name} | tail -n 1")
    return float(re.search(r"for .*: ([0-9.]+) ", text)[1])


def entered(name):
    """When a unit became active, in microseconds since the boot."""
    return int(host.get_unit_property(name, "ActiveEnterTimestampMonotonic"))


start_all()
host.wait_for_unit("vigil.service")
for machine in machines:
    machine.wait_for_unit("multi-user.target")

with subtest("both machines are known to the peer by their cards, and then power off"):
    targets = {}
    for name, machine in BOTH.items():
        card = machine.succeed("cat /sys/class/net/eth1/address").strip()
        targets[name] = [peer.succeed(f"getent {family} {name}").split()[0]
                         for family in ("ahostsv4", "ahostsv6")]
        for address in targets[name]:
            # Else packets would wait for an answer to "who has", and come too late.
            peer.succeed(f"ip neighbour replace {address} lladdr {card} dev eth1 nud permanent")
        machine.shutdown()

with subtest("both boot while they are sent what is forbidden"):
    write(peer, "/tmp/probe.py", PROBE)
    peer.succeed("systemd-run --unit=probe $(command -v python3) /tmp/probe.py "
                 + shlex.quote(json.dumps(targets)))
    peer.wait_for_file("/tmp/tally", timeout=60)
    without.start()
    host.start()

with subtest("the allowed gets into both, over IPv4 and IPv6"):
    def allowed(_last_try):
        return all(tally(name)[f"open tcp v{version}"][1] >= 3
                   for name in BOTH for version in (4, 6))
    retry(allowed, 240)
    host.wait_for_unit("multi-user.target")
    host.wait_for_unit("vigil.service")
    peer.succeed("sleep 1")

with subtest("what is forbidden got into the machine without Vigil, in every form"):
    seen = tally("without")
    assert len(seen) == 8, seen
    assert all(heard > 0 for _, heard in seen.values()), seen

with subtest("and never into the one with it, though it was sent from the first moment on"):
    seen = tally("host")
    forbidden = {kind: heard for kind, (_, heard) in seen.items() if kind.startswith("shut")}
    assert len(forbidden) == 6 and not any(forbidden.values()), seen
    assert all(times > 50 for times, _ in seen.values()), seen

with subtest("the forbidden did arrive: it was counted where it was dropped"):
    rules = json.loads(host.succeed("vigil rules --json"))["rules"]
    dropped = [rule["packets"] for rule in rules if rule["id"] == "default.input"]
    assert dropped and dropped[0] >= 6, dropped
    peer.succeed("systemctl stop probe.service")

with subtest("the policy was in force before network-pre.target, and that before the cards"):
    assert 0 < entered("vigil.service") <= entered("network-pre.target"), \
        (entered("vigil.service"), entered("network-pre.target"))
    before = host.get_unit_property("network-pre.target", "After").split()
    assert "vigil.service" in before, before

with subtest("the agent is ready, and says so"):
    facts = host.get_unit_info("vigil.service")
    assert facts["Type"] == "notify-reload" and facts["SubState"] == "running", facts["SubState"]
    assert "is enforced" in facts["StatusText"], facts["StatusText"]
    assert int(facts["NRestarts"]) == 0, facts["NRestarts"]

agent, helper = unit("vigil.service"), unit("vigil-helper.service")
own = {kind: host.succeed(f"readlink /proc/1/ns/{kind}").strip() for kind in ("net", "user")}

with subtest("no process of either runs as root, and they run as two users"):
    users = [who["status"]["Uid"] for who in (agent, helper)]
    for ids in users + [who["status"]["Gid"] for who in (agent, helper)]:
        assert len(ids) == 4 and "0" not in ids, ids
    assert users[0] != users[1], users

with subtest("the helper can have CAP_NET_ADMIN and nothing else, the agent no capability"):
    for name in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"):
        assert int(agent["status"][name][0], 16) == 0, (name, agent["status"][name])
        assert int(helper["status"][name][0], 16) & ~(1 << 12) == 0, (name, helper["status"])
    assert int(helper["status"]["CapEff"][0], 16) == 1 << 12, helper["status"]["CapEff"]

with subtest("both are under a system call filter, and gain no privilege by exec"):
    for who in (agent, helper):
        assert who["status"]["Seccomp"] == ["2"], who["status"]["Seccomp"]
        assert who["status"]["NoNewPrivs"] == ["1"], who["status"]["NoNewPrivs"]

with subtest("the helper is in the host's network, the agent in one that is empty"):
    assert helper["net"] == own["net"], helper["net"]
    assert agent["net"] != own["net"], agent["net"]
    assert len(agent["links"]) == 1 and ": lo:" in agent["links"][0], agent["links"]
    assert agent["user"] != own["user"], agent["user"]

with subtest("exposure: the agent at most 0.2, the helper at most 1.1"):
    assert exposure("vigil.service") <= 0.2, exposure("vigil.service")
    assert exposure("vigil-helper.service") <= 1.1, exposure("vigil-helper.service")
