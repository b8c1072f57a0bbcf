# SPDX-License-Identifier: GPL-2.0-or-later
# A gateway between two networks: what its policy promises, seen from both sides, and what
# it remembers. VLAN 1 is outside, VLAN 2 is inside.
import json
import re
import shlex
from collections import Counter

# Serves and sends in the guests. Attempts are "KIND SOURCE DESTINATION PORT", made all at
# once; what came of each is "timeout", "refused", or "ok" and the address that the server
# saw. The answer to TCP has 20,000 bytes.
PEER = r"""
import concurrent.futures, json, pathlib, socket, subprocess, sys, threading
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}

def opened(kind, address, port):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, KINDS[kind])
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if address == "::":
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((address, port))
    return s

def answer_stream(s):
    s.listen(64)
    while True:
        peer, (address, *_) = s.accept()
        with peer:
            peer.sendall(f"{address}\n".encode().ljust(20000, b"."))

def answer_datagrams(s):
    while True:
        _, peer = s.recvfrom(2048)
        s.sendto(f"{peer[0]}\n".encode(), peer)

def serve(*places):
    for place in places:
        kind, port = place.split("/")
        work = answer_stream if kind == "tcp" else answer_datagrams
        for address in ("0.0.0.0", "::"):
            threading.Thread(target=work, args=[opened(kind, address, int(port))]).start()
    pathlib.Path("/run/peer.serves").touch()

def received(s, kind):
    text = s.recv(65536)
    while kind == "tcp" and (more := s.recv(65536)):
        text += more
    return "ok " + text.decode().split()[0]

def talk(attempt):
    kind, source, to, port = attempt.split()
    if kind == "ping":
        command = ["ping", "-c1", "-W4", "-I", source, to]
        done = subprocess.run(command, capture_output=True)
        return "timeout" if done.returncode else "ok"
    try:
        with opened(kind, source, 0) as s:
            s.settimeout(4)
            s.connect((to, int(port)))
            if kind == "udp":
                s.send(b"hello")
            return received(s, kind)
    except TimeoutError:
        return "timeout"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return str(error)

if sys.argv[1] == "serve":
    serve(*sys.argv[2:])
else:
    attempts = json.loads(sys.argv[2])
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        print(json.dumps(list(pool.map(talk, attempts))))
"""




# "KIND SOURCE DESTINATION PORT": how it ends, and what decided: rule, verdict, zones.
FROM_OUTSIDE = {
    "from outside passes what the policy allows, and nothing else": {
        "tcp 192.168.1.3 192.168.1.1 22": ("ok 192.168.1.3", "ssh allow wan>host"),
        "tcp 2001:db8:1::3 2001:db8:1::1 22": ("timeout", "default.input drop wan>host"),
        "tcp 192.168.1.50 192.168.1.1 22": ("timeout", "default.input drop wan>host"),
        "tcp 2001:db8:1::50 2001:db8:1::1 80": ("timeout", "default.input drop wan>host"),
        "udp 192.168.1.50 192.168.1.1 53": ("timeout", "default.input drop wan>host"),
        "ping 192.168.1.50 192.168.1.1 8": ("ok", "ping allow wan>host"),
        "ping 2001:db8:1::50 2001:db8:1::1 128": ("ok", "ping allow wan>host"),
    },
    "a banned address reaches nothing, whether a feed or a group names it": {
        "ping 192.168.1.66 192.168.1.1 8": ("timeout", "ban drop ->host"),
        "ping 2001:db8:1::66 2001:db8:1::1 128": ("timeout", "ban drop ->host"),
        "tcp 192.168.1.66 192.168.1.1 443": ("timeout", "ban drop ->host"),
        "tcp 192.168.1.77 192.168.1.1 443": ("timeout", "ban drop ->host"),
    },
    "a forward leads inside, and only through its port": {
        "tcp 192.168.1.50 192.168.1.1 443": ("ok 192.168.1.50", "web allow wan>lan"),
        "tcp 2001:db8:1::50 2001:db8:1::1 443": ("ok 2001:db8:1::50", "web6 allow wan>lan"),
        "tcp 192.168.1.50 192.168.2.2 8443": ("timeout", "default.forward drop wan>lan"),
        "udp 192.168.1.50 192.168.2.2 53": ("timeout", "default.forward drop wan>lan"),
        "tcp 2001:db8:1::50 2001:db8:2::2 8443": ("timeout", "default.forward drop wan>lan"),
    },
}
FROM_INSIDE = {
    "what leaves bears the gateway's address, over IPv4 and over IPv6": {
        "tcp 192.168.2.2 192.168.1.3 443": ("ok 192.168.1.1", "lan-out allow lan>wan"),
        "udp 192.168.2.2 192.168.1.3 53": ("ok 192.168.1.1", "lan-out allow lan>wan"),
        "tcp 2001:db8:2::2 2001:db8:1::3 443": ("ok 2001:db8:1::1", "lan-out allow lan>wan"),
    },
    "from inside passes what the policy allows, and nothing else": {
        "tcp 192.168.2.2 192.168.1.3 25": ("refused", "no-smtp reject lan>wan"),
        "tcp 2001:db8:2::2 2001:db8:1::3 25": ("refused", "no-smtp reject lan>wan"),
        "udp 192.168.2.2 192.168.2.1 53": ("ok 192.168.2.2", "lan-dns allow lan>host"),
        "tcp 192.168.2.2 192.168.2.1 22": ("timeout", "default.input drop lan>host"),
        "tcp 192.168.2.2 192.168.1.66 443": ("timeout", "ban drop ->host"),
    },
}
LIMITED = ["tcp 192.168.1.30 192.168.1.1 22"] * 8
LIMITED6 = ["tcp 2001:db8:1::30 2001:db8:1::1 22"] * 8
BEFORE = {
    "ping 192.168.1.66 192.168.1.1 8": ("ok", "ping allow wan>host"),
    "tcp 2001:db8:1::31 2001:db8:1::1 22": ("ok 2001:db8:1::31", "ssh allow wan>host"),
}


def furnish(machine, *places):
    machine.succeed(
        f"echo {shlex.quote(PEER)} > /tmp/peer.py",
        f"systemd-run --unit=peer python3 /tmp/peer.py serve {' '.join(places)}",
    )
    machine.wait_for_file("/run/peer.serves")


def talk(machine, attempts):
    command = shlex.join(["python3", "/tmp/peer.py", "talk", json.dumps(attempts)])
    return json.loads(machine.succeed(command))


def ask(*words):
    return json.loads(gateway.succeed(f"vigil {' '.join(words)} --json"))


def wait_for_ranges(count):
    def read(last):
        feeds = ask("status")["feeds"]
        assert not last or feeds[0]["ranges"] == count, feeds
        return feeds[0]["ranges"] == count

    retry(read, 20)


def compare(attempts, came):
    """Each group of attempts ended as is said there."""
    for sentence, expected in attempts.items():
        with subtest(sentence):
            wrong = {what: came[what] for what in expected if came[what] != expected[what][0]}
            assert not wrong, f"these ended otherwise: {wrong}"


def decided(flow):
    """What is recorded, in the words of the tables above."""
    zones = f"{flow['from_zone'] or '-'}>{flow['to_zone'] or '-'}"
    kind = "ping" if flow["protocol"].startswith("icmp") else flow["protocol"]
    return (
        f"{kind} {flow['source']} {flow['destination']} {flow['port']}",
        f"{flow['rule']} {flow['verdict']} {zones}",
    )


def recorded():
    """Neighbour discovery and multicast have no place in the tables."""
    flows = [f for f in ask("flows")["flows"] if f["port"] not in range(130, 145)]
    return [f for f in flows if not f["destination"].startswith(("ff", "22", "255."))]


def expected_flows():
    tables = [BEFORE, *FROM_OUTSIDE.values(), *FROM_INSIDE.values()]
    flows = {(what, by) for table in tables for what, (_, by) in table.items()}
    for what in {*LIMITED, *LIMITED6}:
        flows |= {(what, "ssh allow wan>host"), (what, "ssh limit wan>host")}
    return flows


start_all()
for machine in (gateway, lan, wan):
    machine.wait_for_unit("multi-user.target")
gateway.wait_for_unit("vigil.service")
gateway.succeed("sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
wan.succeed(
    "for n in 30 31 50 66 77; do ip address add 192.168.1.$n/24 dev eth1; "
    "ip address add 2001:db8:1::$n/64 dev eth1 nodad; done",
    "ip route replace 192.168.2.0/24 via 192.168.1.1",
    "ip route replace 2001:db8:2::/64 via 2001:db8:1::1",
)
lan.succeed(
    "ip route replace 192.168.1.0/24 via 192.168.2.1",
    "ip route replace 2001:db8:1::/64 via 2001:db8:2::1",
)
furnish(gateway, "tcp/22", "tcp/80", "udp/53")
furnish(lan, "tcp/8443", "udp/53")
furnish(wan, "tcp/25", "tcp/443", "udp/53")

with subtest("bytes are counted without anybody setting that up"):
    assert gateway.succeed("sysctl -n net.netfilter.nf_conntrack_acct").strip() == "1"

compare({"a feed without its file bans nobody": BEFORE}, dict(zip(BEFORE, talk(wan, list(BEFORE)))))

with subtest("and the status says that it is empty, and why"):
    feed = ask("status")["feeds"][0]
    assert feed["ranges"] == 0 and "bad.txt" in feed["problem"], feed

with subtest("the feed is in force once its file is there, without a reload"):
    gateway.succeed(
        "printf '%s\\n' 192.168.1.66 2001:db8:1::66 192.168.1.3 > /etc/vigil/bad.txt"
    )
    wait_for_ranges(2)

attempts = [what for table in FROM_OUTSIDE.values() for what in table]
ends = talk(wan, attempts + LIMITED + LIMITED6)
compare(FROM_OUTSIDE, dict(zip(attempts, ends)))
ends = ends[len(attempts) :]

with subtest("a source has its rate, whatever others do"):
    assert ends[:8].count("ok 192.168.1.30") == 5, ends[:8]
    assert ends[:8].count("timeout") == 3, ends[:8]

with subtest("a network of IPv6 is one source, which had one connection already"):
    assert ends[8:].count("ok 2001:db8:1::30") == 4, ends[8:]
    assert ends[8:].count("timeout") == 4, ends[8:]

attempts = [what for table in FROM_INSIDE.values() for what in table]
compare(FROM_INSIDE, dict(zip(attempts, talk(lan, attempts))))

with subtest("each connection and each denied packet is recorded with what decided it"):

    def complete(last):
        told = {decided(flow) for flow in recorded()}
        missing, strange = expected_flows() - told, told - expected_flows()
        assert not strange, f"recorded, and never sent: {strange}"
        assert not last or not missing, f"sent, and not recorded: {missing}"
        return not missing

    retry(complete, 20)

with subtest("connections are counted, not packets"):
    # What is banned or denied is no connection.
    flows = Counter[str]()
    for flow in recorded():
        flows[flow["rule"]] += flow["flows"]
    passed = {"ssh": 11, "ping": 3, "web": 1, "web6": 1, "lan-out": 3, "lan-dns": 1}
    assert +flows == passed, flows

with subtest("bytes of both ways are known to the last one"):

    def known(last):
        """Each connection of TCP is answered with 20,000 bytes, and headers on top. A
        minute may end before their bytes are told."""
        streams = [f for f in recorded() if f["protocol"] == "tcp" and not f["denied"]]
        begun, bytes_in = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for flow in streams:
            begun[decided(flow)] += flow["flows"]
            bytes_in[decided(flow)] += flow["bytes_in"] or 0
        unknown = [f for f in streams if not f["bytes_known"]]
        wrong = {
            what: bytes_in[what]
            for what, count in begun.items()
            if not 20000 * count < bytes_in[what] < 30000 * count
        }
        assert not last or not (unknown or wrong), (unknown, wrong)
        return not unknown and not wrong

    retry(known, 20)

with subtest("what a rule did is counted by the kernel"):
    rules = {rule["id"]: rule for rule in ask("rules")["rules"]}
    idle = [name for name in passed if rules[name]["packets"] < passed[name]]
    assert not idle, rules
    for name, least in {"ban": 5, "no-smtp": 2, "default.input": 5, "default.forward": 3}.items():
        assert rules[name]["packets"] >= least and rules[name]["bytes"] > 0, rules[name]
    assert rules["ssh"]["over_packets"] >= 7, rules["ssh"]

with subtest("the journal names what a rule with log let through and what it refused"):
    # All journals: a guest that began as a snapshot has had another machine id.
    journal = gateway.succeed("journalctl --merge -u vigil -o cat")
    for line in (
        "allow lan-dns: udp 192.168.2.2:[0-9]+ -> 192.168.2.1:53 .input, from lan",
        "reject no-smtp: tcp 192.168.2.2:[0-9]+ -> 192.168.1.3:25 .forward, from lan, to wan",
        r"reject no-smtp: tcp .2001:db8:2::2.:[0-9]+ -> .2001:db8:1::3.:25 .forward",
    ):
        assert re.search(line, journal), f"no line is like {line} in:\n{journal}"
    assert "lan-out:" not in journal, journal

with subtest("who leaves the feed is banned no more"):
    gateway.succeed("echo 192.168.1.67 > /etc/vigil/bad.txt")
    wait_for_ranges(1)
    assert talk(wan, ["ping 192.168.1.66 192.168.1.1 8"]) == ["ok"]
