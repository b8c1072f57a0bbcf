# SPDX-License-Identifier: GPL-2.0-or-later
"""podman and buildah in a place of their own: namespaces that end with this program, storage
that is in memory. Nothing of the host's containers is seen or touched."""
import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "kernel"))
import lab  # noqa: E402

PLACE = pathlib.Path("/run/vigil-oci")
TOOLS = ("podman", "buildah", "crun", "conmon", "strip")


def impossible():
    """Why there can be no containers here, or an empty string."""
    if os.geteuid() != 0:
        return "needs root: namespaces, mounts and several users"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return f"not installed: {' '.join(missing)} (tests/deps oci)"
    tried = subprocess.run(["unshare", "-n", "-m", "-p", "-f", "--mount-proc", "mount", "-t",
                            "tmpfs", "tmpfs", "/run"], capture_output=True, text=True)
    return tried.stderr.strip()


def pod_cgroups():
    """The directories that podman makes for pods, the deepest first."""
    tops = [*pathlib.Path("/sys/fs/cgroup").glob("libpod_parent"),
            *pathlib.Path("/sys/fs/cgroup").glob("*/libpod_parent")]
    inside = [p for top in tops for p in top.rglob("*") if p.is_dir()]
    return sorted({*tops, *inside}, key=lambda p: len(p.parts), reverse=True)


def remove_cgroups(before):
    """Those that are not in use any more; what a namespace held ends soon after it."""
    def removed():
        for directory in pod_cgroups():
            if directory not in before:
                with contextlib.suppress(OSError):
                    directory.rmdir()
        return set(pod_cgroups()) <= set(before)

    lab.wait_for(removed)


def enter():
    """Run this program again inside fresh network, mount and PID namespaces. All that is
    started there ends when this process does, in whatever way."""
    if os.environ.get(lab.ENTERED):
        lab.enter()
        return
    before = pod_cgroups()
    # A shell as PID 1, to reap what podman leaves behind.
    child = subprocess.Popen(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
         "--propagation", "private", "sh", "-c", '"$@" & wait $!', "sh", sys.executable,
         *sys.argv], env={**os.environ, lab.ENTERED: "root"}, preexec_fn=lab.die_with_parent)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: child.kill())
    code = child.wait()
    remove_cgroups(before)
    sys.exit(code if code >= 0 else 128 - code)


def limit(kind):
    """What this process may give: an engine without CAP_SYS_RESOURCE can't ask for more."""
    hard = resource.getrlimit(kind)[1]
    number = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    return f"{number}:{number}"


def furnish():
    """Memory for all that the engine writes, and a configuration that keeps it there."""
    for path in ("/run", "/dev/shm"):
        lab.run("mount", "-t", "tmpfs", "-o", "mode=0755,size=1g", "tmpfs", path)
    # crun takes no mixture of both versions of cgroups.
    if os.path.ismount("/sys/fs/cgroup/unified"):
        lab.run("umount", "/sys/fs/cgroup/unified")
    for name in ("tmp", "home", "etc"):
        (PLACE / name).mkdir(parents=True)
    (PLACE / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{PLACE}/graph"\nrunroot = "{PLACE}/run"\n')
    (PLACE / "containers.conf").write_text(
        "[containers]\n"
        'log_driver = "k8s-file"\n'
        f'default_ulimits = ["nofile={limit(resource.RLIMIT_NOFILE)}",'
        f' "nproc={limit(resource.RLIMIT_NPROC)}"]\n'
        "[engine]\n"
        'runtime = "crun"\n'
        'cgroup_manager = "cgroupfs"\n'
        'events_logger = "file"\n'
        f'[network]\nnetwork_config_dir = "{PLACE}/networks"\n')
    os.environ |= {
        "CONTAINERS_STORAGE_CONF": str(PLACE / "storage.conf"),
        "CONTAINERS_CONF": str(PLACE / "containers.conf"),
        "TMPDIR": str(PLACE / "tmp"), "HOME": str(PLACE / "home"),
    }


def podman(*words, check=True):
    """Return what it printed."""
    return lab.run("podman", *words, check=check)


def attempt(*words):
    """Return (exit status, output and errors) of podman."""
    done = subprocess.run(["podman", *words], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def inspect(container):
    return json.loads(podman("inspect", container))[0]


def pid_of(container):
    return inspect(container)["State"]["Pid"]


def exit_code(container):
    """Of a container that has ended, or None."""
    state = inspect(container)["State"]
    return None if state["Running"] else state["ExitCode"]


def vigil(*words):
    """The command line in the agent's container: (exit status, output and errors)."""
    return attempt("exec", "vigil-agent", "vigil", *words)
