# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian package on a running system: the first policy, an upgrade, one whose policy is
# refused, removal, purge. On our own guests alone: NixOS has no dpkg.
import glob
import json
import os
import shlex

POLICY = {"version": 1, "zones": {"lan": ["eth1"]},
          "rules": [{"id": "ping", "from": "lan", "to": "host", "allow": "ping"}]}


def write(policy):
    machine.succeed("install -m 644 /dev/stdin /etc/vigil/policy.yml <<< " +
                    shlex.quote(json.dumps(policy)))


def processes():
    return [machine.get_unit_property(unit, "MainPID")
            for unit in ("vigil.service", "vigil-helper.service")]


def rules():
    """The table with its handles: whatever is made anew gets others."""
    return machine.succeed("nft -a -s list table inet vigil")


def check(good, what):
    if not good:
        raise Exception(what)


machine.start()
# Two packages of other versions, with nothing else changed in them.
newest = max(glob.glob("build/vigil_*.deb"), key=os.path.getmtime)
machine.copy_from_host_via_shell(newest, "/tmp/vigil.deb")
for version in ("9.1", "9.2"):
    machine.succeed(
        "rm -rf /tmp/v && dpkg-deb -R /tmp/vigil.deb /tmp/v",
        f"sed -i 's/^Version: .*/Version: {version}/' /tmp/v/DEBIAN/control",
        f"dpkg-deb -Znone --root-owner-group -b /tmp/v /tmp/{version}.deb")

with subtest("without a policy nothing is enforced, and the command line says what to do"):
    machine.fail("nft list table inet vigil")
    machine.require_unit_state("vigil.service", "inactive")
    said = machine.fail("vigil status 2>&1")
    check("write /etc/vigil/policy.yml" in said, said)

with subtest("a policy that is refused fails the first start at once, and status says why"):
    write({**POLICY, "rulez": []})
    machine.fail("timeout 20 systemctl start vigil")
    # It is tried again and again.
    machine.wait_until_succeeds("systemctl show -p StatusText vigil.service | "
                                "grep -F '1 error. Nothing is (line 1: '", timeout=20)

with subtest("the unit comes by itself once the policy is mended"):
    write(POLICY)
    machine.wait_until_succeeds("vigil status --wait", timeout=40)
    machine.wait_for_unit("vigil.service", timeout=20)

with subtest("an upgrade restarts both programs, and no rule is touched meanwhile"):
    old, before = processes(), rules()
    machine.succeed("dpkg -i /tmp/9.1.deb")
    machine.wait_until_succeeds("vigil status --wait", timeout=40)
    new = processes()
    check(not set(old) & set(new) and "0" not in new, (old, new))
    check(rules() == before, rules())
    check(machine.get_unit_property("vigil.service", "NFileDescriptorStore") == "2",
          "event sockets were not kept")

with subtest("an upgrade that refuses the policy leaves the old programs and rules alone"):
    write({**POLICY, "rulez": []})
    said = machine.succeed("dpkg -i /tmp/9.2.deb 2>&1")
    check("this version refuses /etc/vigil/policy.yml" in said and "rulez" in said, said)
    check(processes() == new and rules() == before, "they were restarted")
    machine.fail("systemctl reload vigil")
    check(rules() == before, rules())
    write(POLICY)
    machine.succeed("systemctl reload vigil")

with subtest("removal ends the programs, leaves rules and policy, and says so"):
    before = rules()
    said = machine.succeed("dpkg -r vigil 2>&1")
    check("nft delete table inet vigil" in said, said)
    machine.fail("pidof vigil-agent vigil-helper")
    machine.fail("test -e /run/vigil/agent.sock || test -e /run/vigil/helper.sock")
    check(rules() == before, rules())
    machine.succeed("test -e /etc/vigil/policy.yml && test -e /var/lib/vigil/flows.db")

with subtest("installed again it enforces the policy that is there"):
    machine.succeed("nft delete table inet vigil && dpkg -i /tmp/vigil.deb && vigil status --wait")
    rules()

with subtest("a purge takes the rules and the records away, and leaves the policy"):
    said = machine.succeed("dpkg -P vigil")
    check("its rules were taken away" in said, said)
    machine.fail("nft list table inet vigil")
    machine.fail("test -e /var/lib/vigil || test -e /var/lib/private/vigil")
    machine.succeed("test -e /etc/vigil/policy.yml")
    check(machine.succeed("systemctl list-units --all --no-legend 'vigil*'") == "",
          "units are left")
