# SPDX-License-Identifier: GPL-2.0-or-later
"""The objects of a NixOS testScript, on Debian guests: same names, same meanings.

The reference is the chapter "Writing Tests" of the NixOS manual. Times differ in one way:
what polls there each second polls here a little more often."""
import base64
import contextlib
import re
import shlex
import shutil
import socket
import time

import guest
import qemu

PAUSE = 0.25            # between two looks
CHUNK_BYTES = 60000     # of a file in one command; bash takes no argument above 128 KiB


class Failure(Exception):
    """A machine did not do what the scenario says."""


def retry(fn, timeout_seconds=900):
    """Call fn(last_try) until it returns true."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if fn(False):
            return
        time.sleep(PAUSE)
    if not fn(True):
        raise Failure(f"not so within {timeout_seconds} seconds")


class Machine:
    def __init__(self, name, node, lab):
        self.name, self.node, self.lab = name, node, lab
        self.folder = f"{lab.folder}/{name}"
        self.qemu, self.connected, self.console_seen = None, False, 0
        guest.prepare(self.folder, name, lab.nodes)

    def log(self, text):
        self.lab.log(f"{self.name}: {text}")

    # --- power --------------------------------------------------------------------------

    @property
    def booted(self):
        return self.qemu is not None

    def start(self, allow_reboot=False):
        """Start, from the snapshot at the first time, and do not wait for it."""
        if self.booted:
            return
        first = not guest.has_disk(self.folder)
        state = self.lab.new_disk(self.folder, self.node) if first else None
        self.log("starts" + (" from the snapshot" if state else ""))
        self.console_seen = guest.console_size(self.folder)
        self.qemu = qemu.Qemu(
            self.lab.image, self.folder, self.lab.accel, guest.memory(self.node),
            macs=guest.macs(self.name, self.lab.nodes),
            ports=[self.lab.hub.attach(vlan) for vlan in self.node["vlans"]],
            state=state, may_reboot=allow_reboot)
        if state:
            # The snapshot's shell waits for a command: it becomes this guest now.
            self.connected = True
            self.succeed(guest.BECOME.format(now=time.time()), timeout=90)

    def connect(self):
        """Wait for the root shell."""
        if self.connected:
            return
        self.start()
        guest.wait_for_shell(self.qemu, self.lab.left())
        self.connected = True

    def gone(self):
        self.qemu.kill()
        self.qemu, self.connected = None, False

    def wait_for_shutdown(self):
        if self.booted:
            self.qemu.process.wait(self.lab.left())
            self.gone()

    def shutdown(self):
        """Power off in good order."""
        if self.booted:
            self.connect()
            self.qemu.shell.send(b"poweroff\n")
            self.wait_for_shutdown()

    def crash(self):
        """Cut the power."""
        if self.booted:
            self.log("loses its power")
            self.qemu.cut()
            self.gone()

    def reboot(self):
        """Press Ctrl+Alt+Del. Only a machine started with allow_reboot comes back."""
        keys = [{"type": "qcode", "data": key} for key in ("ctrl", "alt", "delete")]
        self.qemu.monitor.ask("send-key", keys=keys)
        self.connected = False

    def block(self):
        """Pull the cable of eth1."""
        self.qemu.monitor.ask("set_link", name="eth1", up=False)

    def unblock(self):
        self.qemu.monitor.ask("set_link", name="eth1", up=True)

    # --- commands -----------------------------------------------------------------------

    def line(self, seconds):
        """The next line from the shell."""
        self.qemu.shell.settimeout(min(seconds, self.lab.left()))
        data = bytearray()
        while not data.endswith(b"\n"):
            try:
                part = self.qemu.shell.recv(1 << 16)
            except socket.timeout:
                raise Failure(f"{self.name}: the root shell does not answer") from None
            if not part:
                raise Failure(f"{self.name}: the machine has ended")
            data += part
        return bytes(data)

    def execute(self, command, check_return=True, check_output=True, timeout=900):
        """Run a command in bash with `set -euo pipefail`; return (status, standard output)."""
        self.connect()
        bound = f"timeout {timeout} " if timeout is not None else ""
        script = shlex.quote(f"set -euo pipefail; {command}")
        self.qemu.shell.settimeout(self.lab.left())
        self.qemu.shell.sendall(f"{bound}bash -c {script} | (base64 -w 0; echo)\n".encode())
        if not check_output:
            return -2, ""
        seconds = 3600 if timeout is None else timeout + 30
        output = base64.b64decode(self.line(seconds)).decode(errors="replace")
        if not check_return:
            return -1, output
        self.qemu.shell.sendall(b"echo ${PIPESTATUS[0]}\n")
        status = int(self.line(30))
        self.log(f"{status} <- {command}" + (f"\n{output}" if output else ""))
        return status, output

    def succeed(self, *commands, timeout=None):
        together = ""
        for command in commands:
            status, output = self.execute(command, timeout=timeout)
            if status != 0:
                raise Failure(f"{self.name}: `{command}` failed with {status}\n{output}")
            together += output
        return together

    def fail(self, *commands, timeout=None):
        together = ""
        for command in commands:
            status, output = self.execute(command, timeout=timeout)
            if status == 0:
                raise Failure(f"{self.name}: `{command}` succeeded\n{output}")
            together += output
        return together

    def until(self, command, wanted, timeout):
        last = (0, "")

        def look(_last_try):
            nonlocal last
            last = self.execute(command, timeout=timeout)
            return (last[0] == 0) == wanted
        try:
            retry(look, timeout)
        except Failure:
            raise Failure(f"{self.name}: `{command}` still {'fails' if wanted else 'succeeds'}"
                          f" after {timeout} s, with {last[0]}\n{last[1]}") from None
        return last[1]

    def wait_until_succeeds(self, command, timeout=900):
        return self.until(command, True, timeout)

    def wait_until_fails(self, command, timeout=900):
        return self.until(command, False, timeout)

    def wait_for_file(self, filename, timeout=900):
        self.until(f"test -e {filename}", True, timeout)

    def wait_for_open_port(self, port, addr="localhost", timeout=900):
        self.until(f"nc -z {addr} {port}", True, timeout)

    def wait_for_closed_port(self, port, addr="localhost", timeout=900):
        self.until(f"nc -z {addr} {port}", False, timeout)

    def wait_for_console_text(self, regex, timeout=None):
        """Wait for a match in what the console says since the start, or since the last match."""
        def seen(_last_try):
            with open(f"{self.folder}/console", "rb") as file:
                file.seek(self.console_seen)
                text = file.read()
            match = re.search(regex.encode(), text.replace(b"\r", b""), re.MULTILINE)
            if match:
                self.console_seen += match.end()
            return match
        retry(seen, self.lab.left() if timeout is None else timeout)

    def copy_from_host_via_shell(self, source, target):
        with open(source, "rb") as file:
            data = file.read()
        self.succeed(f"mkdir -p $(dirname {target}) && : >{target}")
        for at in range(0, len(data), CHUNK_BYTES):
            text = base64.b64encode(data[at:at + CHUNK_BYTES]).decode()
            self.succeed(f"echo -n {text} | base64 -d >>{target}")

    # --- systemd ------------------------------------------------------------------------

    def systemctl(self, q):
        return self.execute(f"systemctl {q}")

    def get_unit_info(self, unit):
        status, text = self.systemctl(f'--no-pager show "{unit}"')
        if status != 0:
            raise Failure(f"{self.name}: no information on unit {unit}")
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def get_unit_property(self, unit, name):
        return self.succeed(f'systemctl show "{unit}" --property="{name}" --value').rstrip("\n")

    def require_unit_state(self, unit, require_state="active"):
        state = self.get_unit_property(unit, "ActiveState")
        if state != require_state:
            raise Failure(f"{self.name}: {unit} is {state}, not {require_state}")

    def wait_for_unit(self, unit, timeout=900):
        """Wait until a unit is active; a failed one, or one that nobody starts, is an error."""
        def active(_last_try):
            state = self.get_unit_property(unit, "ActiveState")
            if state == "inactive" and "No jobs" in self.systemctl("list-jobs --full 2>&1")[1]:
                state = self.get_unit_property(unit, "ActiveState")
                if state == "inactive":
                    raise Failure(f"{self.name}: {unit} is inactive, and no job is pending")
            if state == "failed":
                report = self.execute(f"systemctl status --no-pager -n 30 {unit}")[1]
                raise Failure(f"{self.name}: {unit} failed\n{report}")
            return state == "active"
        retry(active, timeout)


class Lab:
    """All machines of a scenario, and what its script sees."""

    def __init__(self, scenario, folder, image, accel, snapshots, hub, tap, seconds):
        self.nodes, self.folder, self.image, self.accel = scenario["nodes"], folder, image, accel
        self.snapshots, self.hub, self.tap = snapshots, hub, tap
        self.deadline = time.monotonic() + seconds
        self.machines = [Machine(name, node, self) for name, node in sorted(self.nodes.items())]

    def log(self, text):
        self.tap.log(text)

    def left(self):
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise Failure("the scenario has used up its time")
        return seconds

    def new_disk(self, folder, node):
        """Give a guest its disk; return the state to begin with, or None for a real boot."""
        if node.get("cold"):
            qemu.overlay(f"{self.image}/root.ext4", "raw", f"{folder}/disk")
            return None
        snapshot = self.snapshots[guest.memory(node)]
        qemu.overlay(f"{snapshot}/disk", "qcow2", f"{folder}/disk")
        return f"{snapshot}/state"

    def start_all(self):
        for machine in self.machines:
            machine.start()

    @contextlib.contextmanager
    def subtest(self, name):
        with self.tap.test(name):
            yield

    def names(self):
        """The global names of a testScript."""
        return {"start_all": self.start_all, "subtest": self.subtest, "retry": retry,
                "machines": self.machines, "log": self.log,
                **{m.name.replace("-", "_"): m for m in self.machines}}

    def close(self, keep):
        """End all guests; leave their consoles in `keep`."""
        for machine in self.machines:
            if machine.booted:
                machine.gone()
            for kind in ("console", "qemu.log"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copy(f"{machine.folder}/{kind}", f"{keep}-{machine.name}.{kind}")
        self.hub.close()
