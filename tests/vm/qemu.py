# SPDX-License-Identifier: GPL-2.0-or-later
"""One QEMU process: its command line, its monitor, its snapshot, and its end."""
import contextlib
import glob
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time

CONFIG_BYTES = 32 << 20     # the disk with a guest's own files; its size is the snapshot's
CARDS = 3                   # eth1 to eth3, the same for all guests for the snapshot's sake
CMDLINE = ("console=ttyS0 net.ifnames=0 loglevel=4 panic=-1 mitigations=off nokaslr "
           "systemd.show_status=0 lsm=landlock,yama")

# QEMU 7.2 loses flags when an interrupt follows cmpxchg16b, and the guest's kernel dies of it.
EMULATED_CPU = "max,-la57,-cx16"


def accelerator(image):
    """KVM where a kernel really starts with it, TCG elsewhere."""
    known = os.path.join(image, "accelerator")
    if os.path.exists(known):
        with open(known, encoding="ascii") as file:
            return file.read()
    found = "kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) and starts(image) else "tcg"
    with open(known + ".tmp", "w", encoding="ascii") as file:
        file.write(found)
    os.rename(known + ".tmp", known)
    return found


def starts(image):
    """Whether KVM gets a kernel to the line that the initrd prints when asked for it."""
    try:
        probe = subprocess.run(
            [*program("kvm", 256), "-kernel", f"{image}/vmlinuz", "-initrd", f"{image}/initrd",
             "-append", f"{CMDLINE} vigil.probe", "-serial", "stdio"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return False
    return b"this accelerator works" in probe.stdout


def program(accel, memory):
    # The guest ends with us, however we end.
    return ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-machine", "pc",
            "-accel", "kvm" if accel == "kvm" else "tcg,thread=multi",
            "-cpu", "host" if accel == "kvm" else EMULATED_CPU, "-m", str(memory), "-smp", "1",
            "-nodefaults", "-display", "none", "-no-user-config"]


def overlay(backing, kind, path):
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b",
                    os.path.abspath(backing), path], check=True)


class Monitor:
    """QEMU's machine protocol: a line of JSON there, a line back, events passed over."""

    def __init__(self, sock):
        sock.settimeout(30)
        self.file = sock.makefile("rw", encoding="utf-8")
        self.read()
        self.ask("qmp_capabilities")

    def read(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("QEMU has ended")
        return json.loads(line)

    def ask(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = self.read()
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")


class Qemu:
    """A running guest. `ports` are the hub's ends for eth1 and so on."""

    def __init__(self, image, folder, accel, memory, macs=(), ports=(), state=None, words="",
                 may_reboot=False):
        shell, shell_theirs = socket.socketpair()
        monitor, monitor_theirs = socket.socketpair()
        self.folder, self.shell = folder, shell
        passed = [shell_theirs, monitor_theirs, *ports]
        arguments = program(accel, memory) + [
            "-kernel", f"{image}/vmlinuz", "-initrd", f"{image}/initrd",
            "-append", f"{CMDLINE} {words}",
            "-drive", f"file={folder}/disk,if=virtio,format=qcow2,cache=unsafe",
            "-drive", f"file={folder}/config,if=virtio,format=raw,readonly=on",
            "-chardev", f"file,id=console,path={folder}/console,append=on",
            "-serial", "chardev:console",
            "-chardev", f"socket,id=monitor,fd={monitor_theirs.fileno()}",
            "-mon", "chardev=monitor,mode=control",
            "-chardev", f"socket,id=shell,fd={shell_theirs.fileno()}",
            "-device", "virtio-serial-pci", "-device", "virtconsole,chardev=shell",
            "-device", "virtio-rng-pci", "-netdev", "hubport,id=dummy,hubid=0",
            "-device", "virtio-net-pci,netdev=dummy,romfile="]
        for k in range(1, CARDS + 1):
            net = f"stream,id=net{k},addr.type=fd,addr.str={ports[k - 1].fileno()}" \
                if k <= len(ports) else f"hubport,id=net{k},hubid={k}"
            mac = f",mac={macs[k - 1]}" if k <= len(macs) else ""
            arguments += ["-netdev", net, "-device",
                          f"virtio-net-pci,id=eth{k},netdev=net{k},romfile={mac}"]
        if not may_reboot:
            arguments += ["-no-reboot"]
        if state:
            arguments += ["-incoming", f"exec:cat {state}"]
        with open(f"{folder}/qemu.log", "ab") as log:
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[s.fileno() for s in passed])
        for sock in passed:
            sock.close()
        self.monitor = Monitor(monitor)
        if state:
            self.arrive()

    def arrive(self, seconds=60):
        """Wait until the snapshot is loaded, and let it run."""
        deadline = time.monotonic() + seconds
        while self.monitor.ask("query-status")["status"] == "inmigrate":
            if time.monotonic() > deadline:
                raise TimeoutError("the snapshot does not load")
            time.sleep(0.05)
        self.monitor.ask("cont")

    def depart(self, path, seconds=60):
        """Write the machine's state to a file, and end."""
        self.monitor.ask("stop")
        self.monitor.ask("migrate-set-parameters", **{"max-bandwidth": 10 << 30})
        self.monitor.ask("migrate", uri=f"exec:cat >{path}")
        deadline = time.monotonic() + seconds
        while (status := self.monitor.ask("query-migrate").get("status")) != "completed":
            if status == "failed" or time.monotonic() > deadline:
                raise RuntimeError(f"the snapshot is not written: {status}")
            time.sleep(0.05)
        self.monitor.ask("quit")
        self.process.wait(30)

    def cut(self):
        """Lose the power: what the guest's disk was given stays, and nothing else."""
        with contextlib.suppress(OSError, ValueError, RuntimeError,
                                 subprocess.TimeoutExpired):
            self.monitor.ask("quit")
            self.process.wait(30)
        self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        self.shell.close()


def snapshot(image, accel, memory, prepare):
    """Return the folder with disk and state of a booted guest. Made at the first call, under
    the caller's lock; `prepare(qemu)` waits until it has booted."""
    version = subprocess.run(["qemu-system-x86_64", "--version"], stdout=subprocess.PIPE,
                             check=True).stdout
    with open(__file__, "rb") as file:
        version += file.read()
    key = hashlib.sha256(version).hexdigest()[:8]
    folder = f"{image}/{accel}-{memory}-{key}"
    if os.path.isdir(folder):
        return folder
    for old in glob.glob(f"{image}/{accel}-{memory}-*"):
        shutil.rmtree(old)
    making = f"{folder}.tmp"        # stays, with its console, where this fails
    os.mkdir(making)
    overlay(f"{image}/root.ext4", "raw", f"{making}/disk")
    with open(f"{making}/config", "wb") as file:
        file.truncate(CONFIG_BYTES)
    qemu = Qemu(image, making, accel, memory, words="vigil.template")
    try:
        prepare(qemu)
        qemu.depart(f"{making}/state")
    finally:
        qemu.kill()
    os.rename(making, folder)
    return folder
