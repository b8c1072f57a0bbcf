# SPDX-License-Identifier: GPL-2.0-or-later
# The agent has been taken over: a program that wants harm runs as its unit, with its
# sandbox, its descriptors and its state directory, and only ExecStart= is another.
# hostile.c has the attempts; here stands what must come of them.

SETTINGS = "/run/systemd/system/vigil.service.d"
STATE = "/var/lib/private/vigil"
OTHERS = "nft list ruleset | sed '/^table inet vigil {/,/^}/d'"
# What the unit's sandbox leaves: its state, and what every program has.
REACHABLE = {
    ("writes", STATE),
    ("connects to", "/run/systemd/notify"),
    *(("opens", f"/dev/{name}") for name in
      ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts/ptmx")),
}
# Kernels may be built without these, or keep them even from root.
NOT_EVEN_ROOT = {"reads the kernel's memory", "opens the machine's memory",
                 "turns accounting off", "loads another kernel",
                 "opens a socket to the kernel's ciphers"}


def write(path, text):
    machine.succeed(f"cat > {path} <<'END_OF_FILE'\n{text}\nEND_OF_FILE")


def read_seen(text):
    return [line.split("\t") for line in text.splitlines()]


def judge(who, seen):
    """A subtest for each attempt that must not succeed, and each promise."""
    assert seen, "nothing was seen"
    for expectation, what, outcome in seen:
        if expectation == "never":
            with subtest(f"{who} nobody {what} ({outcome})"):
                assert outcome != "done", f"it {what}"
        elif expectation in ("holds", "design"):
            with subtest(f"{who} it {what}"):
                assert outcome == "done", outcome
        else:
            print(f"# {who} it {what}: {outcome}")


def run_hostile(orders, status=0):
    """Start the unit with orders; what it saw."""
    machine.succeed(f"rm -f {STATE}/seen; echo '{orders}' > {STATE}/orders")
    got, text = machine.execute("systemctl restart vigil.service 2>&1")
    assert (got == 0) == (status == 0), f"{orders}: {text}"
    return read_seen(machine.succeed(f"cat {STATE}/seen"))


def run_as_root(orders):
    """The same program without a unit."""
    machine.succeed(f"mkdir -p /root/hostile; echo '{orders}' > /root/hostile/orders")
    machine.succeed(f"STATE_DIRECTORY=/root/hostile {program}")
    return read_seen(machine.succeed("cat /root/hostile/seen"))


def table():
    return machine.succeed("nft -s list table inet vigil")


start_all()
machine.wait_for_unit("vigil.service")
machine.wait_until_succeeds("vigil status")
# In the path on NixOS, and where the driver puts it on Debian.
program = machine.succeed("command -v hostile || echo /opt/vigil-tests/hostile").strip()

# --- what is there to be protected -----------------------------------------------------------

write("/run/setup", """
set -eu
ip netns add stranger
ip link add wan0 type veth peer name eth0 netns stranger
ip addr add 192.0.2.1/24 dev wan0 && ip link set wan0 up
ip -n stranger addr add 192.0.2.2/24 dev eth0 && ip -n stranger link set eth0 up
nft -f - <<END
table ip canary {
    set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }
    counter hits { packets 7 bytes 700 }
    chain c { ip saddr @s counter name hits drop; }
}
table inet canary {
    chain canary { type filter hook forward priority 5; tcp dport 1 drop; }
}
END
mkdir -p /run/canary/mount /root/canary /home/canary
install -d -m 700 /var/lib/canary
echo secret | tee /var/lib/canary/secret >/run/canary/open
chmod 600 /var/lib/canary/secret
chmod 666 /run/canary/open
for place in /root/canary/open /home/canary/open /tmp/canary /var/tmp/canary; do
    echo open >$place && chmod 644 $place
done
""")
machine.succeed("sh /run/setup")
write("/run/serve.py", """
import os, selectors, socket
waiting = selectors.DefaultSelector()
def listen(family, address):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address)
    s.listen(64)
    waiting.register(s, selectors.EVENT_READ)
listen(socket.AF_INET, ("", 8080))
listen(socket.AF_INET, ("", 2323))
listen(socket.AF_UNIX, "/run/canary/open.sock")
os.chmod("/run/canary/open.sock", 0o666)
while True:
    for key, _ in waiting.select():
        key.fileobj.accept()[0].close()
""")
# Who is in the network all the time, and writes down what the host lets in.
write("/run/stranger.py", """
import os, socket, time
counts = {8080: [0, 0], 2323: [0, 0]}
def reaches(port):
    with socket.socket() as s:
        s.settimeout(10 if port == 8080 else 0.2)
        try:
            s.connect(("192.0.2.1", port))
            return 1
        except OSError:
            return 0
while True:
    for port in counts:
        counts[port][reaches(port)] += 1
    with open("/run/stranger.new", "w") as f:
        print(*counts[8080], *counts[2323], file=f)
    os.rename("/run/stranger.new", "/run/stranger")
    time.sleep(0.4)
""")
# Makes many short flows, deletes them all from conntrack, and prints how many there were and
# are.
write("/run/flows.py", """
import socket, struct, time
def count():
    return open("/proc/sys/net/netfilter/nf_conntrack_count").read().strip()
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as s:
    for port in range(1024, 1324):
        s.sendto(struct.pack("!HHHH", port, 9, 8, 0), ("127.0.0.1", 0))
before = count()
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as s:
    s.bind((0, 0))
    s.send(struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 1 | 4, 1, 0, 0, 0, 0))
    s.recv(4096)
time.sleep(0.5)
print(before, count())
""")
machine.succeed("systemd-run --quiet --unit=serve python3 /run/serve.py")
machine.wait_for_open_port(2323)
machine.succeed("systemd-run --quiet --unit=stranger ip netns exec stranger"
                " python3 /run/stranger.py")
machine.wait_for_file("/run/stranger")
others_before = machine.succeed(OTHERS)
table_before = table()
helper = machine.succeed("systemctl show -P MainPID vigil-helper.service").strip()
machine.succeed(f"mkdir -p {SETTINGS}")
write(f"{SETTINGS}/hostile.conf", f"[Service]\nExecStart=\nExecStart={program}")

# --- the attempts are real -------------------------------------------------------------------

with subtest("as root and without a unit every attempt succeeds, so they are real"):
    seen = run_as_root(f"attempts {helper}")
    failed = {what: outcome for _, what, outcome in seen if outcome != "done"}
    assert set(failed) <= NOT_EVEN_ROOT, failed
    assert len(seen) > 90, len(seen)
machine.succeed("umount /run/canary/mount; cd /; rm -f vigil-hostile {etc,etc/vigil,var/lib,"
                "var/log,run,run/vigil,run/systemd/system,dev,root}/vigil-hostile")

# --- the sandbox ------------------------------------------------------------------------------

machine.succeed("systemctl daemon-reload")
seen = run_hostile(f"attempts+reach {helper}")
judge("in the unit's sandbox", [line for line in seen if line[0] in ("never", "open")])
with subtest("in the unit's sandbox only its state can be written, and no service reached"):
    reached = {(how, what) for how, what, _ in seen if how not in ("never", "open")}
    assert ("writes", STATE) in reached, reached
    assert reached <= REACHABLE, reached - REACHABLE
judge("behind the agent's own filter", run_hostile(f"attempts {helper} locked"))

# --- the helper -------------------------------------------------------------------------------

judge("from the helper", run_hostile("refused+sockets+flood 0 locked"))
# More connections than an agent ever gets, and than the helper serves at a time.
write(f"{SETTINGS}/spare.conf", "[Service]\n" + 9 * "OpenFile=/run/vigil/helper.sock:spare\n")
machine.succeed("systemctl daemon-reload")
judge("with the helper", run_hostile("endings 0 locked"))
machine.succeed(f"rm {SETTINGS}/spare.conf && systemctl daemon-reload")
with subtest("the helper serves others after all that, and is the same process"):
    assert run_as_root("ask 0")[0][2] == "done"
    assert machine.succeed("systemctl show -P MainPID vigil-helper.service").strip() == helper

with subtest("no table of others has changed, byte for byte"):
    others = machine.succeed(OTHERS)
    assert others == others_before, others
with subtest("nor has Vigil's own"):
    assert table() == table_before

# --- what it takes and what it pins -------------------------------------------------------------


def unit(name):
    return machine.succeed(f"systemctl show -P {name} vigil.service").strip()


def count_flows():
    """Conntrack's entries, with many flows and once all of these are deleted."""
    before, after = map(int, machine.succeed("python3 /run/flows.py").split())
    assert before >= 300, before
    return after


def bounded(what, seen):
    with subtest(f"TasksMax= bounds its {what}"):
        (_, said, outcome), = (line for line in seen if line[1].startswith(f"{what}: "))
        assert outcome == "EAGAIN", outcome
        assert 1 <= int(said.split()[-1]) <= int(unit("TasksMax")), said


seen = run_hostile("processes+pin 0")
bounded("processes", seen)
with subtest("without the agent's own filter its socket would pin ended connections"):
    assert seen[-1][2] == "done", seen[-1]
    left = count_flows()
    assert left > 200, left

seen = run_hostile("threads+disk+pin 0 locked")
bounded("threads", seen)
with subtest("nothing but the file system's size bounds its state, as is documented"):
    assert ["count", "MiB of disk: 64", "done"] in seen, seen
with subtest("with that filter the kernel refuses what pins, and ended connections vanish"):
    assert seen[-1][2] == "EPERM", seen[-1]
    left = count_flows()
    assert left < 100, left

with subtest("MemoryMax= bounds its memory"):
    seen = run_hostile("memory 0 locked", status=1)
    machine.succeed("systemctl stop vigil.service")
    machine.wait_until_succeeds("journalctl --merge -u vigil.service | grep 'result .oom-kill'")
    used = int(seen[-1][1].split()[-1]) * 2**20
    assert 2**26 < used <= int(unit("MemoryMax")), (used, unit("MemoryMax"))
with subtest("its store of descriptors has no room for all of the helper's 8 places"):
    assert 0 < int(unit("FileDescriptorStoreMax")) < 8, unit("FileDescriptorStoreMax")
with subtest("the helper and others have survived that"):
    assert machine.succeed("systemctl show -P MainPID vigil-helper.service").strip() == helper
    machine.succeed("systemctl is-active serve stranger")

with subtest("the rules were in force all the time"):
    shut, reached, refused, entered = map(int, machine.succeed("cat /run/stranger").split())
    assert reached > 10 and refused > 10, (reached, refused)
    assert (shut, entered) == (0, 0), (shut, entered)
machine.succeed("systemctl stop stranger")

# --- what it can do, and what comes after -------------------------------------------------------

judge("as is documented", run_hostile("open-host 0 locked"))
with subtest("so the host is open, until an honest agent comes"):
    machine.succeed("ip netns exec stranger nc -z -w 5 192.0.2.1 2323")

judge("as is documented", run_hostile("poison-store 0"))
machine.succeed(f"cd {STATE} && rm -f orders seen program set-user && for f in *; do"
                " [ ! -f $f ] || head -c 5000 /dev/urandom >$f; done;"
                " ln -s /etc/shadow .numbers.new; ln -s /etc/shadow .committed.json.new")
machine.succeed(f"rm -r {SETTINGS} && systemctl daemon-reload")
with subtest("the agent itself comes back, whatever its state and descriptors have become"):
    machine.succeed("systemctl restart vigil.service")
    machine.wait_until_succeeds("vigil status")
with subtest("and its rules are in force again"):
    assert table() == table_before
    machine.fail("ip netns exec stranger nc -z -w 1 192.0.2.1 2323")
    machine.succeed("ip netns exec stranger nc -z -w 5 192.0.2.1 8080")
with subtest("what it wrote where its state is can be cleaned away"):
    machine.succeed("systemctl stop vigil.service &&"
                    " systemctl clean --what=state --what=fdstore vigil.service")
    machine.fail(f"test -e {STATE}/.numbers.new")
    machine.succeed("systemctl start vigil.service")
    machine.succeed(f"test -s {STATE}/numbers")
    assert table() == table_before
with subtest("no table of others has changed to the end"):
    assert machine.succeed(OTHERS) == others_before
with subtest("as root what was tried with passed sockets succeeds, so it was real"):
    done = {what for _, what, outcome in run_as_root("sockets 0") if outcome == "done"}
    assert "deletes another table through the socket it got" in done, done
    assert machine.succeed(OTHERS) != others_before
