#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent with the real helper on the real kernel: what it remembers, and what it does
when things go wrong. Speaks TAP; arguments choose scenarios by name."""
import json
import os
import pathlib
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab  # noqa: E402

POLICY = """version: 1
zones: {wan: [eth0], lan: [eth1]}
defaults: {input: drop, forward: drop, output: allow}
rules:
  - {id: ssh, from: lan, to: host, allow: ssh}
  - {id: lan-out, from: lan, to: wan, allow: {tcp: 80, udp: 53}}
  - {id: resolve, from: host, to: wan, allow: dns}
  - {id: no-smtp, from: lan, to: wan, reject: {tcp: 25}, log: true}
  - {id: ping, from: lan, to: host, allow: ping}
"""
BAD_POLICY = """version: 1
zones: {wan: [eth0]}
rules:
  - {id: ssh, from: wan, to: hots, allow: ssh}
  - {id: web, from: wan, to: host, allow: {tcp: 70000}}
"""

FD02_2 = "fd02" + "0" * 27 + "2"  # fd02::2, as the database shows it

tap = lab.Tap()


class Home(lab.Lab):
    """A gateway between a LAN and a WAN."""

    def __init__(self, **options):
        super().__init__(**options)
        self.lan = self.neighbour("eth1", ["10.0.1.1/24", "fd01::1/64"],
                                  ["10.0.1.2/24", "fd01::2/64"])
        self.wan = self.neighbour("eth0", ["10.0.2.1/24", "fd02::1/64"],
                                  ["10.0.2.2/24", "fd02::2/64"])
        self.host.serve("tcp", 22)
        self.wan.serve("tcp", 80)
        self.wan.serve("tcp", 25)
        self.wan.serve("udp", 53, 100)

    def rows(self, rule):
        return self.query("select * from readable where rule = ?", rule)

    def total(self, rule, column):
        """The sum over all minutes; None when one of them is unknown."""
        values = [row[column] for row in self.rows(rule)]
        return None if None in values else sum(values)

    def handles(self):
        """The table with its handles: any change of the rules changes some."""
        return lab.run("nft", "-a", "-s", "list", "table", "inet", "vigil")

    def integrity(self):
        db = sqlite3.connect(self.database_path)
        try:
            return db.execute("pragma integrity_check").fetchone()[0]
        finally:
            db.close()


def remembers_who_spoke_to_whom():
    with Home() as m:
        m.start(POLICY)
        tap.equal("a rule lets its traffic in", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        tap.equal("and through", m.lan.talk("udp", "10.0.2.2", 53), "ok")
        tap.equal("and out", m.host.talk("udp", "fd02::2", 53), "ok")
        tap.equal("for both families", m.lan.talk("tcp", "fd02::2", 80), "ok")
        tap.equal("ping passes", m.lan.ping("fd01::1"), "ok")
        tap.equal("and what stays at home", m.host.talk("tcp", "127.0.0.1", 22), "ok")
        m.forget_connections()
        m.checkpoint()
        (ssh,), (out,) = m.rows("ssh"), [r for r in m.rows("lan-out") if r["protocol"] == 17]
        tap.equal("an input flow has its direction and zones",
                  [ssh[k] for k in ("direction", "from_zone", "to_zone", "verdict", "source",
                                    "destination", "protocol", "port", "denied", "flows")],
                  ["input", "lan", "", "allow", "10.0.1.2", "10.0.1.1", 6, 22, 0, 1])
        tap.check("with packets and bytes both ways",
                  ssh["packets_out"] >= 4 and ssh["packets_in"] >= 3 and
                  ssh["bytes_out"] > 200 and ssh["bytes_in"] > 200, ssh)
        tap.equal("a forwarded flow likewise",
                  [out[k] for k in ("direction", "from_zone", "to_zone", "source",
                                    "destination", "port")],
                  ["forward", "lan", "wan", "10.0.1.2", "10.0.2.2", 53])
        tap.equal("to the byte", [out[k] for k in ("packets_out", "bytes_out", "packets_in",
                                                   "bytes_in")], [1, 44, 1, 128])
        (own,) = m.rows("resolve")
        tap.equal("an output flow likewise",
                  [own[k] for k in ("direction", "from_zone", "to_zone", "destination",
                                    "bytes_out", "bytes_in")],
                  ["output", "", "wan", FD02_2, 64, 148])
        (ping,) = m.rows("ping")
        tap.equal("a ping's port is its type", [ping["protocol"], ping["port"]], [58, 128])
        tap.equal("loopback is not remembered",
                  m.query("select * from readable where source like '127.%'"), [])
        status = m.status()
        tap.equal("status: accounting is on", status["kernel"]["accounting"], "on")
        tap.equal("status: no flow lives", status["flows"]["live"], 0)
        rules = {r["id"]: r for r in m.call("GetRules")["rules"]}
        tap.check("GetRules has counters and flows",
                  rules["ssh"]["packets"] == 1 and rules["ssh"]["flows"] == 1 and
                  rules["ssh"]["last"] > 0, rules["ssh"])
        tap.equal("and what is built in", rules["builtin.established"]["verdict"], "allow")


def remembers_what_was_denied():
    with Home() as m:
        m.start(POLICY)
        tap.equal("a rule rejects", m.lan.talk("tcp", "10.0.2.2", 25), "refused")
        tap.equal("the default drops", m.wan.talk("udp", "fd02::1", 53), "timeout")
        tap.equal("both ways", m.wan.talk("tcp", "10.0.1.2", 80, seconds=0.3), "timeout")
        lab.wait_for(lambda: m.status()["events"]["total"] >= 3)
        m.checkpoint()
        (smtp,) = m.rows("no-smtp")
        tap.equal("a rejected packet is remembered",
                  [smtp[k] for k in ("denied", "verdict", "direction", "from_zone", "to_zone",
                                     "port", "flows", "packets_out", "bytes_out")],
                  [1, "reject", "forward", "lan", "wan", 25, 0, 1, 60])
        (default,) = m.rows("default.input")
        tap.equal("and a dropped one",
                  [default[k] for k in ("denied", "verdict", "from_zone", "source", "protocol")],
                  [1, "drop", "wan", FD02_2, 17])
        tap.check("a rule that logs writes to the journal",
                  "reject no-smtp: tcp 10.0.1.2:" in m.agent.log, m.agent.log)
        tap.check("one that does not, does not", "default.input" not in m.agent.log)
        for _ in range(15):
            for port in range(5):
                m.lan.talk("tcp", "10.0.2.2", 25, source_port=2000 + port, seconds=0.01)
        lab.wait_for(lambda: m.status()["log"]["left_out"] > 0, 3)
        log = m.status()["log"]
        tap.check("the journal gets 20 lines a second, and the rest is counted",
                  log["left_out"] > 0 and m.agent.log.count("reject no-smtp") == log["lines"],
                  log)


def says_that_bytes_are_unknown():
    with Home(accounting=False) as m:
        m.start(POLICY)
        m.lan.talk("tcp", "10.0.1.1", 22)
        m.lan.talk("udp", "10.0.2.2", 53)
        m.forget_connections()
        m.checkpoint()
        tap.equal("without accounting bytes are NULL", m.total("ssh", "bytes_out"), None)
        tap.equal("flows are counted all the same", m.total("ssh", "flows"), 1)
        lab.wait_for(lambda: "nf_conntrack_acct" in m.agent.log, 3)
        tap.equal("it is said once", m.agent.log.count("nf_conntrack_acct"), 1)
        kernel = m.status()["kernel"]
        tap.check("and stands in status", kernel["accounting"] == "off" and
                  "nf_conntrack_acct" in kernel["problems"][0], kernel)


def says_that_connections_are_not_told():
    with Home() as m:
        m.sysctl("net.netfilter.nf_conntrack_events", 0)
        m.start(POLICY)
        tap.check("it does not know yet", lab.wait_for(
            lambda: m.status()["kernel"]["events"] == "unknown"))
        time.sleep(6)
        m.lan.hold("10.0.1.1", 22, "kept")
        tap.check("without events it says so", lab.wait_for(
            lambda: m.status()["kernel"]["events"] == "off", 15), m.status())
        lab.wait_for(lambda: "nf_conntrack_events" in m.agent.log, 3)
        tap.equal("once", m.agent.log.count("nf_conntrack_events"), 1)
        m.checkpoint()
        tap.equal("what lives is found by dumps", m.total("ssh", "flows"), 1)
        m.sysctl("net.netfilter.nf_conntrack_events", 1)
        m.lan.talk("udp", "10.0.2.2", 53)
        tap.check("and with events all is well again", lab.wait_for(
            lambda: m.status()["kernel"]["events"] == "on"), m.status())


def reloads():
    with Home() as m:
        m.start(POLICY)
        tap.equal("a kept connection", m.lan.hold("10.0.1.1", 22, "kept"), "ok")
        before = m.table()
        reply = m.reload()
        tap.check("reloading the same changes nothing",
                  reply["change"]["rules_changed"] is False and m.table() == before, reply)
        m.nft("flush", "chain", "inet", "vigil", "input")
        m.reload()
        tap.equal("but puts back what somebody took out", m.table(), before)
        reply = m.reload(POLICY.replace("allow: ssh", "drop: ssh"))
        tap.check("a reload changes the rules", reply["change"]["rules_changed"], reply)
        tap.equal("in the kernel", m.lan.talk("tcp", "10.0.1.1", 22, seconds=0.2), "timeout")
        tap.equal("an established connection goes on", m.lan.say("kept"), "ok")

        before = m.handles()
        reply = m.reload(BAD_POLICY)
        tap.equal("a bad policy is refused", reply.get("error"), "PolicyRefused")
        tap.check("with all its faults, as data",
                  {(f["line"], f["severity"]) for f in reply["faults"]} >=
                  {(4, "error"), (5, "error")}, reply)
        tap.equal("and the kernel is as it was", m.handles(), before)
        status = m.status()
        tap.check("status shows what failed, and what is in force",
                  status["state"] == "failed" and len(status["failure"]["faults"]) >= 2 and
                  status["policy"]["rules"] == 5, status)
        tap.check("the journal has file, line and column",
                  f"{m.policy_path}:4:" in m.agent.log, m.agent.log)

        m.write("policy.yml", POLICY)
        m.agent.send(signal.SIGHUP)
        tap.check("SIGHUP reloads", lab.wait_for(lambda: m.state_name() == "running"))
        tap.equal("into the kernel", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        tap.equal("and forgets the failure", m.status()["failure"], None)

        reply = m.reload("# " + "x" * 9000000)
        tap.check("a huge file is refused", reply.get("error") == "PolicyRefused" and
                  "more than" in reply["faults"][0]["text"], reply)
        m.policy_path.unlink()
        tap.check("a missing one as well", "no such file" in
                  m.reload()["faults"][0]["text"])
        m.policy_path.mkdir()
        tap.equal("a directory, too", m.reload().get("error"), "PolicyRefused")
        m.policy_path.rmdir()
        tap.equal("bytes that are no text", m.reload(b"\0\xff\xfe" * 100).get("error"),
                  "PolicyRefused")
        tap.equal("the rules stay", m.lan.talk("tcp", "10.0.1.1", 22), "ok")

        # In an unprivileged user's namespace the kernel bounds a transaction.
        count = 5000 if m.root else 300
        many = POLICY + "".join(
            f"  - {{id: r{i}, from: lan, to: host, allow: {{tcp: {1000 + i}}}}}\n"
            for i in range(count))
        reply = m.reload(many)
        tap.equal("many rules", reply.get("policy", {}).get("rules"), count + 5)
        m.host.serve("tcp", 999 + count)
        tap.equal("the last of them works", m.lan.talk("tcp", "10.0.1.1", 999 + count), "ok")


def applies_what_a_caller_gives():
    with Home() as m:
        m.start(POLICY)
        closed = POLICY.replace("allow: ssh", "drop: ssh")
        before = m.handles()
        reply = m.call("Apply", {"name": "/elsewhere/p.yml", "policy": closed, "dry_run": True})
        tap.equal("a dry run answers", reply["policy"]["rules"], 5)
        tap.equal("and changes nothing", m.handles(), before)
        reply = m.call("Apply", {"name": "/elsewhere/p.yml", "policy": BAD_POLICY,
                                 "dry_run": True})
        tap.equal("or tells the faults", reply["faults"][0]["file"], "/elsewhere/p.yml")
        tap.equal("without a word in status", m.state_name(), "running")
        reply = m.call("Apply", {"name": "/elsewhere/p.yml", "policy": closed})
        tap.equal("Apply enforces", reply["policy"]["path"], "/elsewhere/p.yml")
        tap.equal("what it was given", m.lan.talk("tcp", "10.0.1.1", 22, seconds=0.2), "timeout")
        tap.equal("GetPolicy gives it back", m.call("GetPolicy")["text"], closed)
        m.reload()
        tap.equal("a reload goes back to the file", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        for wrong in ({}, {"name": 1, "policy": ""}, {"name": "x"},
                      {"name": "x", "policy": "version: 1", "dry_run": 7},
                      {"name": "x", "policy": "version: 1", "more": 7}):
            tap.equal(f"{wrong} is invalid", m.call("Apply", wrong).get("error"),
                      "InvalidParameter")


def starts_with_a_bad_policy():
    with Home() as m:
        m.start(BAD_POLICY, ready=False)
        tap.check("the agent stays up", lab.wait_for(lambda: m.state_name() == "failed"))
        tap.equal("nothing is enforced", m.table(), "")
        tap.equal("a good one ends that", m.reload(POLICY)["policy"]["rules"], 5)
        tap.equal("in the kernel", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        before = m.handles()
        m.agent.end()
        m.write("policy.yml", BAD_POLICY)
        m.start_agent(ready=False)
        lab.wait_for(lambda: m.state_name() == "failed")
        status = m.status()
        tap.check("after a restart it knows what is in force",
                  status["policy"] and status["policy"]["rules"] == 5, status)
        tap.equal("and has not touched it", m.handles(), before)


def survives_kill_9():
    with Home() as m:
        m.start(POLICY)
        m.lan.hold("10.0.1.1", 22, "kept")
        m.checkpoint()
        before = m.handles()
        m.agent.kill()
        tap.equal("without the agent the rules stay", m.handles(), before)
        tap.equal("and work", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        tap.equal("the database is whole", m.integrity(), "ok")
        m.start_agent()
        tap.equal("a new agent sends nothing", m.handles(), before)
        tap.check("and says so", "is enforced, as it was" in m.agent.log, m.agent.log)
        m.lan.say("kept", 5000)
        m.forget_connections()
        m.checkpoint()
        tap.check("it counts on for a connection of before, and no new flow",
                  m.total("ssh", "flows") == 1 and m.total("ssh", "bytes_out") > 5000,
                  m.rows("ssh"))

        m.helper.kill()
        tap.check("without the helper it says so", lab.wait_for(
            lambda: not m.status()["helper"]["connected"]))
        tap.equal("the rules stay", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        reply = m.reload(POLICY.replace("allow: ssh", "drop: ssh"))
        tap.equal("a reload answers", reply.get("error"), "HelperGone")
        tap.equal("and changes nothing", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        m.start_helper()
        tap.check("when it is back, the policy that waits is enforced",
                  lab.wait_for(lambda: m.state_name() == "running", 15), m.status())
        tap.equal("in the kernel", m.lan.talk("tcp", "10.0.1.1", 22, seconds=0.2), "timeout")
        m.nft("delete", "table", "inet", "vigil")
        tap.check("a table that somebody removed is noticed",
                  lab.wait_for(lambda: m.status()["kernel"]["table"] == "removed"))
        m.reload()
        tap.check("and put back by a reload", "chain r.1" in m.table() and
                  m.state_name() == "running", m.table())
        tap.equal("SIGTERM ends the agent well", m.agent.end(), 0)


def survives_kill_9_at_any_time():
    seed = int(os.environ.get("SEED", time.time()))
    chance = random.Random(seed)
    print(f"# seed {seed}")
    with Home() as m:
        m.start(POLICY)
        policies = [POLICY, POLICY + "".join(
            f"  - {{id: x{i}, from: lan, to: host, allow: {{tcp: {2000 + i}}}}}\n"
            for i in range(300))]
        closed = 0
        for i in range(30):
            m.write("policy.yml", policies[i % 2])
            m.agent.send(signal.SIGHUP)
            m.lan.flood("10.0.2.2", 53, 200)
            time.sleep(chance.uniform(0, 0.12))
            if i % 3:
                m.agent.kill()
                m.start_agent(ready=False)
            else:
                m.helper.kill()
                m.start_helper()
            closed += m.wan.talk("tcp", "10.0.2.1", 22, seconds=0.03) == "timeout"
            if i % 2:
                lab.wait_for(lambda: m.status() is not None)
        tap.equal("what is forbidden was at every moment", closed, 30)
        tap.check("the agent comes to rest", lab.wait_for(
            lambda: m.state_name() == "running", 20), m.agent.log[-2000:])
        m.reload(POLICY)
        tap.equal("what is allowed passes", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        m.lan.flood("10.0.2.2", 80, 1)
        m.lan.talk("udp", "10.0.2.2", 53, source_port=60000)
        m.checkpoint(15)
        tap.check("flows are remembered", m.total("lan-out", "flows") > 0, m.rows("lan-out"))
        m.agent.end()
        tap.equal("and the database is whole", m.integrity(), "ok")


def goes_on_without_the_database():
    with Home() as m:
        m.start(POLICY)
        m.lan.talk("tcp", "10.0.1.1", 22)
        m.checkpoint()
        lock = sqlite3.connect(m.database_path, isolation_level=None)
        lock.execute("begin exclusive")
        m.lan.talk("udp", "10.0.2.2", 53)
        tap.check("status shows that it is locked", lab.wait_for(
            lambda: m.status()["store"]["state"] == "locked", 10), m.status()["store"])
        tap.equal("the firewall goes on", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        tap.equal("policies as well", m.reload()["policy"]["rules"], 5)
        tap.check("rows wait", m.status()["flows"]["waiting_rows"] > 0)
        lock.execute("rollback")
        lock.close()
        tap.check("and are written when it is free", m.checkpoint(10))
        tap.equal("none is lost", m.total("lan-out", "flows"), 1)
        tap.equal("status is well again", m.status()["store"]["state"], "ready")
        m.agent.end()

        m.database_path.write_bytes(b"this is no database at all " * 1000)
        m.start_agent()
        m.lan.talk("tcp", "10.0.1.1", 22)
        m.checkpoint()
        tap.equal("a corrupt database is set aside", m.status()["store"]["state"], "ready")
        tap.check("and said so", "set aside" in m.agent.log and
                  any(m.state.glob("flows.db.corrupt-*")), m.agent.log)
        tap.equal("a new one is used", m.total("ssh", "flows"), 1)
        m.agent.end()

        db = sqlite3.connect(m.database_path)
        db.execute("pragma user_version = 99")
        db.commit()
        db.close()
        content = m.database_path.read_bytes()
        m.start_agent()
        m.lan.talk("tcp", "10.0.1.1", 22)
        tap.check("a newer database is not touched", lab.wait_for(
            lambda: m.status()["store"]["state"] == "newer"), m.status()["store"])
        tap.check("and status says why", m.status()["store"]["why"] != "")
        time.sleep(6)
        tap.equal("not a byte", m.database_path.read_bytes(), content)
        m.agent.end()
        if m.root:
            m.database_path.unlink()
            m.start_agent()
            m.agent.end()
            m.database_path.chmod(0o400)
            m.state.chmod(0o500)
            os.chown(m.database_path, 0, 0)
            m.database_path.chmod(0o444)
            m.start_agent(ready=False)
            tap.check("a read-only database is shown", lab.wait_for(
                lambda: (m.status() or {}).get("store", {}).get("state") in
                ("read-only", "broken"), 10), m.status() or m.agent.log)


def goes_on_with_a_full_disk():
    with Home() as m:
        lab.run("mount", "-t", "tmpfs", "-o", "size=400k,mode=0777", "tmpfs", m.state)
        m.start(POLICY)
        m.lan.talk("tcp", "10.0.1.1", 22)
        m.checkpoint()
        filler = m.state / "filler"
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        m.lan.flood("10.0.2.2", 53, 2000, ports=1)
        for port in range(20):
            m.wan.talk("udp", "10.0.2.1", 2000 + port, seconds=0.01)
        tap.check("status shows that the disk is full", lab.wait_for(
            lambda: m.status()["store"]["state"] == "full", 15), m.status()["store"])
        tap.equal("the firewall goes on", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        reply = m.reload(POLICY.replace("id: ssh", "id: shell"))
        tap.check("a policy with new rules is enforced though its numbers can't be kept",
                  reply.get("error") in ("KernelRefused", None), reply)
        tap.equal("whatever came of it, ssh passes", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        filler.unlink()
        tap.check("when there is room the rows are written", m.checkpoint(15), m.status())
        tap.equal("all of them", sum(r["packets_out"] for r in m.rows("default.input")), 20)
        tap.equal("and new rules enforced", m.reload()["policy"]["rules"], 5)
        m.agent.end()
        tap.equal("the database is whole", m.integrity(), "ok")


FEED_POLICY = POLICY.replace("defaults:", "feeds: {bad: {file: bad.txt, refresh: 1s}}\n"
                             "ban: [bad]\ndefaults:")


def keeps_feeds_fresh():
    with Home() as m:
        m.write("bad.txt", "10.9.0.0/16\n# comment\nnonsense here\n")
        m.start(FEED_POLICY)
        (feed,) = m.status()["feeds"]
        tap.equal("a feed is loaded, its broken lines counted",
                  [feed["entries"], feed["bad_lines"], feed["problem"]], [1, 1, ""])
        tap.equal("who is not in it passes", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        rules = m.handles()
        m.write("bad.txt", "10.9.0.0/16\n10.0.1.2\n")
        banned = lab.wait_for(lambda: m.lan.talk("tcp", "10.0.1.1", 22,
                                                 seconds=0.1) == "timeout", 20)
        tap.check("who gets into it is banned within its refresh", banned, m.agent.log)
        chains = lambda text: [line for line in text.splitlines() if "at." not in line]
        tap.equal("by its elements alone: the rules are the same ones",
                  [l for l in chains(m.handles()) if "chain" in l],
                  [l for l in chains(rules) if "chain" in l])
        m.write("bad.txt", "")
        tap.check("an empty file keeps the last good list", lab.wait_for(
            lambda: m.status()["feeds"][0]["problem"] != "", 20), m.status()["feeds"])
        tap.equal("in the kernel", m.lan.talk("tcp", "10.0.1.1", 22, seconds=0.1), "timeout")
        m.agent.end()
        before = m.handles()
        m.start_agent()
        tap.equal("over a restart as well", m.lan.talk("tcp", "10.0.1.1", 22, seconds=0.1),
                  "timeout")
        tap.equal("without a change", m.handles(), before)
        (m.etc / "bad.txt").unlink()
        m.reload()
        tap.check("and when the file is gone", "bad.txt" in m.status()["feeds"][0]["problem"] or
                  m.status()["feeds"][0]["problem"] != "", m.status()["feeds"])
        tap.equal("the ban holds", m.lan.talk("tcp", "10.0.1.1", 22, seconds=0.1), "timeout")
        m.write("bad.txt", "10.9.0.0/16\n")
        tap.equal("a good list lifts it", m.reload()["policy"]["rules"], 5)
        tap.equal("in the kernel", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        strict = FEED_POLICY.replace("refresh: 1s", "on_error: fail")
        (m.etc / "bad.txt").unlink()
        tap.equal("on_error: fail refuses the policy", m.reload(strict).get("error"),
                  "PolicyRefused")


def loads_a_large_feed_without_missing_events():
    with Home() as m:
        m.write("bad.txt", "10.9.0.0/16\n")
        m.start(FEED_POLICY.replace(", refresh: 1s", ""))
        lines = "".join(f"{20 + (i >> 16)}.{i >> 8 & 255}.{i & 255}.0/25\n"
                        for i in range(300000))
        m.write("bad.txt", lines)
        control = m.control()
        control.send("Reload")
        slowest = 0
        sent = 0
        while m.state_name() == "running" and slowest < 5:
            start = time.monotonic()
            m.status()
            slowest = max(slowest, time.monotonic() - start)
            sent += m.lan.flood("10.0.2.2", 53, 20)
            if m.status()["feeds"][0]["entries"] == 300000 or sent > 100000:
                break
        reply = control.receive()
        tap.equal("300,000 ranges are added", reply["parameters"]["change"]["elements_added"],
                  300000)
        tap.check("the control socket answers all the while", slowest < 1.0, slowest)
        if m.root:
            tap.equal("no event is lost", m.status()["events"]["lost"], 0)
        m.write("bad.txt", lines + "10.0.1.2\n")
        start = time.monotonic()
        reply = m.reload()
        tap.equal("one more range sends one", reply["change"],
                  {"rules_changed": False, "elements_added": 1, "elements_deleted": 0})
        print(f"# {time.monotonic() - start:.2f} s, slowest answer {slowest:.3f} s, "
              f"{sent} packets, memory {m.status()['memory'] >> 20} MiB")
        before = m.handles()
        m.agent.kill()
        start = time.monotonic()
        m.start_agent()
        print(f"# restarted in {time.monotonic() - start:.2f} s")
        tap.equal("a new agent sends nothing", m.handles(), before)
        m.write("bad.txt", lines)
        tap.equal("and knows the elements: one is deleted", m.reload()["change"],
                  {"rules_changed": False, "elements_added": 0, "elements_deleted": 1})


def counts_what_it_missed():
    with Home() as m:
        m.start(POLICY)
        m.lan.talk("tcp", "10.0.1.1", 22)
        m.checkpoint()
        m.sysctl("net.netfilter.nf_conntrack_udp_timeout", 600)
        m.agent.send(signal.SIGSTOP)
        sent = 0
        for _ in range(4):
            sent += m.lan.flood("10.0.2.2", 53, 50000)
            sent += m.lan.flood("10.0.2.2", 80, 50000)
        m.agent.send(signal.SIGCONT)
        status = lab.wait_for(lambda: (m.status() or {}).get("events", {}).get("lost", 0) > 0
                              and m.status(), 20)
        tap.check("a flood overflows the buffer, and that is counted", status, m.status())
        tap.check("the journal says so", "no room for events" in m.agent.log)
        tap.check("a dump closes the gap", lab.wait_for(
            lambda: m.status()["flows"]["live"] >= 49000, 30), m.status())
        m.checkpoint(15)
        lost = m.query("select sum(lost) as n from minutes")[0]["n"]
        tap.check("the database knows of the loss", lost > 0, lost)
        tap.equal("and the minute is not complete",
                  m.query("select count(*) as n from minutes where lost > 0 and complete")[0]["n"],
                  0)
        tap.check("the flows are all there", m.total("lan-out", "flows") >= 49000,
                  m.total("lan-out", "flows"))
        print(f"# {sent} packets, memory {m.status()['memory'] >> 20} MiB")


def follows():
    with Home() as m:
        m.start(POLICY)
        control = m.control()
        control.send("Follow")
        tap.equal("Follow needs more", control.receive().get("error"),
                  "org.varlink.service.ExpectedMore")
        control.send("Follow", more=True)
        first = control.receive()
        tap.equal("the first reply has no events", first["parameters"],
                  {"events": [], "left_out": 0})
        m.lan.talk("udp", "10.0.2.2", 53)
        m.lan.talk("tcp", "10.0.2.2", 25)
        m.forget_connections()
        events = []
        while len({e["event"] for e in events}) < 3:
            reply = control.receive()
            tap.check("each reply says that more follow", reply.get("continues"))
            events += reply["parameters"]["events"]
        kinds = {(e["event"], e["rule"], e["verdict"]) for e in events}
        tap.check("new, end and denied come", {("new", "lan-out", "allow"),
                                               ("end", "lan-out", "allow"),
                                               ("denied", "no-smtp", "reject")} <= kinds, kinds)
        end = next(e for e in events if e["event"] == "end" and e["protocol"] == "udp")
        tap.equal("with names and totals",
                  [end[k] for k in ("direction", "from", "to", "source", "destination", "port",
                                    "bytes_out", "bytes_in")],
                  ["forward", "lan", "wan", "10.0.1.2", "10.0.2.2", 53, 44, 128])
        slow = m.control()
        slow.send("Follow", more=True)
        slow.receive()
        for _ in range(60):
            m.lan.flood("10.0.2.2", 53, 1000)
            m.forget_connections()
        tap.equal("who does not read holds nobody up", m.state_name(), "running")
        control.close()
        tap.check("and is dropped in the end", wait_dropped(slow, 25))


def wait_dropped(control, seconds):
    """Whether the agent ends the connection, without reading from it meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            control.socket.send(b"x")
        except OSError:
            return True
        time.sleep(0.5)
    return False


def bears_abuse_of_its_socket():
    with Home() as m:
        m.start(POLICY)
        for name, text in (("nothing but a NUL", b"\0"), ("no JSON", b"hello\0"),
                           ("an array", b"[1]\0"), ("no method", b"{}\0"),
                           ("a number for a method", b'{"method":1}\0'),
                           ("parameters that are none", b'{"method":"a.b","parameters":1}\0'),
                           ("deep nesting", b"[" * 60000 + b"\0"),
                           ("bytes", bytes(range(255, 0, -1)) + b"\0"),
                           ("the same key twice", b'{"method":"a.b","method":"a.b"}\0')):
            control = m.control(5)
            control.socket.sendall(text)
            tap.equal(f"{name}: the connection ends", control.receive(), None)
        for method, error in (("Nope", "org.varlink.service.MethodNotFound"),
                              ("a.b.C", "org.varlink.service.InterfaceNotFound"),
                              ("io.vigil.Agen.GetStatus",
                               "org.varlink.service.InterfaceNotFound"),
                              ("org.varlink.service.Nope",
                               "org.varlink.service.MethodNotFound")):
            control = m.control(5)
            tap.equal(f"{method}: {error}", control.call(method).get("error"), error)
            tap.check("and the connection goes on", "parameters" in control.call("GetStatus"))
            control.close()
        control = m.control(5)
        control.send("GetStatus", {"what": 1})
        tap.equal("a parameter that is not known", control.receive()["parameters"],
                  {"parameter": "what"})
        control.send("GetStatus", oneway=True)
        control.send("org.varlink.service.GetInfo")
        info = control.receive()["parameters"]
        tap.equal("oneway gets no reply; GetInfo tells the interfaces", info["interfaces"],
                  ["org.varlink.service", "io.vigil.Agent"])
        control.send("org.varlink.service.GetInterfaceDescription",
                     {"interface": "io.vigil.Agent"})
        description = control.receive()["parameters"]["description"]
        tap.check("the interface describes itself", "interface io.vigil.Agent" in description and
                  "method GetStatus()" in description)
        status = set(m.status())
        words = description.split("method GetStatus() -> (")[1].split("method Reload")[0]
        tap.equal("GetStatus answers with what it describes",
                  {k for k in status if f"\n  {k}: " not in words}, set())
        for i in range(50):
            control.send("GetStatus")
        tap.equal("calls may be sent ahead", [control.receive()["parameters"]["state"]
                                              for _ in range(50)], ["running"] * 50)
        control.close()

        crowd = []
        for _ in range(64):
            crowd.append(m.control(1))
        served = 0
        for one in crowd:
            try:
                served += one.call("GetStatus") is not None
            except OSError:
                pass
        tap.equal("32 callers are served at a time", served, 32)
        for one in crowd:
            one.close()
        tap.check("and others when they are gone", lab.wait_for(lambda: m.status()))
        partial = m.control(20)
        partial.socket.sendall(b'{"method":')
        start = time.monotonic()
        tap.check("who does not end a message is dropped", partial.receive() is None and
                  5 < time.monotonic() - start < 15, time.monotonic() - start)
        big = m.control(20)
        try:
            big.socket.sendall(b'{"method":"' + b"x" * (30 << 20))
            ended = big.receive() is None
        except OSError:
            ended = True
        tap.check("so is who sends 30 MB", ended)
        noise(m)
        tap.equal("the agent is as it was", m.state_name(), "running")
        print(f"# memory {m.status()['memory'] >> 20} MiB")


def noise(m):
    chance = random.Random(1)
    valid = json.dumps({"method": "io.vigil.Agent.GetStatus", "parameters": {}}).encode()
    for _ in range(300):
        text = bytearray(valid + b"\0")
        for _ in range(chance.randrange(1, 6)):
            text[chance.randrange(len(text))] = chance.randrange(256)
        control = m.control(5)
        try:
            control.socket.sendall(text)
            control.socket.shutdown(socket.SHUT_WR)
            while control.socket.recv(65536):
                pass
        except OSError:
            pass
        control.close()


AS_OTHER = """
import sys
sys.path.insert(0, sys.argv[1])
import lab
for method in sys.argv[3:]:
    control = lab.Control(sys.argv[2], 10)
    reply = control.call(method, {"name": "x", "policy": "version: 1"} if method == "Apply" else {})
    print(method, reply.get("error", "ok"))
"""


def lets_others_only_ask():
    if os.geteuid() != 0:
        return
    with Home() as m:
        m.start(POLICY)
        library = m.directory / "lab"
        library.mkdir(mode=0o755)
        (library / "lab.py").write_bytes(pathlib.Path(lab.__file__).read_bytes())
        (library / "other.py").write_text(AS_OTHER)

        def others(gid, *methods):
            done = subprocess.run(["setpriv", f"--reuid={lab.OTHER_UID}", f"--regid={gid}",
                                   "--clear-groups", "/usr/bin/python3", "-B",
                                   library / "other.py", library, m.control_path, *methods],
                                  capture_output=True, text=True)
            return done.stdout.split("\n"), done.stderr

        tap.equal("the control socket is the agent's alone",
                  m.control_path.stat().st_mode & 0o777, 0o600)
        m.run_dir.chmod(0o771)
        tap.check("so nobody else may even ask",
                  "PermissionError" in others(lab.AGENT_UID, "GetStatus")[1])
        # What an administrator does for people who may look.
        os.chown(m.control_path, -1, lab.OTHER_UID)
        m.control_path.chmod(0o660)
        answers, _ = others(lab.OTHER_UID, "GetStatus", "GetRules", "GetPolicy", "Reload",
                            "Apply")
        denied = "org.varlink.service.PermissionDenied"
        tap.equal("somebody of another group may ask and not change", answers[:5],
                  ["GetStatus ok", "GetRules ok", "GetPolicy ok", f"Reload {denied}",
                   f"Apply {denied}"])


def lets_no_second_agent_in():
    with Home() as m:
        m.start(POLICY)
        table = m.table()
        second = m.add_program("second", m.agent.command)
        second.start()
        tap.check("a second agent ends", lab.wait_for(lambda: not second.running))
        tap.check("and says who was first", f"already running for {m.state} (pid "
                  f"{m.agent.child.pid})" in second.log, second.log)
        tap.equal("the first goes on", m.state_name(), "running")
        tap.equal("nothing was changed", m.table(), table)


def holds_no_privilege():
    with Home() as m:
        m.start(POLICY)
        fields = dict(line.split(":\t", 1) for line in pathlib.Path(
            f"/proc/{m.agent.child.pid}/status").read_text().splitlines() if ":\t" in line)
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            tap.equal(f"{name} is empty", int(fields[name], 16), 0)
        tap.equal("no new privileges", fields["NoNewPrivs"], "1")
        tap.equal("a seccomp filter", fields["Seccomp"], "2")
        tasks = list(pathlib.Path(f"/proc/{m.agent.child.pid}/task").iterdir())
        tap.check("in every thread", len(tasks) > 1 and all(
            "Seccomp:\t2" in (t / "status").read_text() for t in tasks))
        m.agent.end()
        if m.root:
            m.agent.command = [m.agent.command[-7], *m.agent.command[-6:]]
            m.agent.start()
            lab.wait_for(lambda: m.status())
            text = pathlib.Path(f"/proc/{m.agent.child.pid}/status").read_text()
            tap.check("started with all capabilities it drops them",
                      "CapEff:\t0000000000000000" in text and
                      "CapPrm:\t0000000000000000" in text, text)


class Manager:
    """What systemd does for a service: hears what it says, and keeps its descriptors."""

    def __init__(self, m):
        path = m.run_dir / "notify.sock"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        path.chmod(0o777)
        m.agent.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1000000"}
        self.kept, self.said = {}, []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            text, fds, _, _ = socket.recv_fds(self.socket, 65536, 16)
            lines = text.decode().splitlines()
            if "FDSTORE=1" in lines:
                (name,) = (l[7:] for l in lines if l.startswith("FDNAME="))
                self.kept[name] = fds[0]
            self.said += lines

    def heard(self, what, seconds=10):
        return lab.wait_for(lambda: any(l.startswith(what) for l in self.said), seconds)


def speaks_with_the_manager():
    with Home() as m:
        manager = Manager(m)
        m.start(BAD_POLICY, ready=False)
        lab.wait_for(lambda: m.state_name() == "failed")
        tap.check("with a bad policy it is not ready", not manager.heard("READY=1", 1) and
                  any("STATUS=" in l and "has 2 error" in l for l in manager.said),
                  manager.said)
        m.reload(POLICY)
        tap.check("it is when one stands", manager.heard("READY=1"), manager.said)
        tap.check("it says what is enforced", manager.heard(f"STATUS={m.policy_path} is enforced"),
                  manager.said)
        tap.check("the watchdog is fed", manager.heard("WATCHDOG=1"), manager.said)
        tap.equal("event sockets are given to keep", sorted(manager.kept), ["conntrack", "log"])
        tap.check("with polling off", "FDPOLL=0" in manager.said)
        manager.said.clear()
        m.agent.send(signal.SIGHUP)
        manager.heard("READY=1")
        at = [next((i for i, l in enumerate(manager.said) if l.startswith(what)), -1)
              for what in ("RELOADING=1", "MONOTONIC_USEC=", "READY=1")]
        tap.check("a reload is announced, and its end", -1 not in at and at == sorted(at),
                  manager.said)
        manager.said.clear()
        m.reload(BAD_POLICY)
        tap.check("one that fails ends as well", manager.heard("READY=1") and
                  manager.heard(f"STATUS={m.policy_path} was not enforced"), manager.said)
        m.write("policy.yml", POLICY)

        m.checkpoint()
        m.agent.kill()
        tap.equal("while the agent is away", m.lan.talk("udp", "10.0.2.2", 53), "ok")
        m.lan.talk("tcp", "10.0.2.2", 25)
        m.agent.passed = dict(manager.kept)
        m.start_agent()
        m.forget_connections()
        m.checkpoint()
        tap.equal("what happened is in the kept sockets", m.total("lan-out", "flows"), 1)
        tap.equal("with its bytes", m.total("lan-out", "bytes_in"), 128)
        tap.equal("and what was denied", m.total("no-smtp", "packets_out"), 1)
        m.agent.passed = {"conntrack": os.open("/dev/null", os.O_RDONLY),
                          "log": manager.socket.fileno(), "nonsense": 1}
        m.agent.end()
        tap.check("it says that it ends", manager.heard("STOPPING=1"), manager.said)
        for fd in manager.kept.values():
            os.close(fd)
        m.start_agent()
        m.lan.talk("udp", "10.0.2.2", 53, source_port=5000)
        tap.check("descriptors of the wrong kind are not used", lab.wait_for(
            lambda: m.status()["events"]["total"] > 0), m.agent.log)


def uses_what_is_passed():
    with Home() as m:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(m.run_dir / "other.sock"))
        listening.listen()
        m.control_path = m.run_dir / "other.sock"
        m.write("policy.yml", POLICY)
        m.helper.command = m.helper.command[:-2]
        m.helper.passed = {"helper": theirs.fileno()}
        m.helper.start()
        theirs.close()
        m.agent.passed = {"control": listening.fileno(), "helper": ours.fileno()}
        m.start_agent()
        ours.close()
        tap.equal("with passed sockets the policy is enforced",
                  m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        tap.check("and no other socket made", not (m.run_dir / "agent.sock").exists())
        m.helper.kill()
        tap.equal("without the helper that was passed the agent ends, with a failure",
                  lab.wait_for(lambda: m.agent.child.poll(), 10), 1)
        tap.equal("the rules stay", m.lan.talk("tcp", "10.0.1.1", 22), "ok")


if __name__ == "__main__":
    lab.main("the agent", tap, remembers_who_spoke_to_whom, remembers_what_was_denied,
             says_that_bytes_are_unknown, says_that_connections_are_not_told, reloads,
             applies_what_a_caller_gives, starts_with_a_bad_policy, survives_kill_9,
             survives_kill_9_at_any_time, goes_on_without_the_database, goes_on_with_a_full_disk,
             keeps_feeds_fresh, loads_a_large_feed_without_missing_events, counts_what_it_missed,
             follows, bears_abuse_of_its_socket, lets_others_only_ask, lets_no_second_agent_in,
             holds_no_privilege, speaks_with_the_manager, uses_what_is_passed)
