# SPDX-License-Identifier: GPL-2.0-or-later
# `systemctl reload vigil` with policies good, bad and huge, under traffic from a second
# machine that never stops: what both policies allow goes on, and what both forbid never
# passes. Port 1000 is allowed by all policies here, 2000 by none.
import json
import re
import shlex

# On the firewall: answers on every port, and counts what came in by UDP.
WITNESS = r"""
import json, os, pathlib, socket, threading, time
PORTS = (1000, 2000, 3000, 4000, 7999)
seen = dict.fromkeys(PORTS, 0)

def opened(kind, port):
    s = socket.socket(socket.AF_INET6, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    return s

def count(s, port):
    while True:
        text, peer = s.recvfrom(2048)
        seen[port] += 1
        s.sendto(text, peer)

def echo(peer):
    with peer:
        while text := peer.recv(2048):
            peer.sendall(text)

def accept(s):
    s.listen(64)
    while True:
        threading.Thread(target=echo, args=s.accept()[:1], daemon=True).start()

for port in PORTS:
    threading.Thread(target=count, args=(opened(socket.SOCK_DGRAM, port), port)).start()
    threading.Thread(target=accept, args=(opened(socket.SOCK_STREAM, port),)).start()
while True:
    pathlib.Path("/run/new").write_text(json.dumps(seen))
    os.replace("/run/new", "/run/witness.json")
    time.sleep(0.1)
"""

# On the peer: keeps connections and talks over them, and sends from ever new ports, most to
# port 2000. A port comes again after 50,000 rounds, when the kernel has forgotten the
# connection that it belonged to. Faster while /run/hurry is there.
PROBER = r"""
import collections, json, os, pathlib, select, socket, time
ADDRESSES = ("192.168.1.1", "2001:db8:1::1")
told = {"answered": 0, "broken": [], "kept": {}}
kept, asked, sent = {}, {}, collections.Counter()

def probe(address, port):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setblocking(False)
    s.bind(("", 10000 + sent[address, port] % 50000))
    sent[address, port] += 1
    s.connect((address, port))
    s.send(b"probe")
    return s

def chat(name, s):
    try:
        told["kept"][name] += len(s.recv(2048)) // 4
        s.send(b"word")
    except BlockingIOError:
        pass
    except OSError as error:
        told["broken"].append(f"{name}: {error}")
        kept.pop(name)

for address in ADDRESSES:
    for port in (1000, 3000):
        s = socket.create_connection((address, port), 10)
        s.send(b"word")
        s.setblocking(False)
        kept[f"{address} {port}"] = s
        told["kept"][f"{address} {port}"] = 0
due = 0
while True:
    address = ADDRESSES[sent.total() // 6 % 2]
    s = probe(address, 1000)
    asked[s] = time.monotonic()
    for port in (2000, 3000, 2000, 4000, 2000):
        probe(address, port).close()
    for s in select.select(list(asked), [], [], 0)[0]:
        told["answered"] += bool(s.recv(2048))
        s.close()
        del asked[s]
    for s in [s for s, since in asked.items() if time.monotonic() > since + 2]:
        s.close()
        del asked[s]
    if time.monotonic() > due:
        due = time.monotonic() + 0.1
        for name, s in list(kept.items()):
            chat(name, s)
        pathlib.Path("/run/new").write_text(json.dumps(told))
        os.replace("/run/new", "/run/prober.json")
    time.sleep(0.01 if os.path.exists("/run/hurry") else 0.06)
"""

FIRST = """version: 1
zones: { lan: eth1 }
rules:
  - { id: always, from: lan, to: host, allow: { tcp: 1000, udp: 1000 } }
  - { id: first, from: lan, to: host, allow: { tcp: 3000, udp: 3000 } }
"""
SECOND = FIRST.replace("first", "second").replace("3000", "4000")
BAD = {
    "a syntax error": (
        FIRST.replace("allow: { tcp: 3000", "allow: [ tcp: 3000"),
        ":5:69",
        'a "," or the closing "]" is missing before this',
    ),
    "an unknown zone": (
        FIRST.replace("id: first, from: lan", "id: first, from: lam"),
        ":5:24",
        'no zone is named "lam"; did you mean "lan"?',
    ),
    "a feed that must not fail and is not there": (
        FIRST + "feeds: { bad: { file: gone.txt, on_error: fail } }\nban: [ bad ]\n",
        ":6:10",
        "feed bad: cannot read /etc/vigil/gone.txt: No such file",
    ),
}
FILES = {
    "is gone": ("rm /etc/vigil/policy.yml", "there is no such file"),
    "is root's alone": ("chmod 0600 /etc/vigil/policy.yml", "the agent's user may not read this file: make it readable"),
    "is a directory": (
        "rm /etc/vigil/policy.yml; mkdir /etc/vigil/policy.yml",
        "this is a directory, not a policy file",
    ),
    "is a pipe": (
        "rm /etc/vigil/policy.yml; mkfifo -m 644 /etc/vigil/policy.yml",
        "this is not a regular file",
    ),
}


def outputs(machine, *commands):
    """What each prints and how it ends, with one turn of the shell for all."""
    text = machine.succeed(
        "".join(f"{{ {command}; }} 2>&1 && echo @0 || echo @$?\n" for command in commands)
    )
    parts = re.split(r"@(\d+)\n", text)
    return list(zip(parts[::2], map(int, parts[1::2])))


def write(text, afterwards="true"):
    firewall.succeed(
        f"echo -n {shlex.quote(text)} > /tmp/policy.yml; rm -rf /etc/vigil/policy.yml; "
        f"cp --remove-destination /tmp/policy.yml /etc/vigil/policy.yml; {afterwards}"
    )


def status():
    # It exits with 1 where the last policy was refused.
    return json.loads(firewall.execute("vigil status --json")[1])


def told(machine, name):
    return json.loads(machine.succeed(f"cat /run/{name}.json"))


def all_is_well(policy):
    """From now on passes what this policy lets in, and not what only the other would; what
    was connected is so; and nowhere did anything pass that both forbid."""
    opened, closed = ("3000", "4000") if policy == FIRST else ("4000", "3000")
    # What came in before has been counted by then.
    began = json.loads(firewall.succeed("sleep 0.3; cat /run/witness.json"))
    before = told(peer, "prober")

    def further(last):
        now = told(peer, "prober")
        assert not now["broken"], f"connections broke: {now['broken']}"
        idle = [name for name in now["kept"] if now["kept"][name] == before["kept"][name]]
        assert not last or not idle, f"nothing is heard over {idle}"
        assert not last or now["answered"] > before["answered"] + 5, (before, now)
        return not idle and now["answered"] > before["answered"] + 5

    def let_in(last):
        now = told(firewall, "witness")[opened] - began[opened]
        assert not last or now > 5, f"{now} packets came in by port {opened}"
        return now > 5

    retry(further, 20)
    retry(let_in, 20)
    seen = told(firewall, "witness")
    passed = seen[closed] - began[closed]
    assert passed == 0, f"{passed} packets passed to port {closed}"
    # The firewall's own datagram, which shows that one would be seen.
    assert seen["2000"] == 1, f"{seen['2000'] - 1} packets passed that every policy forbids"


def refused(place, reason):
    """A reload fails, says why wherever one looks, and changes nothing."""
    (before, _), (output, code), (shown, _), (journal, _), (after, _) = outputs(
        firewall,
        "vigil status --json",
        "date +%s.%N > /tmp/since; systemctl reload vigil",
        "systemctl status --no-pager --full vigil",
        # All journals: a guest that began as a snapshot has had another machine id.
        "journalctl --merge -u vigil -o cat --since @$(cat /tmp/since)",
        "vigil status --json",
    )
    assert code != 0, f"systemctl reload exits with {code}: {output}"
    assert reason in shown, f"{reason!r} is not in systemctl status:\n{shown}"
    assert "Active: active (running)" in shown, shown
    assert f"/etc/vigil/policy.yml{place}: {reason}" in journal, journal
    was, now = json.loads(before), json.loads(after)
    assert now["state"] == "failed", now
    assert now["policy"]["tag"] == was["policy"]["tag"], now


def taken(policy):
    write(policy)
    firewall.succeed(
        "systemctl reload vigil; vigil status > /tmp/status; "
        "nft list chain inet vigil at.$(awk '$1 == \"tag\" { print $2 }' /tmp/status)"
    )


start_all()
firewall.wait_for_unit("vigil.service")
for machine, name, text in ((firewall, "witness", WITNESS), (peer, "prober", PROBER)):
    machine.wait_for_unit("multi-user.target")
    machine.succeed(
        f"echo {shlex.quote(text)} > /tmp/{name}.py",
        f"systemd-run --unit={name} python3 /tmp/{name}.py",
    )
    machine.wait_for_file(f"/run/{name}.json")
firewall.succeed("echo hello > /dev/udp/127.0.0.1/2000")

with subtest("the policy is in force, and what it forbids does not pass"):
    all_is_well(FIRST)

with subtest("another one is when systemctl reload returns, and connections go on"):
    taken(SECOND)
    all_is_well(SECOND)

for what, (text, place, reason) in BAD.items():
    with subtest(f"{what} fails the reload, which says where, and the old policy stays"):
        write(text)
        refused(place, reason)
all_is_well(SECOND)

for what, (command, reason) in FILES.items():
    with subtest(f"a policy that {what} fails the reload and is told"):
        write(FIRST, command)
        refused("", reason)
all_is_well(SECOND)

with subtest("a good policy mends it"):
    taken(FIRST)

with subtest("SIGHUP does what a reload does"):
    write(SECOND)
    firewall.succeed("systemctl kill --kill-whom=main --signal=HUP vigil; vigil status --wait")
    all_is_well(SECOND)

with subtest("a bad policy after SIGHUP changes nothing, and the unit stays active"):
    write(BAD["an unknown zone"][0])
    firewall.succeed("systemctl kill --kill-whom=main --signal=HUP vigil")
    firewall.wait_until_fails("vigil status --wait")
    firewall.wait_until_succeeds("systemctl is-active vigil")
    all_is_well(SECOND)

with subtest("of many reloads at once, under load, the last policy written stays"):
    peer.succeed("touch /run/hurry")
    firewall.succeed(
        f"echo -n {shlex.quote(SECOND)} > /tmp/0; echo -n {shlex.quote(FIRST)} > /tmp/1; "
        "for n in 0 1 0 1; do cp --remove-destination /tmp/$n /etc/vigil/policy.yml; "
        "systemctl reload vigil & pids+=($!); sleep 0.1; done; vigil apply & pids+=($!); "
        "for pid in ${pids[@]}; do wait $pid || exit 1; done"
    )
    peer.succeed("rm /run/hurry")
    all_is_well(FIRST)

GENERATE = r"""
rules = [f"  - {{id: r{n}, from: {{zone: lan, address: 10.{n % 7}.0.0/16}}, to: host, "
         f"{'drop' if n % 3 else 'allow'}: {{tcp: {6000 + n}}}}}" for n in range(1999)]
rules.append("  - {id: last, from: lan, to: host, allow: {tcp: 7999}}")
with open("/etc/vigil/policy.yml", "a") as out:
    print("\n".join(rules) + "\nfeeds: {bad: {file: bad.txt}}\nban: [bad]", file=out)
with open("/etc/vigil/bad.txt", "w") as out:
    for n in range(200000):
        print(f"{20 + (n >> 16)}.{n >> 8 & 255}.{n & 255}.0/25", file=out)
"""

with subtest("2,000 rules and a feed of 200,000 prefixes come into force under traffic"):
    write(FIRST)
    firewall.succeed(f"python3 -c {shlex.quote(GENERATE)}", "systemctl reload vigil")
    now = status()
    assert now["policy"]["rules"] == 2002 and now["feeds"][0]["ranges"] == 200000, now
    peer.succeed("nc -z -w 5 192.168.1.1 7999")
    all_is_well(FIRST)

with subtest("and go when another policy comes"):
    taken(SECOND)
    peer.fail("nc -z -w 2 192.168.1.1 7999")
    all_is_well(SECOND)
