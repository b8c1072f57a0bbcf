# SPDX-License-Identifier: GPL-2.0-or-later
"""A laboratory: hosts in network namespaces of its own, the real helper and the real agent.

    import lab

    def scenario(here):
        wan = here.neighbour("wan", "eth0", ["192.0.2.1/24"], ["192.0.2.9/24"])
        here.start_helper()
        here.start_agent(policy_text)
        here.tap.check(wan.connect("192.0.2.1", 22) == "open", "lets ssh in")

    lab.main(scenario)

The program runs itself again in fresh network and mount namespaces (as an ordinary user
also in a user namespace), so nothing of the host is touched. `here` is the gateway: the
namespace itself. All processes started end with it.
"""
import ctypes
import errno
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HELPER_UID = 64000
AGENT_UID = 64001
BUILD = pathlib.Path(os.environ.get("VIGIL_BUILD", "build")).resolve()
WITHIN = "VIGIL_LAB"  # set in the process that is inside the namespaces
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def enter():
    """Return once inside fresh namespaces; the first time this replaces the process."""
    if WITHIN in os.environ:
        return
    command = ["unshare", "--net", "--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        command += ["--user", f"--map-user={HELPER_UID}", f"--map-group={HELPER_UID}",
                    "--keep-caps"]
    os.environ[WITHIN] = "root" if os.geteuid() == 0 else "user"
    os.execvp(command[0], command + [sys.executable, *sys.argv])


def as_root():
    """Whether the helper and the agent can have users of their own."""
    return os.environ.get(WITHIN) == "root"


def sh(*words, check=True, **options):
    """Run a command and return its output; quiet unless it fails."""
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True,
                          timeout=60, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.returncode}: "
                           f"{done.stdout}{done.stderr}")
    return done.stdout


def until(condition, seconds=10.0, every=0.05):
    """Wait until condition() is true; return its last value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


class Tap:
    """Results in the Test Anything Protocol."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, good, name, detail=""):
        self.passed += bool(good)
        self.failed += not good
        number = self.passed + self.failed + self.skipped
        print(f"{'ok' if good else 'not ok'} {number} - {name}", flush=True)
        if not good and detail != "":
            for line in str(detail).splitlines():
                print(f"# {line}", flush=True)
        return bool(good)

    def equal(self, have, want, name):
        return self.check(have == want, name, f"have {have!r}\nwant {want!r}")

    def skip(self, name, why):
        self.skipped += 1
        print(f"ok {self.passed + self.failed + self.skipped} - {name} # SKIP {why}",
              flush=True)

    def finish(self):
        print(f"1..{self.passed + self.failed + self.skipped}")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


class Host:
    """A network namespace. Functions run in it in a child process of their own."""

    def __init__(self, lab, pid):
        self.lab = lab
        self.pid = pid  # of a process that is in the namespace

    def _child(self, function, arguments, write_fd):
        try:
            if self.pid:
                fd = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
                if libc.setns(fd, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            reply = {"value": function(*arguments)}
        except BaseException as error:  # the parent raises it again
            reply = {"error": f"{type(error).__name__}: {error}"}
        os.write(write_fd, json.dumps(reply).encode())
        os._exit(0)

    def begin(self, function, *arguments):
        """Start function(*arguments) in this namespace; end() or join() what is returned."""
        read_fd, write_fd = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.close(read_fd)
            self._child(function, arguments, write_fd)
        os.close(write_fd)
        return self.lab.keep(Task(pid, read_fd))

    def run(self, function, *arguments):
        """The JSON-able value of function(*arguments), run in this namespace."""
        return self.begin(function, *arguments).join()

    def sh(self, *words, **options):
        inside = ["nsenter", f"--net=/proc/{self.pid}/ns/net"] if self.pid else []
        return sh(*inside, *words, **options)

    def connect(self, address, port, seconds=0.7, source=None, send=b""):
        """'open', 'refused', 'prohibited', 'timeout' or the name of another error."""
        return self.run(connect, address, port, seconds, source, send)

    def listen(self, port, address="::", echo=True):
        """A TCP server that echoes and closes. Ready when this returns."""
        task = self.begin(serve_tcp, address, port, echo)
        until(lambda: f":{port} " in self.sh("ss", "-Hltn") + " ", 5)
        return task

    def send_udp(self, address, port, payload=b"x", count=1, source=None):
        return self.run(send_udp, address, port, payload, count, source)

    def ping(self, address, seconds=1):
        """Whether one echo request is answered."""
        return subprocess.run(
            ["nsenter", f"--net=/proc/{self.pid or 'self'}/ns/net", "ping", "-n", "-c1",
             f"-W{seconds}", address], capture_output=True, timeout=10).returncode == 0


class Task:
    def __init__(self, pid, fd):
        self.pid, self.fd = pid, fd

    def join(self, seconds=30):
        signal_end = time.monotonic() + seconds
        data = b""
        os.set_blocking(self.fd, False)
        while time.monotonic() < signal_end:
            try:
                part = os.read(self.fd, 65536)
                if not part:
                    break
                data += part
            except BlockingIOError:
                time.sleep(0.002)
        self.end()
        if not data:
            raise RuntimeError("a task in a namespace ended without an answer")
        reply = json.loads(data)
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["value"]

    def end(self):
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            os.waitpid(self.pid, 0)
            os.close(self.fd)
            self.pid = 0


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def connect(address, port, seconds, source, send):
    names = {errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "prohibited",
             errno.EACCES: "prohibited", errno.ETIMEDOUT: "timeout",
             errno.EAGAIN: "timeout", errno.EINPROGRESS: "timeout"}
    with socket.socket(family_of(address), socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds)
        try:
            if source:
                sock.bind((source, 0))
            sock.connect((address, port))
            if send:
                sock.sendall(send)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
            return "open"
        except TimeoutError:
            return "timeout"
        except OSError as error:
            return names.get(error.errno, errno.errorcode.get(error.errno, str(error)))


def serve_tcp(address, port, echo):
    server = socket.socket(family_of(address), socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in address:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind((address, port))
    server.listen(256)
    while True:
        peer, _ = server.accept()
        peer.settimeout(1)
        try:
            while echo and (data := peer.recv(65536)):
                peer.sendall(data)
        except OSError:
            pass
        peer.close()


def send_udp(address, port, payload, count, source):
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
        if source:
            sock.bind((source, 0))
        sent = 0
        for _ in range(count):
            try:
                sock.sendto(payload, (address, port))
                sent += 1
            except OSError:
                pass
        return sent


class Notify:
    """The manager's end of sd_notify(3): remembers what the service said."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        os.chmod(path, 0o777)
        self.socket.setblocking(False)
        self.lines = []
        self.descriptors = {}  # FDNAME to descriptor

    def read(self):
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self.socket, 65536, 16)
            except BlockingIOError:
                return self.lines
            said = data.decode().splitlines()
            self.lines += said
            self.store(said, fds)

    def store(self, said, fds):
        name = next((s[7:] for s in said if s.startswith("FDNAME=")), "stored")
        if "FDSTOREREMOVE=1" in said and name in self.descriptors:
            os.close(self.descriptors.pop(name))
        for fd in fds:
            if "FDSTORE=1" in said and name not in self.descriptors:
                self.descriptors[name] = fd
            else:
                os.close(fd)

    def wait(self, line, seconds=15):
        return until(lambda: line in self.read(), seconds)

    def forget(self):
        self.read()
        self.lines = []

    def status(self):
        said = [s[7:] for s in self.read() if s.startswith("STATUS=")]
        return said[-1] if said else ""


class Lab(Host):
    """The gateway's namespace, with the product in it."""

    def __init__(self):
        super().__init__(self, 0)
        self.tap = Tap()
        self.tasks = []
        self.children = []
        self.helper = self.agent = self.notify = None
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="vigil-lab-"))
        self.home.chmod(0o755)
        self.run_dir, self.state_dir, self.bin = (self.home / n for n in ("run", "state", "bin"))
        self.policy = self.home / "policy.yml"
        for folder in (self.run_dir, self.state_dir, self.bin):
            folder.mkdir()
        # The checkout may be where other users can't go; what they run stands here.
        for program in ("vigil", "vigil-agent", "vigil-helper"):
            if (BUILD / program).exists():
                shutil.copy(BUILD / program, self.bin)
        self.own(self.run_dir, HELPER_UID, AGENT_UID, 0o770)
        self.own(self.state_dir, AGENT_UID, AGENT_UID, 0o700)
        self.sh("ip", "link", "set", "lo", "up")

    @staticmethod
    def own(path, uid, gid, mode):
        if as_root():
            os.chown(path, uid, gid)
        os.chmod(path, mode)

    def keep(self, task):
        self.tasks.append(task)
        return task

    def sysctl(self, name, value):
        """Set a sysctl of this namespace. Return whether the kernel let us."""
        try:
            pathlib.Path("/proc/sys", *name.split(".")).write_text(f"{value}\n")
            return True
        except OSError:
            return False

    def neighbour(self, name, interface, ours, theirs, gateway=True):
        """A host on a link of its own: our end is called `interface`, its own `eth0`."""
        holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self.children.append(holder)
        host = Host(self, holder.pid)
        own = os.readlink("/proc/self/ns/net")
        until(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != own)
        self.sh("ip", "link", "add", interface, "type", "veth", "peer", "name", "eth0",
                "netns", holder.pid)
        for where, link, addresses in ((self, interface, ours), (host, "eth0", theirs)):
            for address in addresses:
                nodad = ["nodad"] if ":" in address else []
                where.sh("ip", "address", "add", address, "dev", link, *nodad)
            where.sh("ip", "link", "set", link, "up")
        host.sh("ip", "link", "set", "lo", "up")
        for address in ours if gateway else []:
            version = "-6" if ":" in address else "-4"
            host.sh("ip", version, "route", "add", "default", "via", address.split("/")[0])
        return host

    def become(self, uid, capabilities):
        """Words that start a program as `uid` with these capabilities alone."""
        caps = "-all" + "".join(f",+{c}" for c in capabilities)
        user = [f"--reuid={uid}", f"--regid={AGENT_UID}", "--clear-groups"] if as_root() else []
        return ["setpriv", *user, f"--bounding-set={caps}", f"--inh-caps={caps}", f"--ambient-caps={caps}"]

    def start(self, words, log, **options):
        with open(self.home / log, "ab") as output:
            child = subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL,
                                     stdout=output, stderr=output, **options)
        self.children.append(child)
        return child

    def start_helper(self):
        socket_path = self.run_dir / "helper.sock"
        socket_path.unlink(missing_ok=True)
        self.helper = self.start([*self.become(HELPER_UID, ["net_admin"]),
                                  self.bin / "vigil-helper", "--listen", socket_path],
                                 "helper.log")
        if not until(socket_path.exists):
            raise RuntimeError("the helper made no socket:\n" + self.log("helper.log"))
        return self.helper

    def write_policy(self, text):
        self.policy.write_text(text)
        self.policy.chmod(0o644)

    def start_agent(self, policy=None, ready=True, pass_descriptors=False):
        """Start the agent; pass_descriptors gives back what it stored, as a manager would."""
        if policy is not None:
            self.write_policy(policy)
        stored = {}
        if self.notify and pass_descriptors:
            # High numbers, so that none stands where the agent expects another.
            stored = {name: fcntl.fcntl(fd, fcntl.F_DUPFD, 100)
                      for name, fd in self.notify.descriptors.items()}
        path = self.home / "notify"
        if self.notify:
            self.notify.socket.close()
            path.unlink()
        self.notify = Notify(path)
        environment = dict(os.environ, NOTIFY_SOCKET=str(path))
        self.agent = self.start(
            [*listen_fds(stored), *self.become(AGENT_UID, []), self.bin / "vigil-agent",
             "--policy", self.policy, "--state", self.state_dir, "--run", self.run_dir],
            "agent.log", env=environment, pass_fds=tuple(stored.values()))
        self.notify.descriptors.update(stored)  # kept here as well, as a manager does
        if ready and not self.notify.wait("READY=1"):
            raise RuntimeError("the agent is not ready:\n" + self.log("agent.log")
                               + self.log("helper.log"))
        return self.agent

    def log(self, name):
        path = self.home / name
        return path.read_text(errors="replace") if path.exists() else ""

    def vigil(self, *words, check=True, own_dirs=True):
        """The command line against this agent and its state."""
        places = ["--run", self.run_dir, "--state", self.state_dir] if own_dirs else []
        return sh(self.bin / "vigil", words[0], *places, *words[1:], check=check)

    def vigil_json(self, *words):
        return json.loads(self.vigil(*words, "--json"))

    def reload(self):
        self.notify.forget()
        self.agent.send_signal(signal.SIGHUP)
        return self.notify.wait("READY=1")

    def stop(self, child, number=signal.SIGTERM):
        child.send_signal(number)
        return child.wait(timeout=20)

    def close(self):
        for task in self.tasks:
            task.end()
        for child in reversed(self.children):
            if child.poll() is None:
                child.kill()
            child.wait()
        shutil.rmtree(self.home, ignore_errors=True)


def listen_fds(stored):
    """Words that pass descriptors by the rules of sd_listen_fds(3)."""
    if not stored:
        return []
    moves = " ".join(f"{3 + i}<&{fd}" for i, fd in enumerate(stored.values()))
    names = ":".join(stored)
    return ["bash", "-c", f'export LISTEN_FDS={len(stored)} LISTEN_FDNAMES={names} '
            f'LISTEN_PID=$$; exec "$@" {moves}', "bash"]


def main(*scenarios):
    """Run each scenario in a laboratory of its own and exit as TAP wants."""
    enter()
    tap = Tap()
    for scenario in scenarios:
        here = Lab()
        here.tap = tap
        try:
            scenario(here)
        except Exception:
            tap.check(False, f"{scenario.__name__} runs to its end",
                      traceback.format_exc() + here.log("agent.log")[-4000:]
                      + here.log("helper.log")[-2000:])
        finally:
            here.close()
        renew()
    sys.exit(tap.finish())


def renew():
    """Leave the namespace with what the scenario left in it for a fresh one."""
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
