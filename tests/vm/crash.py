# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever dies, and however: the rules stay in force, the database stays sound, and no
# connection goes uncounted. From the beginning to the end, `peer` sends what the policy
# forbids, and what it allows as well, to show that it would be heard.
import json

DATABASE = "/var/lib/vigil/flows.db"
SETTINGS = "/run/systemd/system/vigil.service.d"

# On the peer. Nobody listens: the kernel answers a SYN that comes in with a reset.
PROBE = r"""
import errno, json, os, select, socket, time
ADDRESSES = {(socket.AF_INET, "192.168.1.1"): "v4", (socket.AF_INET6, "2001:db8:1::1"): "v6"}
tally = {f"{what} {v}": [0, 0] for what in ("open", "shut") for v in ("v4", "v6")}
waiting = []
while True:
    for (family, address), v in ADDRESSES.items():
        for what, port in (("open", 1000), ("shut", 2000)):
            s = socket.socket(family, socket.SOCK_STREAM)
            s.setblocking(False)
            tally[f"{what} {v}"][0] += 1
            if s.connect_ex((address, port)) == errno.EINPROGRESS:
                waiting.append((time.monotonic(), s, f"{what} {v}"))
    time.sleep(0.05)
    now = time.monotonic()
    for entry in list(waiting):
        ready = select.select([], [entry[1]], [], 0)[1]
        if ready:
            error = entry[1].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            tally[entry[2]][1] += error in (0, errno.ECONNREFUSED)
        if ready or now - entry[0] > 0.5:
            entry[1].close()
            waiting.remove(entry)
    with open("/tmp/tally.new", "w") as file:
        json.dump(tally, file)
    os.rename("/tmp/tally.new", "/tmp/tally")
"""

# On the peer: so many connections, each of which the host's kernel answers. Says how many.
BURST = r"""
import socket, sys, time
count = 0
for i in range(int(sys.argv[1])):
    address = ("192.168.1.1", "2001:db8:1::1")[i % 2]
    try:
        socket.create_connection((address, 3000), timeout=5).close()
    except ConnectionRefusedError:
        count += 1
    time.sleep(float(sys.argv[2]))
print(count)
"""

# On the host: ends when the agent has begun to write.
WRITING = r"""
import os, sys, time
def stamp():
    s = os.stat(sys.argv[1] + "-wal")
    return s.st_mtime_ns, s.st_size
before, end = stamp(), time.monotonic() + 60
while stamp() == before:
    if time.monotonic() > end:
        sys.exit("nothing was written for a minute")
    time.sleep(0.001)
"""


def write(machine, path, text):
    machine.succeed(f"mkdir -p $(dirname {path}) && "
                    f"cat > {path} <<'END_OF_FILE'\n{text}\nEND_OF_FILE")


def query(text):
    return host.succeed(f'sqlite3 -readonly {DATABASE} "{text}"').strip()


def table():
    """Vigil's table as the kernel holds it, without its counters."""
    text = host.succeed("nft --stateless list table inet vigil")
    assert "at." in text and "hook input" in text, text
    return text


def pid(unit):
    return int(host.get_unit_property(unit, "MainPID"))


def tally():
    return json.loads(peer.succeed("cat /tmp/tally"))


def nothing_passed(since):
    """The forbidden never got in; the allowed did, again since then."""
    def heard(_last_try):
        now = tally()
        return all(now[f"open {v}"][1] > since[f"open {v}"][1] + 3 for v in ("v4", "v6"))
    retry(heard, 60)
    now = tally()
    for v in ("v4", "v6"):
        sent, passed = now[f"shut {v}"]
        assert sent > since[f"shut {v}"][0] and passed == 0, now


def settled():
    """Both run, know each other, and enforce what was enforced."""
    host.wait_for_unit("vigil.service")
    host.wait_until_succeeds("vigil status --wait --json | grep -Eq '\"connected\": ?true'",
                             timeout=60)
    host.wait_for_unit("vigil-helper.service")
    assert table() == rules


def settings(name, lines):
    write(host, f"{SETTINGS}/{name}.conf", "[Service]\n" + lines)
    host.succeed("systemctl daemon-reload")


def no_settings():
    host.succeed(f"rm -r {SETTINGS} && systemctl daemon-reload")


def counted():
    return int(query("SELECT coalesce(sum(flows), 0) FROM readable WHERE rule = 'burst'"))


def burst(count, pause=0):
    assert int(peer.succeed(f"python3 /tmp/burst.py {count} {pause}")) == count


def all_counted(expected):
    """Every connection is in the database, once, and the agent heard of no loss."""
    host.wait_until_succeeds(f"test $(sqlite3 -readonly {DATABASE} \"SELECT sum(flows) FROM "
                             f"readable WHERE rule = 'burst'\") -ge {expected}", timeout=40)
    host.succeed("vigil status --wait")
    assert counted() == expected, (counted(), expected)
    assert query("SELECT sum(lost) FROM minutes") == "0"
    assert json.loads(host.succeed("vigil status --json"))["events"]["lost"] == 0


def at_the_gate(how):
    """The agent is down, and its successor waits at the gate, while connections are made."""
    before = counted()
    host.succeed("rm -f /run/vigil/gate; mkfifo /run/vigil/gate")
    settings("gate", "ExecStartPre=+/bin/sh -c 'read line </run/vigil/gate'\n")
    host.succeed(how)
    host.wait_until_succeeds("systemctl show vigil -p SubState | grep -q start-pre", timeout=30)
    burst(200)
    assert host.get_unit_property("vigil.service", "SubState") == "start-pre"
    host.succeed("echo go >/run/vigil/gate")
    no_settings()
    settled()
    return before + 200


start_all()
host.wait_for_unit("vigil.service")
write(peer, "/tmp/probe.py", PROBE)
write(peer, "/tmp/burst.py", BURST)
write(host, "/root/writing.py", WRITING)
rules = table()
card = host.succeed("cat /sys/class/net/eth1/address").strip()
for address in ("192.168.1.1", "2001:db8:1::1"):
    # So that its boot is under fire as well from the first moment on.
    peer.succeed(f"ip neighbour replace {address} lladdr {card} dev eth1 nud permanent")
peer.succeed("systemd-run --unit=probe $(command -v python3) /tmp/probe.py")
peer.wait_for_file("/tmp/tally", timeout=60)

with subtest("connections are counted, each once"):
    nothing_passed(tally())
    burst(50)
    all_counted(50)

for who, units in {"the helper": ["vigil-helper.service"], "the agent": ["vigil.service"],
                   "both": ["vigil-helper.service", "vigil.service"]}.items():
    with subtest(f"{who} killed: rules stay in force, it comes back, nothing passed"):
        since, old = tally(), {unit: pid(unit) for unit in units}
        host.succeed("kill -KILL " + " ".join(map(str, old.values())))
        assert table() == rules
        for unit in units:
            host.wait_until_succeeds(f"p=$(systemctl show -P MainPID {unit}); test $p != 0 -a "
                                     f"$p != {old[unit]}", timeout=60)
        settled()
        nothing_passed(since)

with subtest("what comes while a killed agent is down is counted when it is back"):
    since = tally()
    all_counted(at_the_gate("systemctl kill --signal=KILL vigil.service"))
    nothing_passed(since)

with subtest("and so is what comes while it is restarted"):
    since = tally()
    all_counted(at_the_gate("systemctl restart --no-block vigil.service"))
    nothing_passed(since)

with subtest("and what comes all along while it is restarted again and again"):
    expected = counted() + 200
    peer.succeed("rm -f /tmp/made; systemd-run --unit=burst sh -c "
                 "\"$(command -v python3) /tmp/burst.py 200 0.02 >/tmp/made.new; "
                 "mv /tmp/made.new /tmp/made\"")
    for _ in range(3):
        host.succeed("systemctl restart vigil.service")
    peer.wait_for_file("/tmp/made", timeout=60)
    assert peer.succeed("cat /tmp/made").strip() == "200"
    settled()
    all_counted(expected)

with subtest("an agent that hangs is ended by the watchdog, and comes back"):
    settings("watchdog", "WatchdogSec=5s\nTimeoutAbortSec=5s\n")
    host.succeed("systemctl restart vigil.service")
    settled()
    since, old = tally(), pid("vigil.service")
    host.succeed(f"kill -STOP {old}")
    host.wait_until_succeeds("journalctl -u vigil.service | grep -q 'Watchdog timeout'", timeout=60)
    host.wait_until_succeeds(f"p=$(systemctl show -P MainPID vigil); test $p != 0 -a $p != {old}",
                             timeout=60)
    settled()
    nothing_passed(since)
    no_settings()

with subtest("the database is sound after all this, and the earlier minutes are there"):
    assert query("PRAGMA integrity_check") == "ok"
    assert counted() == 650, counted()
    # The kernel writes to the disk what is half a minute old, if nothing else does.
    kept = query("SELECT minute, decider, hex(source), port, flows FROM flows "
                 "WHERE minute < unixepoch() - 100 ORDER BY 1, 2, 3, 4")
    assert kept, "nothing is that old"

with subtest("power cut in the middle of a write"):
    since = tally()
    host.succeed(f"python3 /root/writing.py {DATABASE}")
    host.crash()
    host.start()
    host.wait_for_unit("vigil.service")
    settled()
    nothing_passed(since)

with subtest("the database is sound after the power cut, and the earlier minutes are there"):
    assert query("PRAGMA integrity_check") == "ok"
    again = query("SELECT minute, decider, hex(source), port, flows FROM flows "
                  "WHERE minute < unixepoch() - 100 ORDER BY 1, 2, 3, 4")
    missing = set(kept.splitlines()) - set(again.splitlines())
    assert not missing, missing
    host.fail("ls /var/lib/vigil/flows.db.corrupt-*")
    burst(20)
    host.wait_until_succeeds(f"test -n \"$(sqlite3 -readonly {DATABASE} \"SELECT 1 FROM readable "
                             "WHERE rule = 'burst' AND flows >= 20\")\"", timeout=40)
