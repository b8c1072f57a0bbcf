# SPDX-License-Identifier: GPL-2.0-or-later
# Others that keep tables of their own: podman's, with ports published to the network, and
# networkd's. The gateway starts with the policy of examples/container-host.yml, where the
# network's interface is eth1.
import re

ALONE = """
{ "version": 1,
  "zones": { "net": "eth1" },
  "rules": [{ "id": "ping", "from": "any", "to": "host", "allow": "ping" }] }
"""
# With handles: who made a table or a rule anew would be seen.
OTHERS = "nft -a list ruleset | sed '/^table inet vigil {/,/^}/d'"


def write(machine, path, text):
    machine.succeed(f"cat > {path} <<'END_OF_FILE'\n{text.strip()}\nEND_OF_FILE")


def enforce(policy):
    gateway.succeed(f"cp --remove-destination {policy} /etc/vigil/policy.yml")
    gateway.succeed("systemctl reload vigil.service")


def others():
    return gateway.succeed(OTHERS)


def table():
    """Vigil's own, but for what packets put in; its parts in whatever order they were made."""
    lines = gateway.succeed("nft -s list table inet vigil").splitlines()
    parts = "\n".join(lines[1:-1]).split("\n\n")
    return sorted(re.sub(r"\n\t\telements = {[^}]*}", "", part)
                  if "flags dynamic" in part else part for part in parts)


def untouched(what):
    with subtest(f"{what} leaves podman's and networkd's tables as they were, byte for byte"):
        assert others() == before, what


def get(address, port):
    """A command that prints who answers, and fails when nobody does."""
    return (f"printf 'GET /name HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {address} {port} |"
            " tail -n 1 | grep -x '[a-z]*'")


def inside(address):
    """The same from inside the container."""
    return f"podman exec web /bin/busybox wget -q -T 2 -O - http://{address}/name"


start_all()
gateway.wait_for_unit("vigil.service")
gateway.wait_until_succeeds("vigil status")

# --- the neighbours ----------------------------------------------------------------------------

write(gateway, "/run/web.sh", """
set -eu
mkdir -p /run/image/bin /run/image/www
cp "$(command -v busybox)" /run/image/bin/busybox
echo container >/run/image/www/name
tar -C /run/image -c . | podman import --quiet - localhost/web
# Two servers; the second one's published port has the number that the rules let through.
podman run --detach --quiet --name web --publish 8080:80 --publish 443:81 localhost/web \\
    /bin/busybox sh -c '/bin/busybox httpd -p 81 -h /www; exec /bin/busybox httpd -f -p 80 -h /www'
""")
gateway.succeed("sh /run/web.sh 2>&1")
gateway.succeed("mkdir -p /run/systemd/network")
write(gateway, "/run/systemd/network/50-guests.netdev", """
[NetDev]
Name=guests0
Kind=bridge
""")
write(gateway, "/run/systemd/network/50-guests.network", """
[Match]
Name=guests0
[Network]
Address=10.99.0.1/24
Address=fd99::1/64
IPMasquerade=both
LinkLocalAddressing=no
ConfigureWithoutCarrier=yes
[Link]
RequiredForOnline=no
""")
gateway.succeed("systemctl restart systemd-networkd.service")
gateway.wait_until_succeeds("nft list table ip io.systemd.nat | grep 10.99.0")

# Beyond the network beside the gateway: what a container may reach.
outside.succeed("ip address add 203.0.113.2/32 dev eth1")
gateway.succeed("ip route replace 203.0.113.2 via 192.168.1.2 dev eth1")
outside.succeed("mkdir -p /run/www && echo outside >/run/www/name")
outside.succeed("systemd-run --quiet --unit=web python3 -m http.server --directory /run/www 80")
outside.wait_for_open_port(80)
for machine in gateway, outside:
    machine.succeed("ping -c 1 -w 5 192.168.1.1 && ping -c 1 -w 5 192.168.1.2")

before = others()
with subtest("podman and networkd have tables of their own beside Vigil's"):
    for name in "inet netavark", "ip io.systemd.nat", "ip6 io.systemd.nat", "inet vigil":
        gateway.succeed(f"nft list table {name}")

# --- published ports -----------------------------------------------------------------------------

with subtest("a published port works from the network, by the rules of the example"):
    assert outside.wait_until_succeeds(get("192.168.1.1", 8080)) == "container\n"
with subtest("rules see the container's own port, whatever number it is published under"):
    outside.fail(get("192.168.1.1", 443))
    assert gateway.succeed(get("192.168.1.1", 443)) == "container\n"
with subtest("a container reaches the Internet, in the gateway's name"):
    assert gateway.succeed(inside("203.0.113.2")) == "outside\n"
    outside.wait_until_succeeds("journalctl --merge -u web | grep ': 192.168.1.1 '")
with subtest("and not the network beside the gateway"):
    gateway.fail(inside("192.168.1.2"))
with subtest("the record has the port that was asked for, and the rule that let it in"):
    gateway.wait_until_succeeds("vigil flows --since 1h | grep 'tcp/8080 .*published-web'")
with subtest("a denied packet is told as the rules see it"):
    gateway.wait_until_succeeds("vigil flows --denied | grep 'tcp/81 .*default.f'")

write(gateway, "/run/alone.yml", ALONE)
gateway.succeed("cp -L /etc/vigil/policy.yml /run/example.yml")
enforce("/run/alone.yml")
with subtest("without rules for it, forward: drop cuts a published port off"):
    outside.fail(get("192.168.1.1", 8080))
with subtest("which still works from the gateway itself"):
    assert gateway.succeed(get("192.168.1.1", 8080)) == "container\n"
untouched("a reload with another policy")
enforce("/run/example.yml")
with subtest("with the rules it works again"):
    assert outside.wait_until_succeeds(get("192.168.1.1", 8080)) == "container\n"

# --- Vigil comes and goes ------------------------------------------------------------------------

mine = table()
for verb in "reload", "restart", "stop", "start":
    gateway.succeed(f"systemctl {verb} vigil.service")
    untouched(f"systemctl {verb} vigil")
gateway.succeed("systemctl restart vigil-helper.service")
untouched("systemctl restart vigil-helper")
gateway.succeed("systemctl stop vigil.service && nft delete table inet vigil")
untouched("taking Vigil's rules away")
gateway.succeed("systemctl start vigil.service")
untouched("a start where there is no table yet")
with subtest("and Vigil's own table is the same after all that"):
    assert table() == mine

# --- others come and go --------------------------------------------------------------------------

with subtest("podman and networkd leave Vigil's table as it was when they begin anew"):
    gateway.succeed("podman network reload web && systemctl restart systemd-networkd.service")
    gateway.wait_until_succeeds("nft list table ip io.systemd.nat | grep 10.99.0")
    assert table() == mine
    assert outside.wait_until_succeeds(get("192.168.1.1", 8080)) == "container\n"

before = others()
with subtest("whoever deletes Vigil's table is noticed"):
    gateway.succeed("nft delete table inet vigil")
    gateway.wait_until_succeeds("{ vigil status || :; } | grep 'somebody removed'")
    gateway.fail("vigil status")
    gateway.wait_until_succeeds("journalctl --merge -u vigil | grep 'Somebody removed table inet vigil'")
with subtest("and a reload puts it back"):
    gateway.succeed("systemctl reload vigil.service")
    assert table() == mine
    gateway.succeed("vigil status")
untouched("that")
with subtest("a reload also puts back rules that somebody took out of the table"):
    gateway.succeed("nft flush chain inet vigil forward && systemctl reload vigil.service")
    assert table() == mine

with subtest("a foreign flush of everything is noticed"):
    gateway.succeed("nft flush ruleset")
    gateway.wait_until_succeeds("{ vigil status || :; } | grep 'somebody removed'")
with subtest("and a reload puts back what is Vigil's, and nothing else"):
    gateway.succeed("systemctl reload vigil.service")
    assert table() == mine
    assert others() == "", others()
with subtest("podman and networkd then put back what is theirs"):
    gateway.succeed("podman network reload --all && systemctl restart systemd-networkd.service")
    gateway.wait_until_succeeds("nft list table ip io.systemd.nat | grep 10.99.0")
    assert outside.wait_until_succeeds(get("192.168.1.1", 8080)) == "container\n"
    assert table() == mine
