#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the agent remembers, and how it says what it could not know.
Speaks TAP; arguments choose scenarios by name."""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab  # noqa: E402
from home import FD02_2, Home, POLICY  # noqa: E402

tap = lab.Tap()


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


if __name__ == "__main__":
    lab.main("recording", tap, remembers_who_spoke_to_whom, remembers_what_was_denied,
             says_that_bytes_are_unknown, says_that_connections_are_not_told,
             counts_what_it_missed, follows)
