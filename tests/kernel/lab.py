#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine to try Vigil on: namespaces of its own, the real programs, neighbours.

    import lab
    lab.enter()                       # this process goes on in namespaces of its own
    with lab.Lab() as machine:
        lan = machine.neighbour("eth1", "10.0.1.1/24", "10.0.1.2/24")
        machine.start(policy="version: 1\\n...")
        lan.serve("tcp", 80)
        machine.host.talk("tcp", "10.0.1.2", 80)      # "ok", "timeout", "refused", ...
        machine.call("GetStatus")

Nothing outside the namespaces is touched, and all that was started ends with the Lab. As
root the helper and the agent run as users 64000 and 64001; as another user, who needs
user namespaces, both run as that user, the helper with CAP_NET_ADMIN and nothing else.
"""
import atexit
import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("VIGIL_BUILD", "build")
HELPER_UID, AGENT_UID, OTHER_UID = 64000, 64001, 64002
ENTERED = "VIGIL_LAB"
PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000
INTERFACE = "io.vigil.Agent"


def enter():
    """Run this program again inside fresh network and mount namespaces."""
    if os.environ.get(ENTERED):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        return
    # The leak check of a sanitized build needs ptrace, which the filters do not give.
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")
    os.environ[ENTERED] = "root" if os.geteuid() == 0 else "user"
    flags = ["--net", "--mount"]
    if os.geteuid() != 0:
        flags += ["--user", "--map-current-user", "--keep-caps"]
    os.execvp("unshare", ["unshare", *flags, "--", sys.executable, *sys.argv])


def possible():
    """Why there can be no lab here, or an empty string."""
    flags = ["-n", "-m"] + ([] if os.geteuid() == 0 else ["-U", "--map-current-user",
                                                          "--keep-caps"])
    tried = subprocess.run(["unshare", *flags, "true"], capture_output=True, text=True)
    return tried.stderr.strip() if tried.returncode else ""


def run(*command, check=True, **options):
    """Run a command, return what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")
    return done.stdout


def wait_for(what, seconds=10.0, every=0.05):
    """Wait until what() is true; return its last value."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


def fresh_network():
    """Go on in a network namespace that nobody has used."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Tap:
    """Results in TAP's form, and the closing line."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    @property
    def count(self):
        return self.passed + self.failed + self.skipped

    def check(self, name, good, detail=""):
        self.passed += bool(good)
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)
        if not good and detail != "":
            for line in str(detail).splitlines():
                print(f"#   {line}", flush=True)
        return good

    def equal(self, name, got, wanted):
        return self.check(name, got == wanted, f"got    {got!r}\nwanted {wanted!r}")

    def skip(self, name, why):
        self.skipped += 1
        print(f"ok {self.count} - {name} # SKIP {why}", flush=True)

    def end(self):
        print(f"1..{self.count}")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0


# --- nodes: what sends and receives in one namespace -----------------------------------------


class Node:
    """Packets to and from one network namespace: a child process that is told what to do."""

    def __init__(self, fresh):
        command = [sys.executable, __file__, "--node"]
        if fresh:
            command = ["unshare", "--net", "--", *command]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, preexec_fn=die_with_parent)
        self.pid = self.ask("pid")

    def ask(self, what, *arguments):
        self.child.stdin.write(json.dumps([what, *arguments]) + "\n")
        self.child.stdin.flush()
        answer = json.loads(self.child.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def run(self, *command, check=True):
        """Run a command in the namespace."""
        return run("nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *command, check=check)

    def sysctl(self, name, value):
        return self.ask("sysctl", name, value)

    def serve(self, protocol, port, answer=64):
        """Answer on a port: each message (or connection) with that many bytes."""
        return self.ask("serve", protocol, port, answer)

    def talk(self, protocol, address, port, size=16, source_port=0, seconds=1.2, source=""):
        """Say something and listen: "ok", "timeout", "refused", "unreachable". The time is
        enough for a second SYN, as a busy machine may be late for the first."""
        return self.ask("talk", protocol, address, port, size, source_port, seconds, source)

    def last_peer(self):
        """The address that the last connection to a served TCP port came from."""
        return self.ask("last_peer")

    def hold(self, address, port, name):
        """Open a TCP connection and keep it under a name; returns as talk()."""
        return self.ask("hold", address, port, name)

    def say(self, name, size=16, seconds=1.2):
        """Say something over a kept connection and listen."""
        return self.ask("say", name, size, seconds)

    def ping(self, address, seconds=1.2, source=""):
        return self.ask("ping", address, seconds, source)

    def flood(self, address, port, count, ports=50000):
        """Send UDP packets from many source ports, as fast as can be."""
        return self.ask("flood", address, port, count, ports)

    def end(self):
        self.child.stdin.close()
        self.child.wait()


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def outcome(action):
    try:
        return action()
    except TimeoutError:
        return "timeout"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return "unreachable" if error.errno in (101, 113, 13, 1) else f"errno {error.errno}"


class NodeWork:
    """What the child process of a Node does."""

    def __init__(self):
        self.kept = {}
        self.peer = ""

    def last_peer(self):
        return self.peer

    def pid(self):
        return os.getpid()

    def sysctl(self, name, value):
        pathlib.Path("/proc/sys", name.replace(".", "/")).write_text(f"{value}\n")

    def serve(self, protocol, port, answer):
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        for family, everyone in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            s = socket.socket(family, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind((everyone, port))
            if protocol == "tcp":
                s.listen(64)
            work = self.accept if protocol == "tcp" else self.echo
            threading.Thread(target=work, args=(s, answer), daemon=True).start()

    def accept(self, s, answer):
        while True:
            peer, (self.peer, *_) = s.accept()
            threading.Thread(target=self.converse, args=(peer, answer), daemon=True).start()

    def converse(self, peer, answer):
        with peer, contextlib.suppress(OSError):
            while peer.recv(65536):
                peer.sendall(b"a" * answer)

    def echo(self, s, answer):
        while True:
            _, peer = s.recvfrom(65536)
            s.sendto(b"a" * answer, peer)

    def talk(self, protocol, address, port, size, source_port, seconds, source):
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM

        def action():
            with socket.socket(family_of(address), kind) as s:
                s.settimeout(seconds)
                if source or source_port:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind((source or ("::" if ":" in address else "0.0.0.0"), source_port))
                s.connect((address, port))
                s.send(b"q" * size)
                return "ok" if s.recv(65536) else "closed"

        return outcome(action)

    def hold(self, address, port, name):
        def action():
            s = socket.socket(family_of(address), socket.SOCK_STREAM)
            s.settimeout(1.2)
            s.connect((address, port))
            self.kept[name] = s
            return "ok"

        return outcome(action)

    def say(self, name, size, seconds):
        def action():
            self.kept[name].settimeout(seconds)
            self.kept[name].send(b"q" * size)
            return "ok" if self.kept[name].recv(65536) else "closed"

        return outcome(action)

    def ping(self, address, seconds, source):
        wide = ":" in address

        def action():
            protocol = socket.IPPROTO_ICMPV6 if wide else socket.IPPROTO_ICMP
            with socket.socket(family_of(address), socket.SOCK_RAW, protocol) as s:
                s.settimeout(seconds)
                if source:
                    s.bind((source, 0))
                s.connect((address, 0))
                body = struct.pack("!BBHHH", 128 if wide else 8, 0, 0, os.getpid() & 0xffff, 1)
                total = sum(struct.unpack(f"!{len(body) // 2}H", body))
                check = ~((total & 0xffff) + (total >> 16)) & 0xffff
                s.send(body if wide else body[:2] + struct.pack("!H", check) + body[4:])
                while True:
                    got = s.recv(2048)
                    if (got[0] if wide else got[(got[0] & 15) * 4]) == (129 if wide else 0):
                        return "ok"

        return outcome(action)

    def flood(self, address, port, count, ports):
        """A raw socket writes the UDP header, so each packet may have its own port."""
        sent = 0
        with socket.socket(family_of(address), socket.SOCK_RAW, socket.IPPROTO_UDP) as s:
            s.connect((address, 0))
            for i in range(count):
                # A checksum of zero means that there is none (RFC 768).
                packet = struct.pack("!HHHH", 1024 + i % ports, port, 12, 0) + b"text"
                with contextlib.suppress(OSError):
                    sent += s.send(packet) > 0
        return sent


def node_main():
    work = NodeWork()
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        try:
            answer = {"value": getattr(work, what)(*arguments)}
        except Exception as error:  # told to whoever asked
            answer = {"error": f"{what}: {error!r}"}
        print(json.dumps(answer), flush=True)


# --- varlink -----------------------------------------------------------------------------------


class Control:
    """A connection to the agent's control socket."""

    def __init__(self, path, seconds=60):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        self.socket.connect(str(path))
        self.rest = b""

    def send(self, method, parameters=None, **flags):
        message = {"method": method if "." in method else f"{INTERFACE}.{method}",
                   "parameters": parameters or {}, **flags}
        self.socket.sendall(json.dumps(message).encode() + b"\0")

    def receive(self):
        """The next message, or None when the connection has ended."""
        while b"\0" not in self.rest:
            got = self.socket.recv(65536)
            if not got:
                return None
            self.rest += got
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, parameters=None):
        self.send(method, parameters)
        return self.receive()

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()


# --- the machine ---------------------------------------------------------------------------------


class Program:
    """One of Vigil's programs, with its output kept."""

    def __init__(self, command, log):
        self.command, self.log_path, self.child = command, log, None
        self.environment = {}
        # name: descriptor, as sd_listen_fds(3) hands them over; what follows a "#" in the
        # name is ours, so that there can be two of one name
        self.passed = {}

    def start(self):
        command = self.command
        environment = {**os.environ, **self.environment}
        if self.passed:
            environment |= {"LISTEN_FDS": str(len(self.passed)),
                            "LISTEN_FDNAMES": ":".join(name.split("#")[0] for name in self.passed)}
            command = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *command]
        # Above all that they are to become, so that none is overwritten.
        spare = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in self.passed.values()]

        def prepare():
            die_with_parent()
            for i, fd in enumerate(spare):
                os.dup2(fd, 3 + i)

        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=prepare, env=environment,
                pass_fds=[3 + i for i in range(len(spare))])
        for fd in spare:
            os.close(fd)

    @property
    def running(self):
        return self.child is not None and self.child.poll() is None

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def send(self, number):
        self.child.send_signal(number)

    def kill(self):
        """As a power cut would."""
        self.end(signal.SIGKILL)

    def end(self, number=signal.SIGTERM, seconds=20):
        """End it; return its exit status."""
        if not self.child:
            return None
        if self.running:
            self.send(number)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            return "killed: it did not end by itself"


class Lab:
    """The machine that the firewall runs on, in the namespaces that enter() made."""

    def __init__(self, accounting=True, forwarding=True):
        assert os.environ.get(ENTERED), "call enter() first"
        self.root = os.geteuid() == 0
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="vigil-lab-"))
        self.nodes, self.programs = [], []
        # Also when nobody comes to close it.
        atexit.register(self.close)
        try:
            fresh_network()
            self.furnish()
            self.host = self.add_node(fresh=False)
            run("ip", "link", "set", "lo", "up")
            self.sysctl("net.netfilter.nf_conntrack_acct", int(accounting))
            if forwarding:
                self.sysctl("net.ipv4.ip_forward", 1)
                self.sysctl("net.ipv6.conf.all.forwarding", 1)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def furnish(self):
        """Directories on a tmpfs of their own, with the owners that an installation has."""
        run("mount", "-t", "tmpfs", "-o", "mode=0755,size=2g", "tmpfs", self.directory)
        self.etc, self.run_dir, self.state = (self.directory / n for n in ("etc", "run", "state"))
        binaries = self.directory / "bin"
        for path, mode in ((self.etc, 0o755), (self.run_dir, 0o770), (self.state, 0o700),
                           (binaries, 0o755)):
            path.mkdir()
            path.chmod(mode)
        if self.root:
            os.chown(self.run_dir, 0, AGENT_UID)
            os.chown(self.state, AGENT_UID, AGENT_UID)
        for name in ("vigil-helper", "vigil-agent", "vigil"):
            if (BUILD / name).exists():
                shutil.copy(BUILD / name, binaries / name)
        self.policy_path = self.etc / "policy.yml"
        self.database_path = self.state / "flows.db"
        self.control_path = self.run_dir / "agent.sock"
        self.helper_path = self.run_dir / "helper.sock"
        self.helper = self.add_program("vigil-helper", [
            *self.setpriv(HELPER_UID, AGENT_UID, "+net_admin"), binaries / "vigil-helper",
            "--listen", self.helper_path])
        self.agent = self.add_program("vigil-agent", [
            *self.setpriv(AGENT_UID, AGENT_UID, ""), binaries / "vigil-agent", "--policy",
            self.policy_path, "--state", self.state, "--run", self.run_dir])

    def setpriv(self, uid, gid, capability):
        """The words before a command that runs with one capability, or none."""
        sets = "-all" + ("," + capability if capability else "")
        users = [f"--reuid={uid}", f"--regid={gid}", "--clear-groups"] if self.root else []
        return ["setpriv", *users, "--no-new-privs", f"--inh-caps={sets}",
                f"--ambient-caps={sets}", f"--bounding-set={sets}", "--"]

    def add_program(self, name, command):
        program = Program(command, self.directory / f"{name}.log")
        self.programs.append(program)
        return program

    def add_node(self, fresh):
        node = Node(fresh)
        self.nodes.append(node)
        # Addresses are of use at once, not after two seconds of asking who else has them.
        node.sysctl("net.ipv6.conf.all.accept_dad", 0)
        node.sysctl("net.ipv6.conf.default.accept_dad", 0)
        return node

    def neighbour(self, interface, here, there, gateway=True):
        """A machine at the other end of a new interface. Addresses with their lengths, one
        or a list; `gateway`: the neighbour reaches all else through this machine."""
        node = self.add_node(fresh=True)
        here, there = ([a] if isinstance(a, str) else a for a in (here, there))
        run("ip", "link", "add", interface, "type", "veth", "peer", "name", "up0", "netns",
            str(node.pid))
        node.run("ip", "link", "set", "lo", "up")
        for who, name, addresses in ((run, interface, here), (node.run, "up0", there)):
            for address in addresses:
                who("ip", "address", "add", address, "dev", name,
                    *(["nodad"] if ":" in address else []))
            who("ip", "link", "set", name, "up")
        # One default route a family, by the first address of it.
        for address in reversed(here) if gateway else []:
            node.run("ip", "-6" if ":" in address else "-4", "route", "replace", "default",
                     "via", address.split("/")[0])
        # The kernel answers for a new IPv6 address only after a random wait of up to 1 s.
        for address in there:
            wait_for(lambda: self.host.ping(address.split("/")[0], 0.1) == "ok", 2)
        return node

    def sysctl(self, name, value):
        self.host.sysctl(name, value)

    def write(self, name, text):
        """Write a file beside the policy; returns its path."""
        path = self.etc / name
        fresh = self.etc / f".{name}.new"
        fresh.write_bytes(text if isinstance(text, bytes) else text.encode())
        fresh.chmod(0o644)
        fresh.rename(path)
        return path

    def start(self, policy=None, ready=True):
        """Start both programs; with `ready` wait until the policy is enforced."""
        if policy is not None:
            self.write("policy.yml", policy)
        self.start_helper()
        self.start_agent(ready)

    def start_helper(self):
        with contextlib.suppress(FileNotFoundError):
            self.helper_path.unlink()
        self.helper.start()
        if not wait_for(self.helper_path.exists):
            raise RuntimeError(f"vigil-helper did not start:\n{self.helper.log}")

    def start_agent(self, ready=True):
        self.agent.start()
        if ready and not wait_for(lambda: self.state_name() == "running", 30):
            raise RuntimeError(f"the policy is not enforced:\n{self.agent.log}")

    def control(self, seconds=60):
        return Control(self.control_path, seconds)

    def call(self, method, parameters=None, seconds=60):
        """Call a method; returns the reply's parameters, or {"error": ..., ...}."""
        control = self.control(seconds)
        try:
            reply = control.call(method, parameters)
        finally:
            control.close()
        if reply is None:
            raise RuntimeError("the agent closed the connection")
        if "error" in reply:
            return {**reply.get("parameters", {}), "error": reply["error"].split(".")[-1]}
        return reply["parameters"]

    def status(self):
        """GetStatus, or None when the agent does not answer."""
        try:
            return self.call("GetStatus")
        except (OSError, RuntimeError):
            return None

    def state_name(self):
        status = self.status()
        return status["state"] if status else "gone"

    def reload(self, policy=None):
        """Write the policy and reload; returns the reply."""
        if policy is not None:
            self.write("policy.yml", policy)
        return self.call("Reload")

    def forget_connections(self):
        """Delete all of conntrack's entries, so that their totals are told."""
        header = struct.pack("=IHHII", 20, 1 << 8 | 2, 1 | 4, 1, 0)  # IPCTNL_MSG_CT_DELETE
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as s:
            s.bind((0, 0))
            s.send(header + struct.pack("=BBH", 0, 0, 0))
            (error,) = struct.unpack_from("=i", s.recv(4096), 16)
            if error:
                raise OSError(-error, os.strerror(-error))

    def checkpoint(self, seconds=8):
        """Wait until what was heard is in the database."""
        return wait_for(lambda: self.status()["flows"]["waiting_rows"] == 0, seconds, 0.2)

    def nft(self, *arguments):
        return run("nft", *arguments)

    def table(self):
        """Vigil's table as nft lists it, without what packets change; "" when absent."""
        return run("nft", "-s", "list", "table", "inet", "vigil", check=False)

    def query(self, sql, *values):
        """Ask the database, as anybody may while the agent writes it."""
        db = sqlite3.connect(f"file:{self.database_path}?mode=ro", uri=True, timeout=5)
        try:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql, values)]
        finally:
            db.close()

    def close(self):
        atexit.unregister(self.close)
        for program in reversed(self.programs):
            program.end(signal.SIGKILL)
        for node in self.nodes:
            with contextlib.suppress(OSError):
                node.end()
        subprocess.run(["umount", "--lazy", self.directory], capture_output=True)
        with contextlib.suppress(OSError):
            self.directory.rmdir()


def main(what, tap, *scenarios):
    """Run the scenarios, or those that the arguments name, and exit as TAP wants it."""
    reason = possible()
    if reason:
        tap.skip(f"{what} on the real kernel", reason)
        sys.exit(tap.end())
    enter()
    for scenario in scenarios:
        if len(sys.argv) == 1 or scenario.__name__ in sys.argv[1:]:
            print(f"# {scenario.__name__.replace('_', ' ')}", flush=True)
            try:
                scenario()
            except Exception as error:
                tap.check(f"{scenario.__name__} ends well", False,
                          f"{error!r}\n{traceback.format_exc()}")
    sys.exit(tap.end())


if __name__ == "__main__" and sys.argv[1:] == ["--node"]:
    node_main()
