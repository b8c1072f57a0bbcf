#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How the agent takes a new policy and new feeds, good and bad.
Speaks TAP; arguments choose scenarios by name."""
import pathlib
import select
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab  # noqa: E402
from home import BAD_POLICY, Home, POLICY  # noqa: E402

tap = lab.Tap()


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


def outcome(m):
    status = m.call("GetStatus", {"wait": True})
    return status["state"], status["policy"]["rules"], len((status["failure"] or {}).get("faults", []))


def tells_how_a_reload_ended():
    with Home() as m:
        m.start(POLICY)
        # Large enough that it takes a while.
        large = POLICY + "".join(f"  - {{id: r{i}, from: lan, to: host, allow: {{tcp: {i + 1}}}}}\n"
                                 for i in range(200))
        rounds = [(BAD_POLICY, ("failed", 5, 2)), (POLICY, ("running", 5, 0)),
                  (large, ("running", 205, 0)), (BAD_POLICY, ("failed", 205, 2)),
                  (POLICY, ("running", 5, 0))] * 8
        ends = []
        for policy, _ in rounds:
            m.write("policy.yml", policy)
            m.agent.send(signal.SIGHUP)
            ends.append(outcome(m))
        tap.equal("who asks after SIGHUP hears how that reload ended", ends,
                  [end for _, end in rounds])

        # While the agent is held, the signal and the question arrive as one.
        ends = []
        for policy, _ in rounds[:5]:
            m.write("policy.yml", policy)
            m.agent.send(signal.SIGSTOP)
            control = m.control()
            control.send("GetStatus", {"wait": True})
            m.agent.send(signal.SIGHUP)
            m.agent.send(signal.SIGCONT)
            ends.append(control.receive()["parameters"]["state"])
            control.close()
        tap.equal("also where the agent finds both at once", ends,
                  [end[0] for _, end in rounds[:5]])

        first, gone, second = (m.control() for _ in range(3))
        first.send("Apply", {"name": "/x", "policy": large})
        m.call("GetStatus")  # which comes after it, and signals would go before it
        m.write("policy.yml", BAD_POLICY)
        for _ in range(50):
            m.agent.send(signal.SIGHUP)
        for control in (gone, second):
            control.send("GetStatus", {"wait": True})
        gone.close()
        first.receive()
        tap.equal("many reloads behind other work are waited for",
                  second.receive()["parameters"]["state"], "failed")
        for control in (first, second):
            control.close()
        tap.equal("wait is true or false", m.call("GetStatus", {"wait": 1}).get("error"),
                  "InvalidParameter")
        m.write("policy.yml", POLICY)
        calls = [m.control() for _ in range(12)]
        for control in calls:
            control.send("Apply", {"name": "/x", "policy": large})
        refused = False
        while not refused:
            ready, _, _ = select.select(calls, [], [], 10)
            refused = any("error" in control.receive() for control in ready) or not ready
        tap.check("too many attempts are refused", ready)
        m.agent.send(signal.SIGHUP)
        tap.equal("one that finds no place is made up for", outcome(m), ("running", 5, 0))
        for control in calls:
            control.close()


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


if __name__ == "__main__":
    lab.main("reloading", tap, reloads, applies_what_a_caller_gives, starts_with_a_bad_policy,
             tells_how_a_reload_ended, keeps_feeds_fresh, loads_a_large_feed_without_missing_events)
