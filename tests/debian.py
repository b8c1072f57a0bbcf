# SPDX-License-Identifier: GPL-2.0-or-later
"""A throwaway Debian 13 to look at files in, made of the test machines' root.

    import debian
    debian.enter()                 # this process goes on in a mount namespace of its own
    system = debian.System()       # raises debian.Impossible where there can be none
    system.run("dpkg", "--version")

What is written there is gone when the process ends.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[1]
ENTERED = "VIGIL_DEBIAN"
ANALYZE_VERSION = 254  # the first that knows all that the units say


class Impossible(Exception):
    """Why there can be no such system here."""


def enter():
    """Run this program again in a mount namespace of its own, where that can be."""
    if os.geteuid() != 0 or os.environ.get(ENTERED):
        return
    os.environ[ENTERED] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "--",
                          sys.executable, *sys.argv])


def version():
    """Vigil's, as the Makefile says."""
    return re.search(r"^VERSION := (\S+)", (TOP / "Makefile").read_text(), re.M)[1]


def own_systemd():
    """The version of this machine's systemd-analyze, 0 without one."""
    if not shutil.which("systemd-analyze"):
        return 0
    said = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True).stdout
    found = re.match(r"systemd (\d+)", said)
    return int(found[1]) if found else 0


def guest_root(**environment):
    """The path of the Debian 13 root that the test machines are made of."""
    done = subprocess.run([TOP / "tests/vm/root"], capture_output=True, text=True,
                          env={**os.environ, **environment})
    if done.returncode == 77:
        raise Impossible(done.stderr.strip().splitlines()[-1])
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Impossible(f"mount {' '.join(map(str, arguments))}: {done.stderr.strip()}")


class System:
    """The root, with a layer over it that takes what is written."""

    def __init__(self, lower=None):
        if os.geteuid() != 0:
            raise Impossible("only root can chroot")
        lower = lower or guest_root()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="vigil-debian-"))
        try:
            self.furnish(lower)
        except BaseException:
            self.close()
            raise

    def furnish(self, lower):
        mount("-t", "tmpfs", "tmpfs", self.directory)
        upper, work, self.root = (self.directory / n for n in ("upper", "work", "root"))
        for path in (upper, work, self.root):
            path.mkdir()
        mount("-t", "overlay", "overlay", "-o",
              f"lowerdir={lower},upperdir={upper},workdir={work}", self.root)
        mount("-t", "proc", "proc", self.root / "proc")

    def run(self, *command, **environment):
        """What a command in there answers: subprocess.run()'s object, texts in one."""
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return subprocess.run(["chroot", self.root, *map(str, command)], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              env={"PATH": path, "LC_ALL": "C.UTF-8", "HOME": "/root",
                                   "DEBIAN_FRONTEND": "noninteractive", **environment})

    def close(self):
        subprocess.run(["umount", "-R", self.directory], capture_output=True, check=False)
        self.directory.rmdir()


def make(*words):
    """Run make on the tree as it is built, apart from a make that may run this."""
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIGIL_BUILD")}
    done = subprocess.run(["make", "-s", "--no-print-directory", "-C", TOP, *map(str, words)],
                          text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"make {' '.join(map(str, words))}: {done.stdout}")
    return done.stdout
