#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whom the agent answers, and how it speaks with the manager that started it.
Speaks TAP; arguments choose scenarios by name."""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab  # noqa: E402
from home import BAD_POLICY, Home, POLICY  # noqa: E402

tap = lab.Tap()


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
                  "method GetStatus(" in description)
        status = set(m.status())
        words = description.split("method GetStatus(wait: ?bool) -> (")[1].split("method Reload")[0]
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
        tap.equal("where a bad policy would leave nothing enforced, the start fails",
                  lab.wait_for(lambda: m.agent.child.poll()), 1)
        status = [l for l in manager.said if l.startswith("STATUS=")][-1]
        tap.check("without READY, and says why", "READY=1" not in manager.said and
                  "the policy has 2 errors. Nothing is (line 4: no zone" in status,
                  manager.said)
        m.write("policy.yml", POLICY)
        m.start_agent()
        tap.check("it is ready when one stands", manager.heard("READY=1"), manager.said)
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
        m.agent.end()
        manager.said.clear()
        m.start_agent(ready=False)
        tap.check("with rules of before, it starts in spite of a bad policy",
                  manager.heard("READY=1") and m.state_name() == "failed", manager.said)
        m.agent.end()
        (m.state / "committed.json").unlink()
        manager.said.clear()
        m.start_agent(ready=False)
        tap.check("also where it does not know what they say",
                  manager.heard("READY=1") and m.status()["policy"] is None, manager.said)
        m.reload(POLICY)
        manager.said.clear()
        m.call("Apply", {"name": "/x\nREADY=1", "policy": BAD_POLICY})
        tap.check("no name of a policy can say more than it should",
                  manager.heard("STATUS=/x?READY=1 was not enforced") and
                  manager.said.count("READY=1") == 1, manager.said)
        m.reload()

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
        for name in "conntrack", "nonsense":
            tap.check(f"and the manager is told to let go of {name}",
                      manager.heard("FDSTOREREMOVE=1") and f"FDNAME={name}" in manager.said,
                      manager.said)


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
        # As a predecessor that was taken over may leave them in the manager's store.
        dead, gone = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        gone.close()
        m.agent.passed = {"control": listening.fileno(), "control#left": dead.fileno(),
                          "helper#left": dead.fileno(), "helper": ours.fileno()}
        m.start_agent()
        ours.close()
        dead.close()
        tap.equal("with passed sockets the policy is enforced",
                  m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        tap.check("and no other socket made", not (m.run_dir / "agent.sock").exists())
        m.helper.kill()
        tap.equal("without the helper that was passed the agent ends, with a failure",
                  lab.wait_for(lambda: m.agent.child.poll(), 10), 1)
        tap.equal("the rules stay", m.lan.talk("tcp", "10.0.1.1", 22), "ok")


if __name__ == "__main__":
    lab.main("answering", tap, bears_abuse_of_its_socket, lets_others_only_ask,
             lets_no_second_agent_in, holds_no_privilege, speaks_with_the_manager,
             uses_what_is_passed)
