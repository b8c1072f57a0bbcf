#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How a policy comes into force when something is in the way. Speaks TAP; arguments
choose scenarios by name."""
import contextlib
import os
import pathlib
import socket
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab  # noqa: E402

POLICY = """version: 1
zones: {lan: [eth1]}
feeds: {bad: {file: bad.txt, refresh: 1s}}
ban: [bad]
rules:
  - {id: ssh, from: lan, to: host, allow: ssh}
"""
OTHER = POLICY.replace("id: ssh", "id: shell")

APPLY = 2  # struct helper_request: op

tap = lab.Tap()


class Gate(lab.Lab):
    def __init__(self):
        super().__init__()
        self.lan = self.neighbour("eth1", "10.0.1.1/24", "10.0.1.2/24")
        self.host.serve("tcp", 22)
        self.write("bad.txt", "10.9.0.0/16\n10.8.0.1\n")
        self.write("policy.yml", POLICY)

    def sets(self):
        return [w[1] for w in (line.split() for line in lab.run(
            "nft", "-t", "list", "table", "inet", "vigil").splitlines()) if w[:1] == ["set"]]

    def elements(self, name):
        try:
            return lab.run("nft", "list", "set", "inet", "vigil", name)
        except RuntimeError:
            return ""  # another took its place just now

    def problems(self):
        return self.status()["kernel"]["problems"]


class Proxy:
    """Stands between agent and helper. `plan` tells what to do with each APPLY: "pass",
    "before" and "after" hang up before or after the helper has done it."""

    def __init__(self, m):
        self.m, self.plan, self.applied = m, [], 0
        self.front, self.back = m.helper_path, m.run_dir / "real.sock"
        m.helper.command = [*m.helper.command[:-1], self.back]
        m.helper_path = self.back
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(str(self.front))
        self.front.chmod(0o777)
        self.listening.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=self.listening.accept()[:1],
                                 daemon=True).start()

    def serve(self, agent):
        helper = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        helper.connect(str(self.back))
        with agent, helper, contextlib.suppress(OSError):
            while True:
                request, fds, _, _ = socket.recv_fds(agent, 4096, 3)
                apply = request[:1] == bytes([APPLY])
                do = self.plan.pop(0) if apply and self.plan else "pass"
                self.applied += apply
                if not request or do == "before":
                    return
                self.forward(helper, request, fds)
                reply, fds, _, _ = socket.recv_fds(helper, 4096, 3)
                if not reply or do == "after":
                    return
                self.forward(agent, reply, fds)

    @staticmethod
    def forward(to, data, fds):
        socket.send_fds(to, [data], fds)
        for fd in fds:
            os.close(fd)


def is_told_how_an_attempt_ended():
    with Gate() as m:
        proxy = Proxy(m)
        m.start()
        # The sets stay, so the rules are the one step.
        proxy.plan = ["after"]
        reply = m.reload(OTHER)
        tap.check("what was done before the helper went is in force",
                  reply.get("policy", {}).get("rules") == 1, reply)
        tap.equal("as the status says", m.state_name(), "running")
        proxy.plan = ["before"]
        reply = m.reload(POLICY)
        tap.equal("what was not done is told", reply.get("error"), "KernelRefused")
        tap.check("and why", "did not say" in reply.get("text", ""), reply)
        tap.equal("ssh passes all the while", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        tap.check("and it can be done again", "policy" in m.reload(), m.agent.log)
        tap.check("no connection is told lost without a reason",
                  ": . The rules" not in m.agent.log and "\n. The" not in m.agent.log,
                  m.agent.log)


def enforces_what_waits_when_the_helper_is_back():
    with Gate() as m:
        m.start()
        m.helper.kill()
        lab.wait_for(lambda: not m.status()["helper"]["connected"])
        tap.equal("without the helper a reload fails", m.reload(OTHER).get("error"), "HelperGone")
        tap.check("and says why", m.status()["helper"]["problem"] != "", m.status())
        for _ in range(3):
            m.call("GetRules")
        m.start_helper()
        tap.check("when it is back the policy is enforced", lab.wait_for(
            lambda: m.state_name() == "running", 15), m.status())
        tap.check("with its rules", "n.shell" in lab.run("nft", "list", "counters"), m.agent.log)


def deletes_what_is_left_over():
    with Gate() as m:
        m.start()
        before = m.sets()
        lab.run("nft", "add set inet vigil f.bad.4.77 { type ipv4_addr; flags interval; }")
        lab.run("nft", "add element inet vigil f.bad.4.77 { 10.1.0.0/16 }")
        reply = m.reload()
        tap.check("a reload is no failure", "policy" in reply, reply)
        tap.equal("what nobody wants is gone", m.sets(), before)
        tap.equal("nothing was loaded again", reply["change"]["elements_added"], 0)
        lab.run("nft", "add set inet vigil f.bad.4.77 { type ipv4_addr; flags interval; }")
        m.agent.kill()
        m.start_agent()
        tap.equal("also at the next start", m.sets(), before)
        lab.run("nft", "add set inet vigil f.bad.4.77 { type ipv4_addr; flags interval; }")
        m.write("bad.txt", "10.9.0.0/16\n10.8.0.2\n")
        tap.check("also when a feed changes", lab.wait_for(
            lambda: "f.bad.4.77" not in m.sets(), 15), m.sets())
        (name,) = (s for s in m.sets() if s.startswith("f.bad.4"))
        tap.check("which has its new elements", "10.8.0.2" in m.elements(name), m.elements(name))


def mends_sets_that_somebody_changed():
    with Gate() as m:
        m.start()
        (name,) = (s for s in m.sets() if s.startswith("f.bad.4"))
        lab.run("nft", "delete element inet vigil " + name + " { 10.8.0.1 }")
        m.write("bad.txt", "10.9.0.0/16\n10.7.0.1\n")

        def mended():
            names = [s for s in m.sets() if s.startswith("f.bad.4")]
            text = m.elements(names[0]) if len(names) == 1 else ""
            return "10.7.0.1" in text and "10.9.0.0/16" in text and "10.8" not in text

        tap.check("a refresh after elements were deleted goes well", lab.wait_for(mended, 15),
                  m.agent.log)
        tap.equal("and all is well", m.state_name(), "running")
        tap.equal("ssh passes", m.lan.talk("tcp", "10.0.1.1", 22), "ok")


def enforces_without_a_place_for_numbers():
    with Gate() as m:
        m.start()
        m.agent.end()
        for name in ("numbers", "committed.json"):
            (m.state / name).chmod(0o444)
        lab.run("mount", "--bind", m.state, m.state)
        lab.run("mount", "-o", "remount,bind,ro", m.state)
        lab.run("nft", "delete", "table", "inet", "vigil")
        m.start_agent()
        tap.equal("an unchanged policy is enforced on a disk that takes nothing",
                  m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        tap.check("without a word about numbers", not any("numbers" in p for p in m.problems()),
                  m.problems())
        reply = m.reload(OTHER)
        tap.check("and so is one with new rules", "policy" in reply, reply)
        tap.check("which the status and the log tell",
                  any("numbers" in p for p in m.problems()) and "numbers could" in m.agent.log,
                  m.problems())
        lab.run("mount", "-o", "remount,bind,rw", m.state)
        tap.check("they are written when they can be", lab.wait_for(
            lambda: "shell" in (m.state / "numbers").read_text() and not m.problems(), 15),
            m.agent.log)


def backs_off_when_a_refresh_fails():
    with Gate() as m:
        m.start(POLICY.replace("refresh: 1s", "refresh: 1s, on_error: fail"))
        before = m.status()["policy"]["tag"]
        (m.etc / "bad.txt").unlink()
        tap.check("a feed that fails is told", lab.wait_for(
            lambda: "was not enforced" in m.agent.log, 15), m.agent.log)
        lab.wait_for(lambda: False, 12)
        count = m.agent.log.count("was not enforced")
        tap.check("and not tried again every few seconds", count <= 2, count)
        tap.equal("what was in force stays", m.status()["policy"]["tag"], before)


if __name__ == "__main__":
    lab.main("attempts", tap, is_told_how_an_attempt_ended,
             enforces_what_waits_when_the_helper_is_back, deletes_what_is_left_over,
             mends_sets_that_somebody_changed, enforces_without_a_place_for_numbers,
             backs_off_when_a_refresh_fails)
