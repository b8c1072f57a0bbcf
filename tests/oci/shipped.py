# SPDX-License-Identifier: GPL-2.0-or-later
"""What oci/ ships beside the images: files for podman's units and for compose."""
import os
import pathlib
import re
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "kernel")]
import debian  # noqa: E402
import lab  # noqa: E402

OCI = lab.ROOT / "oci"


def find_quadlet():
    """(words before a command, where that sees the host's /run), of a system that has quadlet;
    or why there is none."""
    own = pathlib.Path("/usr/libexec/podman/quadlet")
    if own.exists():
        return [], "/run", ""
    if os.environ.get("VM") == "0":
        return [], "", "this podman has no quadlet, and VM=0 asks for no other system"
    try:
        # engine.furnish() gave this process another home, and so another cache.
        root = debian.guest_root(HOME=os.path.expanduser("~root"))
    except debian.Impossible as why:
        return [], "", str(why)
    lab.run("mount", "-t", "tmpfs", "tmpfs", f"{root}/run")
    lab.run("mount", "-t", "proc", "proc", f"{root}/proc")
    return ["chroot", root], f"{root}/run", ""


def options_of(unit):
    """What podman is told by a unit that quadlet made."""
    return re.search(r"^ExecStart=(.*)$", unit, re.M)[1].split()


def judge_options(tap, units):
    both = {"--read-only", "--read-only-tmpfs=false", "--security-opt=no-new-privileges"}
    helper, agent = (options_of(units[f"vigil-{n}.service"]) for n in ("helper", "agent"))
    tap.check("the helper gets the host's network and CAP_NET_ADMIN alone",
              both <= set(helper) and "--network host --cap-drop all --cap-add cap_net_admin" in
              " ".join(w for w in helper if w not in both | {"--sdnotify=conmon", "-d"}), helper)
    tap.check("the agent gets no network and no capability",
              both <= set(agent) and "--network none" in " ".join(agent) and
              "--cap-drop all" in " ".join(agent) and "--cap-add" not in agent, agent)
    tap.check("the agent is started when the policy is in force",
              "--sdnotify=container" in agent and "Type=notify" in units["vigil-agent.service"])


# As cloud-init has one: the network has to be up before the system is.
EARLY = """[Unit]
DefaultDependencies=no
Wants=network-pre.target
After=network-pre.target
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/true
"""


def quadlet(tap):
    before, run, why = find_quadlet()
    if why:
        tap.skip("quadlet takes the files", why)
        return
    place = pathlib.Path(run, "vigil-quadlet")
    for name in ("in", "out"):
        (place / name).mkdir(parents=True)
    for path in (OCI / "quadlet").iterdir():
        (place / "in" / path.name).write_text(path.read_text())
    env = [*before, "env", "QUADLET_UNIT_DIRS=/run/vigil-quadlet/in"]
    done = subprocess.run([*env, "/usr/libexec/podman/quadlet", "/run/vigil-quadlet/out"],
                          capture_output=True, text=True)
    units = {p.name: p.read_text() for p in (place / "out").glob("*.service")}
    tap.check("quadlet takes the files", done.returncode == 0 and sorted(units) == [
        "vigil-agent.service", "vigil-helper.service", "vigil-run-volume.service",
        "vigil-state-volume.service"], done.stderr)
    verify = [*before, "env", "SYSTEMD_UNIT_PATH=/run/vigil-quadlet/out:", "systemd-analyze",
              "verify", "--man=no"]
    done = subprocess.run([*verify, *(f"/run/vigil-quadlet/out/{name}" for name in units)],
                          capture_output=True, text=True)
    tap.check("systemd finds no fault with the units",
              done.returncode == 0 and not done.stderr, done.stderr)
    (place / "out" / "early.service").write_text(EARLY)
    (place / "out" / "all.target").write_text(
        "[Unit]\nWants=early.service sysinit.target vigil-helper.service vigil-agent.service\n")
    done = subprocess.run([*verify, "/run/vigil-quadlet/out/all.target"], capture_output=True,
                          text=True)
    tap.check("they don't wait for what may wait for the network", "cycle" not in done.stderr,
              done.stderr)
    tap.check("nothing of it waits for the network",
              not any(re.search(r"^(After|Wants|Requires)=.*network-online", unit, re.M)
                      for unit in units.values()))
    tap.check("neither is given up after some failures", all(
        "StartLimitIntervalSec=0" in units[f"vigil-{n}.service"] for n in ("helper", "agent")))
    judge_options(tap, units)


def compose(tap):
    path = OCI / "compose.yml"
    tool = next(([*tool, "-f", path, "config"] for tool in (["docker-compose"], ["docker", "compose"])
                 if not subprocess.run(["which", tool[0]], capture_output=True).returncode), None)
    if not tool:
        tap.skip("docker-compose takes the file", "docker-compose is not installed")
        return
    done = subprocess.run(tool, capture_output=True, text=True)
    services = dict(re.findall(r"^  (agent|helper):\n((?:    .*\n)+)", done.stdout, re.M))
    if not tap.check("docker-compose takes the file",
                     done.returncode == 0 and len(services) == 2, done.stderr or done.stdout):
        return
    # As "key: value" and "key: value value", in the order of the keys.
    agent, helper = (re.sub(r"\n\s+- (\S+)", r" \1", services[name]) for name in
                     ("agent", "helper"))
    tap.check("the file gives the agent neither a capability nor a network",
              "cap_drop: ALL\n" in agent and "cap_add" not in agent and
              "network_mode: none\n" in agent and
              "security_opt: no-new-privileges:true\n" in agent, agent)
    tap.check("the file gives the helper the host's network and CAP_NET_ADMIN alone",
              "cap_drop: ALL\n" in helper and "cap_add: NET_ADMIN\n" in helper and
              "network_mode: host\n" in helper and "security_opt" not in helper, helper)
