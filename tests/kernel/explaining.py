#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets explained, and tests of policies, by this kernel in throwaway namespaces."""
import json
import re
import subprocess
import sys

import cli
import lab

POLICY = """\
version: 1
zones: {wan: [eth0], lan: [eth1, "br-*"], dmz: [eth2]}
groups: {ops: [192.0.2.0/28, "2001:db8:7::/48"]}
feeds: {bad: {file: bad.txt}}
ban: [bad, 192.0.2.66]
defaults: {input: drop, forward: reject, output: allow}
rules:
  - {id: ssh, from: {zone: wan, group: ops}, to: host, allow: ssh,
     limit: {rate: 2/hour, burst: 3, per: source}}
  - {id: web, from: any, to: host, allow: {tcp: [80, 443]}, limit: {rate: 4/day, burst: 4, per: rule}}
  - {id: few, from: lan, to: host, allow: {tcp: 5432}, connections: {max: 2}}
  - {id: few-all, from: lan, to: host, allow: {tcp: 5433}, connections: {max: 2, per: rule}}
  - {id: no-smtp, from: lan, to: wan, reject: {tcp: 25}}
  - {id: lan-out, from: lan, to: wan, allow: all}
  - {id: ping, from: any, to: host, allow: ping}
  - {id: quiet, from: host, to: wan, drop: {udp: 137}}
  - {id: office, from: dmz, to: host, allow: {tcp: 8080},
     time: {days: [mon, tue], from: "08:00", to: "17:00"}}
  - {id: night, from: dmz, to: host, allow: {tcp: 8081}, time: {days: [sun], from: "22:00", to: "06:00"}}
  - {id: tunnel, from: dmz, to: host, allow: [{protocol: esp}, {sctp: 9}, {udp: 5353}]}
nat:
  - masquerade: {from: lan, to: wan, family: any}
  - forward: {id: nas, from: wan, tcp: 8443, to: "10.0.1.5:443"}
  - forward: {id: six, from: wan, tcp: 8443, to: "[2001:db8:1::5]:443"}
"""
BAD = "198.51.100.0/24\n2001:db8:bad::/48\n"


class Explainer(cli.Cli):
    def __init__(self, machine, tap):
        super().__init__(machine, tap)
        self.policy = machine.write("policy.yml", POLICY)
        machine.write("bad.txt", BAD)

    def explain(self, packet, *options, policy=None, **how):
        done = self.call("explain", packet, "--json", "--policy", policy or self.policy,
                         *options, **how)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {"verdict": cli.seen(done), "rule": None}

    def expect(self, name, packet, options, verdict, rule, **more):
        answer = self.explain(packet, *options.split())
        got = {key: answer.get(key) for key in more}
        self.tap.equal(name, (answer["verdict"], answer["rule"], got), (verdict, rule, more))
        return answer

    def write_tests(self, name, tests, policy=POLICY):
        return self.machine.write(name, policy + "tests:\n" + "".join(f"  - {t}\n" for t in tests))


def verdicts(see):
    see.expect("what no rule allows is dropped", "tcp 203.0.113.9 -> host:22", "--in wan",
               "drop", "default.input", direction="input", state="new")
    see.expect("a rule allows its group", "tcp 192.0.2.5 -> host:22", "--in wan", "allow", "ssh",
               over_limit=False, line=8)
    see.expect("and its group's IPv6", "tcp [2001:db8:7::5]:4000 -> host:22", "--in wan",
               "allow", "ssh")
    see.expect("a stranger of IPv6 is dropped", "tcp 2001:db8:9::5 -> host:22", "--in wan",
               "drop", "default.input")
    see.expect("a banned address is dropped", "tcp 192.0.2.66 -> host:80", "--in wan",
               "drop", "ban", state=None)
    see.expect("and an address of a feed", "udp 198.51.100.7 -> host:53", "--in lan", "drop", "ban")
    see.expect("and one of IPv6", "udp 10.0.0.1 -> 198.51.100.7:53", "--in lan --out wan",
               "drop", "ban")
    see.expect("the way out to a banned one too", "udp host -> [2001:db8:bad::1]:53", "--out wan",
               "drop", "ban", direction="output")
    see.expect("forwarded traffic by its rule", "udp 10.0.1.5:4000 -> 8.8.8.8:53",
               "--in lan --out wan", "allow", "lan-out", direction="forward")
    see.expect("a rejected packet", "tcp 10.0.1.5 -> 8.8.8.8:25", "--in lan --out wan",
               "reject", "no-smtp")
    see.expect("a rejected packet of IPv6", "tcp 2001:db8:1::5 -> [2001:db8:9::1]:25",
               "--in lan --out wan", "reject", "no-smtp")
    see.expect("a rejecting default", "udp 10.0.1.5 -> 8.8.8.8:53", "--in dmz --out wan",
               "reject", "default.forward")
    see.expect("this machine's own packets", "tcp host -> 8.8.8.8:443", "--out wan",
               "allow", "default.output")
    see.expect("and a rule about them", "udp host -> 8.8.8.8:137", "--out wan", "drop", "quiet")
    see.expect("this machine's own of IPv6", "udp host -> [2001:db8:9::1]:137", "--out wan",
               "drop", "quiet")
    see.expect("a ping", "icmp any -> host", "--in dmz", "allow", "ping")
    see.expect("a ping of IPv6", "icmpv6 any -> host echo-request", "--in none", "allow", "ping")
    see.expect("another ICMP type", "icmp any -> host timestamp-request", "--in dmz",
               "drop", "default.input")
    see.expect("neighbour discovery", "icmpv6 fe80::7 -> ff02::1:ff00:1 nd-neighbor-solicit",
               "--in wan", "allow", "builtin.icmpv6")
    see.expect("another protocol", "esp 10.9.0.1 -> host", "--in dmz", "allow", "tunnel")
    see.expect("sctp", "sctp 10.9.0.1 -> host:9", "--in dmz", "allow", "tunnel")
    see.expect("what is sent to a group of machines", "udp 10.9.0.1 -> 224.0.0.251:5353",
               "--in dmz", "allow", "tunnel")
    see.expect("and in IPv6", "udp fe80::9 -> [ff02::fb]:5353", "--in dmz", "allow", "tunnel")
    see.expect("an interface of a wildcard", "tcp 10.9.0.1 -> host:5432", "--in br-7",
               "allow", "few")


def states(see):
    answer = see.expect("a reply to this machine", "tcp 8.8.8.8:443 -> host:50000",
                        "--in wan --state established", "allow", "builtin.established",
                        state="established")
    see.tap.equal("  and what was played first",
                  [(b["verdict"], b["rule"]) for b in answer["before"]],
                  [("drop", "default.input"), ("allow", "default.output"),
                   ("allow", "builtin.established")])
    see.expect("a packet of a connection that a rule let in", "tcp 192.0.2.5 -> host:22",
               "--in wan --state established", "allow", "builtin.established")
    see.expect("of IPv6", "udp [2001:db8:9::1]:53 -> host:4000",
               "--in wan --state established", "allow", "builtin.established")
    see.expect("one of a forwarded connection", "icmp 10.0.1.5 -> 8.8.8.8",
               "--in lan --out wan --state established", "allow", "builtin.established")
    answer = see.expect("and a reply to it, translated back", "udp 8.8.8.8:53 -> 10.0.1.5:4000",
                        "--in wan --out lan --state established", "allow", "builtin.established")
    see.tap.equal("  to where it came from", answer["becomes"]["destination"], "10.0.1.5")
    see.expect("sctp's", "sctp 10.0.1.5 -> 8.8.8.8:99",
               "--in lan --out wan --state established", "allow", "builtin.established")
    answer = see.explain("udp 8.8.8.8 -> 10.0.9.5:53", "--in", "wan", "--out", "dmz", "--state",
                         "established")
    see.tap.check("a connection that can't begin gives no verdict, and says why",
                  answer["verdict"] is None and answer["problem"].startswith(
                      "the policy lets no such connection begin: default.forward"), answer)
    see.expect("an ICMP error about a connection", "icmp 8.8.8.8 -> host destination-unreachable",
               "--in wan --state related", "allow", "builtin.related", state="related")
    see.expect("of IPv6", "icmpv6 2001:db8:9::1 -> host time-exceeded",
               "--in wan --state related", "allow", "builtin.related")
    see.expect("one that is translated back", "icmp 8.8.8.8 -> 10.0.1.5 time-exceeded",
               "--in wan --out lan --state related", "allow", "builtin.related")
    for packet in ("tcp any -> host:443", "udp any -> host:443", "icmp any -> host",
                   "tcp any -> host:443 rst", "sctp any -> host:9"):
        see.expect(f"an invalid one, {packet}", packet, "--in dmz --state invalid",
                   "drop", "builtin.invalid", state="invalid")
    answer = see.explain("tcp any -> host:443 ack", "--in", "dmz", "--state", "invalid")
    see.tap.check("a packet that is something else than was asked has no verdict",
                  answer["verdict"] is None and "it is new" in answer["problem"], answer)


def translations(see):
    answer = see.expect("a port forward lets through what it translates", "tcp any -> host:8443",
                        "--in wan --out lan", "allow", "nas", direction="forward")
    see.tap.equal("  and shows where it goes", (answer["becomes"]["destination"],
                                               answer["becomes"]["destination_port"]),
                  ("10.0.1.5", 443))
    see.expect("one of IPv6", "tcp 2001:db8:9::1 -> host:8443", "--in wan --out lan",
               "allow", "six")
    answer = see.expect("masquerading", "udp 10.0.1.5 -> 8.8.8.8:53", "--in lan --out wan",
                        "allow", "lan-out")
    see.tap.check("  shows whose address it bears", answer["becomes"]["source"]
                  not in ("10.0.1.5", "8.8.8.8"), answer["becomes"])
    see.expect("masquerading of IPv6", "udp 2001:db8:1::5 -> [2001:db8:9::1]:53",
               "--in lan --out wan", "allow", "lan-out")
    see.tap.check("  and the rule in the path", any(
        step["chain"] == "masq.lan.TO.wan" and "masquerade" in step["rule"]
        for step in answer["path"] if step["rule"]), answer["path"])
    see.tap.equal("  hooks in their order", list(dict.fromkeys(s["hook"] for s in answer["path"])),
                  ["ban.in", "nat.pre", "forward", "nat.post"])


def limits(see):
    answer = see.expect("a limit by source", "tcp 192.0.2.5 -> host:22", "--in wan --count 7",
                        "drop", "ssh", over_limit=True)
    see.tap.equal("  lets its burst through", answer["packets"],
                  {"allow": 3, "drop": 4, "reject": 0, "lost": 0})
    answer = see.expect("a limit by rule", "tcp any -> host:80", "--in wan --count 6",
                        "drop", "web", over_limit=True)
    see.tap.equal("  lets its burst through", answer["packets"]["allow"], 4)
    for port, rule in ((5432, "few"), (5433, "few-all")):
        answer = see.expect(f"a limit of connections, {rule}", f"tcp 10.0.1.9 -> host:{port}",
                            "--in lan --count 4", "drop", rule, over_limit=True)
        see.tap.equal("  lets so many through", answer["packets"]["allow"], 2)
    see.expect("the same flow again is no new connection to count", "tcp 10.0.1.9:4000 -> host:5432",
               "--in lan --count 4", "allow", "few")


def times(see):
    for at, packet, verdict, rule in (
            ("Mon 08:00", "tcp any -> host:8080", "allow", "office"),
            ("Tue 16:59", "tcp any -> host:8080", "allow", "office"),
            ("Mon 07:59", "tcp any -> host:8080", "drop", "default.input"),
            ("Mon 17:00", "tcp any -> host:8080", "drop", "default.input"),
            ("Wed 12:00", "tcp any -> host:8080", "drop", "default.input"),
            ("Sun 23:00", "tcp any -> host:8081", "allow", "night"),
            ("Mon 05:59", "tcp any -> host:8081", "allow", "night"),
            ("Sat 23:00", "tcp any -> host:8081", "drop", "default.input")):
        answer = see.explain(packet, "--in", "dmz", "--at", at)
        see.tap.equal(f"{at}: {packet}", (answer["verdict"], answer["rule"], answer["time"]),
                      (verdict, rule, {"local": at, "rules": {
                          "office": rule == "office", "night": rule == "night"}}))


def kernel_itself(see):
    for name, packet, options in (
            ("a source that can't be", "udp 127.0.0.1 -> host:443", "--in wan"),
            ("one to nowhere", "udp 10.0.1.5 -> 0.0.0.0:443", "--in lan --out wan")):
        answer = see.explain(packet, *options.split())
        see.tap.check(f"{name} is the kernel's doing and not the policy's",
                      answer["verdict"] is None and answer["rule"] is None
                      and "the kernel itself dropped the packet" in answer["problem"], answer)
    tests = see.write_tests("lost.yml", [
        "{packet: {in: wan, src: 127.0.0.1, dst: host, udp: 443}, expect: drop}"])
    done = see.call("test", tests)
    see.tap.check("and no test passes by it", done.returncode == 1 and "not ok 1" in done.stdout
                  and "no verdict" in done.stdout, cli.seen(done))
    tests = see.write_tests("asymmetric.yml", [
        "{packet: {in: wan, src: 10.0.1.5, dst: host, icmp: echo-request}, expect: allow, by: ping}",
        "{packet: {in: lan, src: 10.0.1.5, dst: host, icmp: echo-request}, expect: allow, by: ping}",
        "{packet: {in: wan, src: 10.0.1.5, dst: host, icmp: echo-request}, expect: allow, by: ping}",
        '{packet: {in: dmz, src: 10.0.1.5, dst: "host@10.9.9.9", icmp: echo-request}, expect: allow}',
        "{packet: {in: lan, out: wan, src: 10.0.1.5, dst: 10.9.9.9, udp: 9}, expect: allow, by: lan-out}"])
    done = see.call("test", tests)
    see.tap.check("one address may come from anywhere, and be this machine's or not",
                  done.returncode == 0, cli.seen(done))


TESTS = [
    "{packet: {in: wan, src: 192.0.2.5, dst: host, tcp: 22, count: 3}, expect: allow, by: ssh}",
    "{packet: {in: wan, src: 192.0.2.5, dst: host, tcp: 22}, expect: allow, by: ssh}",
    "{packet: {in: wan, src: 192.0.2.5, dst: host, tcp: 22, count: 4}, expect: drop, by: ssh.over}",
    "{packet: {in: wan, src: 192.0.2.5, dst: host, tcp: 22, count: 4}, expect: drop, by: ssh}",
    "{packet: {in: wan, dst: host, tcp: 80, count: 4}, expect: allow, by: web}",
    "{packet: {in: wan, dst: host, tcp: 443, count: 4}, expect: allow, by: web}",
    "{packet: {in: wan, dst: host, tcp: 443, count: 5}, expect: drop, by: web.over}",
    "{packet: {in: lan, dst: host, tcp: 5432, count: 2}, expect: allow, by: few}",
    "{packet: {in: lan, dst: host, tcp: 5432, count: 2}, expect: allow, by: few}",
    "{packet: {in: lan, dst: host, tcp: 5433, count: 2}, expect: allow, by: few-all}",
    "{packet: {in: lan, dst: host, tcp: 5433, count: 2}, expect: allow, by: few-all}",
    '{packet: {in: wan, src: "8.8.8.8:53", dst: host, udp: 4000, state: established}, expect: allow}',
    '{packet: {in: wan, src: "8.8.8.8:53", dst: host, udp: 4000}, expect: drop, by: default.input}',
    "{packet: {in: dmz, dst: host, tcp: 8080}, at: Mon 09:00, expect: allow, by: office}",
    "{packet: {in: dmz, dst: host, tcp: 8080}, at: Sun 09:00, expect: drop, by: default.input}",
    "{packet: {in: dmz, dst: host, tcp: 8080}, at: Tue 09:00, expect: allow, by: office}",
    "{packet: {in: dmz, dst: host, tcp: 80, count: 4}, expect: allow, by: web}",
    "{name: the last, packet: {out: wan, src: host, dst: 192.0.2.66, tcp: 80}, expect: drop, by: ban}",
]


def run_tests(see):
    path = see.write_tests("tests.yml", TESTS)
    for user in (False, True):
        done = see.call("test", path, user=user)
        lines = done.stdout.splitlines()
        see.tap.check(f"no test sees what another one left, as {'an ordinary user' if user else 'root'}",
                      done.returncode == 0 and lines[0] == f"1..{len(TESTS)}"
                      and all(line.startswith("ok ") for line in lines[1:])
                      and len(lines) == len(TESTS) + 1, cli.seen(done))
    see.tap.equal("a line has the test's place and name", lines[-1],
                  f"ok {len(TESTS)} - {path}:{POLICY.count(chr(10)) + 1 + len(TESTS)}: the last")
    done = see.call("test", path, "--only", "last")
    see.tap.check("--only takes a part of the name", done.returncode == 0
                  and done.stdout.startswith("1..1\nok 1"), cli.seen(done))
    answer = json.loads(see.call("test", path, "--only", "3", "--json").stdout)
    see.tap.equal("and a number; --json has it all",
                  (answer["ok"], answer["passed"], [(t["number"], t["verdict"], t["rule"],
                                                     t["over_limit"]) for t in answer["tests"]]),
                  (True, 1, [(3, "drop", "ssh", True)]))
    see.tap.equal("a test that is not there is misuse",
                  see.call("test", path, "--only", "99").returncode, 2)
    done = see.call("test", see.policy)
    see.tap.check("no tests are no failure", done.returncode == 0
                  and done.stdout.startswith("1..0 # SKIP"), cli.seen(done))


def failing_tests(see):
    path = see.write_tests("failing.yml", [
        "{packet: {in: wan, src: 192.0.2.5, dst: host, tcp: 22}, expect: drop}",
        "{packet: {in: wan, dst: host, tcp: 22}, expect: drop, by: ssh}",
        "{packet: {in: wan, dst: host, tcp: 22}, expect: drop, by: default.input}"])
    done = see.call("test", path)
    see.tap.equal("a wrong verdict and a wrong rule fail, and say what was",
                  (done.returncode, re.findall(r"^(?:not )?ok \d|got: .*", done.stdout, re.M)),
                  (1, ["not ok 1", 'got: "allow by ssh in line 8"', "not ok 2",
                       'got: "drop by default.input"', "ok 3"]))
    path = see.write_tests("wrong.yml", ["{packet: {in: wan, dst: host, tcp: 22}, expect: yes}"])
    for command in ("test", "check"):
        done = see.call(command, path)
        see.tap.check(f"{command} tells what is wrong with a test", done.returncode == 1
                      and "error: expect is allow, drop or reject" in done.stderr, cli.seen(done))


def many_tests(see):
    kinds = ["{packet: {in: wan, src: 9.9.9.%d, dst: host, tcp: 22}, expect: drop}",
             "{packet: {in: lan, out: wan, src: 10.0.1.%d, dst: 8.8.8.8, udp: 53}, expect: allow}",
             "{packet: {in: wan, src: 192.0.2.%d, dst: host, icmp: echo-request}, expect: allow}",
             "{packet: {out: wan, src: host, dst: 9.9.9.%d, tcp: 443}, expect: allow}",
             '{packet: {in: wan, src: "9.9.9.%d:443", dst: host, tcp: 50000, state: established},'
             " expect: allow}"]
    path = see.write_tests("many.yml", [kinds[i % 5] % (i % 50 + 1) for i in range(500)])
    done = see.call("test", path)
    see.tap.check("500 tests in one namespace", done.returncode == 0
                  and done.stdout.count("\nok ") == 500, done.stdout[-500:] + done.stderr)


def documented_tests(see):
    for name in ("home-gateway", "web-server"):
        done = see.call("test", lab.ROOT / "examples" / f"{name}.yml")
        see.tap.check(f"the tests of example {name} pass", done.returncode == 0
                      and done.stdout.count("\nok ") >= 7, cli.seen(done))
    text = (lab.ROOT / "docs" / "policy.md").read_text()
    block = re.search(r"^## tests$.*?^```yaml\n(.*?)^```", text, re.M | re.S)[1]
    done = see.call("test", see.machine.write("documented.yml", "version: 1\n" + block))
    see.tap.check("and those that the manual shows", done.returncode == 0
                  and done.stdout.count("\nok ") >= 7, cli.seen(done))


def large_policies(see):
    rules = "".join(
        f"  - {{id: r{i}, from: {{zone: [wan, lan, dmz], address: 10.{i % 200}.{i // 200}.0/24}},"
        f" to: {('host', 'wan', 'dmz')[i % 3]}, {('allow', 'drop')[i % 2]}:"
        f" {{tcp: [{i + 1}, {i + 3000}-{i + 3005}]}}}}\n" for i in range(1000))
    path = see.machine.write("large.yml", "version: 1\nzones: {wan: eth0, lan: eth1, dmz: eth2}\n"
                             f"rules:\n{rules}")
    done = see.call("check", path, user=True)
    see.tap.check("a policy beyond what a socket takes at once is tried in pieces",
                  done.returncode == 0 and "this kernel takes it" in done.stdout, cli.seen(done))
    answer = see.explain("tcp 10.196.4.7 -> host:997", "--in", "dmz", policy=path, user=True)
    see.tap.equal("and explained", (answer["verdict"], answer["rule"]), ("allow", "r996"))


def people(see):
    done = see.call("explain", "tcp 192.0.2.5 -> host:22", "--in", "wan", "-p", see.policy,
                    user=True)
    see.tap.check("an ordinary user reads verdict, rule, its line and the path",
                  done.returncode == 0 and "Verdict  allow\nRule     ssh\n" in done.stdout
                  and f"Line     {see.policy}:8: - {{id: ssh" in done.stdout
                  and re.search(r"^ +in\.wan +ip saddr", done.stdout, re.M), cli.seen(done))
    done = see.call("explain", "tcp 192.0.2.5 -> hots:22", "--in", "wan", "-p", see.policy)
    see.tap.equal("a packet's fault has a caret", (done.returncode, done.stderr), (2, """\
packet:1:18: error: "hots:22" is no end of a packet: write any, host, host@ADDRESS or ADDRESS, \
with :PORT behind it (an IPv6 address in brackets)
    tcp 192.0.2.5 -> hots:22
                     ^
"""))
    done = see.call("explain", "tcp 192.0.2.5 -> host:22", "-p", see.policy)
    see.tap.check("where it is not clear where it comes in, it lists the choices",
                  done.returncode == 2 and "--in is missing" in done.stderr
                  and "wan, lan, dmz or none" in done.stderr, cli.seen(done))
    one = see.machine.write("one.yml", "version: 1\nzones: {wan: [eth0]}\nrules: []\n")
    done = see.call("explain", "tcp any -> host:22", "-p", one)
    see.tap.check("where there is but one zone it need not be said",
                  done.returncode == 0 and "eth0 (zone wan)" in done.stdout, cli.seen(done))
    done = see.call("explain", "tcp any -> host:22", "--state", "/var/lib/vigil", "-p", one)
    see.tap.check("a state is a word", done.returncode == 2 and "it takes new" in done.stderr,
                  cli.seen(done))
    broken = see.machine.write("broken.yml", "version: 2\n")
    for words in (["explain", "tcp any -> host:22", "-p", broken], ["test", broken]):
        done = see.call(*words)
        see.tap.check(f"{words[0]} shows a policy's errors", done.returncode == 1
                      and "the version must be 1" in done.stderr, cli.seen(done))


def without_namespaces(see):
    forbid = ["unshare", "--user", "--map-root-user", "sh", "-c",
              'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "-"]
    tried = subprocess.run([*forbid, "true"], capture_output=True)
    if tried.returncode:
        print("# this machine can't forbid user namespaces, so that is not tried")
        return
    for words in (["explain", "tcp any -> host:22", "--in", "wan", "-p", see.policy],
                  ["test", see.machine.directory / "etc" / "tests.yml"]):
        done = see.call(*words, before=forbid)
        see.tap.check(f"{words[0]} without user namespaces says so in one sentence",
                      done.returncode == 1 and done.stderr.count("\n") == 1
                      and "gives no user namespace" in done.stderr
                      and "sysctl" in done.stderr, cli.seen(done))


def touches_nothing(see):
    before = lab.run("ip", "-o", "link"), lab.run("nft", "list", "ruleset")
    see.explain("tcp any -> host:22", "--in", "wan")
    see.tap.equal("nothing of the machine itself is changed",
                  (lab.run("ip", "-o", "link"), lab.run("nft", "list", "ruleset")), before)


def main():
    tap = lab.Tap()
    why_not = lab.possible()
    if why_not:
        tap.skip("packets explained", f"no namespaces here: {why_not}")
        return tap.end()
    lab.enter()
    with lab.Lab() as machine:
        see = Explainer(machine, tap)
        for scenario in (verdicts, states, translations, limits, times, kernel_itself, run_tests,
                         failing_tests, many_tests, documented_tests,
                         large_policies, people, without_namespaces, touches_nothing):
            scenario(see)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
