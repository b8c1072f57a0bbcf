#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A gateway between a home and the Internet, in network namespaces of its own.

The real helper and the real agent enforce examples/home-gateway.yml while neighbours on
both sides send real traffic. As root they have users of their own; as an ordinary user it
all happens in a user namespace. Nothing of this host is changed, and nothing stays behind.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "kernel"))
import lab  # noqa: E402

COLOR = sys.stdout.isatty()


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOR else text


def title(text):
    print(f"\n{paint('1', text)}", flush=True)


class Story:
    """Prints what is tried and what came of it, and remembers whether it went as it should."""

    def __init__(self):
        self.surprises = 0

    def tell(self, what, came, expected):
        good = came == expected
        self.surprises += not good
        mark = paint("32", "as the policy says") if good else paint("31", f"EXPECTED {expected}")
        print(f"  {what:<58} {came:<11} {mark}", flush=True)


def build_neighbourhood(here):
    wan = here.neighbour(
        "eth0",
        ["203.0.113.1/24", "198.51.100.1/24", "2001:db8:ff1::1/64", "2001:db8:bad::1/64"],
        ["203.0.113.9/24", "203.0.113.99/24", "198.51.100.7/24", "2001:db8:ff1::9/64",
         "2001:db8:ff1::99/64", "2001:db8:bad::7/64"])
    lan = here.neighbour("eth1", ["192.168.1.1/24", "fd00:1::1/64"],
                         ["192.168.1.77/24", "192.168.1.10/24", "192.168.1.5/24",
                          "fd00:1::77/64"])
    for where, ports in ((here.host, (22, 80)), (wan, (25, 443)), (lan, (8443,))):
        for port in ports:
            where.serve("tcp", port, answer=20000)
    return wan, lan


def send_traffic(story, wan, lan):
    tell = story.tell
    title("Traffic")
    tell("the office, ssh to the gateway",
         wan.talk("tcp", "203.0.113.1", 22, source="203.0.113.9"), "ok")
    tell("the office, ssh over IPv6",
         wan.talk("tcp", "2001:db8:ff1::1", 22, source="2001:db8:ff1::9"), "ok")
    tell("a stranger, ssh",
         wan.talk("tcp", "203.0.113.1", 22, source="203.0.113.99"), "timeout")
    tell("a stranger, http over IPv6", wan.talk("tcp", "2001:db8:ff1::1", 80), "timeout")
    tell("a banned network, ping",
         wan.ping("203.0.113.1", source="198.51.100.7"), "timeout")
    tell("a banned network, ping over IPv6",
         wan.ping("2001:db8:ff1::1", source="2001:db8:bad::7"), "timeout")
    tell("a stranger, ping", wan.ping("203.0.113.1", source="203.0.113.99"), "ok")
    tell("a stranger, ping over IPv6", wan.ping("2001:db8:ff1::1"), "ok")
    tell("the LAN, https to the Internet", lan.talk("tcp", "203.0.113.9", 443), "ok")
    tell("    where the server sees", wan.last_peer(), "203.0.113.1")
    tell("the LAN, https over IPv6", lan.talk("tcp", "2001:db8:ff1::9", 443), "ok")
    tell("    where the server sees", wan.last_peer(), "2001:db8:ff1::1")
    tell("the LAN, mail to the Internet", lan.talk("tcp", "203.0.113.9", 25), "refused")
    tell("the Internet, https to the gateway, forwarded to the LAN",
         wan.talk("tcp", "203.0.113.1", 443, source="203.0.113.99"), "ok")
    tries = [lan.talk("tcp", "192.168.1.1", 22, seconds=0.3, source="192.168.1.10")
             for _ in range(8)]
    tell("the LAN's admin, ssh 8 times at once, 5 a minute allowed",
         f"{tries.count('ok')} of 8", "5 of 8")


def vigil(here, *words):
    places = ["--run", str(here.run_dir), "--state", str(here.state)]
    return [str(here.directory / "bin" / "vigil"), words[0], *places, *words[1:]]


def show(here, *words):
    width = str(min(shutil.get_terminal_size((100, 40)).columns, 120))
    title(f"$ vigil {' '.join(words)}")
    subprocess.run(vigil(here, *words), check=True, env=dict(os.environ, COLUMNS=width))


def recorded(here):
    """Whether what was seen is in the database, bytes as well: both come in seconds."""
    answer = subprocess.run(vigil(here, "flows", "--json"), capture_output=True, text=True)
    flows = json.loads(answer.stdout)["flows"] if answer.returncode == 0 else []
    return len(flows) >= 12 and any((flow["bytes_in"] or 0) > 10000 for flow in flows)


def demo(here):
    story = Story()
    title("A gateway, a LAN and a WAN, in network namespaces")
    wan, lan = build_neighbourhood(here)
    here.write("bad.txt", (HERE / "bad.txt").read_text())
    here.start((HERE / "home-gateway.yml").read_text())
    print("  vigil-helper and vigil-agent run "
          + ("as users of their own" if here.root else "in a user namespace")
          + " and enforce examples/home-gateway.yml")
    send_traffic(story, wan, lan)
    if not lab.wait_for(lambda: recorded(here), 20):
        story.surprises += 1
        print(paint("31", "  not all flows were recorded"))
    for words in (("status",), ("rules",), ("flows", "--limit", "20"),
                  ("flows", "--denied", "--top", "rule")):
        show(here, *words)
    here.agent.end()
    print()
    if story.surprises:
        print(paint("31", f"{story.surprises} things went otherwise than the policy says"))
        print(here.agent.log, here.helper.log)
    else:
        print("Everything went as the policy says, and nothing of this host was changed.")
    return 1 if story.surprises else 0


def main():
    why_not = lab.possible()
    if why_not:
        sys.exit(f"demo: no namespaces to be had here: {why_not}")
    lab.enter()
    with lab.Lab() as here:
        status = demo(here)
    sys.exit(status)


if __name__ == "__main__":
    main()
