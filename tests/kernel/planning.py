#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What vigil plan says of its packets is what vigil explain sees, under the old policy and the new."""
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap

import cli
import lab

GOLDEN = lab.ROOT / "tests" / "golden" / "plan"
EXAMPLES = lab.ROOT / "examples"
EACH_MAX = 6  # packets of a pair of examples


class Planner(cli.Cli):
    def plan(self, old, new, *options):
        return json.loads(self.call("plan", "--json", *options, old, new).stdout)

    def explain(self, policy, words):
        done = self.call("explain", "--json", *words, "--policy", policy)
        return done.returncode, json.loads(done.stdout) if done.stdout else cli.seen(done)

    def explain_old(self, policy, witness):
        """As the old policy sees it: its zones may not know an interface, and what it
        forwards may be something else."""
        packet, *options = witness["explain"]
        options = dict(zip(options[::2], options[1::2]))
        ways = [[name, "none"] if name else ["none"] if side == "out" else []
                for side, name in (("in", witness["in"]), ("out", witness["out"]))]
        to_host = witness["direction"] == "input"
        for came, went in itertools.product(*(way + [None] for way in ways)):
            if went is None and not to_host and witness["out"]:
                continue
            words = [packet] + [w for key, value in (("--in", came), ("--out", went),
                                                     ("--at", options.get("--at")))
                                if value for w in (key, value)]
            code, answer = self.explain(policy, words)
            if code != 2:
                return code, answer
        return code, answer


def told(answer):
    return (answer["rule"], answer["verdict"]) if isinstance(answer, dict) else answer


def confirm(see, name, old, new, changes):
    """Return: of how many packets both were tried."""
    wrong, tried = [], 0
    for change in changes:
        witness = {**change["witness"], "direction": change["direction"]}
        if witness["explain"] is None:
            continue
        tried += 1
        for which, (_, answer) in (("now", see.explain(new, witness["explain"])),
                                   ("before", see.explain_old(old, witness))):
            planned = change[which]["id"], change[which]["verdict"]
            if told(answer) != planned:
                wrong.append((which, witness["explain"], planned, told(answer), answer))
    see.tap.check(f"{name}: {tried} packets fare as planned, before and now", not wrong, wrong)
    return tried


def golden(see):
    tried, untold = 0, []
    for old in sorted(GOLDEN.glob("*.old.yml")):
        name = old.name.removesuffix(".old.yml")
        new = GOLDEN / f"{name}.new.yml"
        traffic = see.plan(old, new, "--all")["traffic"]
        if traffic:
            tried += confirm(see, name, old, new, traffic)
        untold += [w for change in traffic if not (w := change["witness"])["explain"]]
    see.tap.check("all but those of lists that can't be read were tried",
                  tried >= 35 and all(w["unknown_feed"] for w in untold), (tried, untold))


def examples(see):
    files = sorted(EXAMPLES.glob("*.yml"))
    tried = 0
    for old, new in zip(files, files[1:] + files[:1]):
        traffic = see.plan(old, new)["traffic"]
        step = len(traffic) // EACH_MAX + 1
        tried += confirm(see, f"{old.stem} becomes {new.stem}", old, new, traffic[::step])
    see.tap.check("enough of the examples' were tried", tried >= 3 * len(files), tried)


def as_printed(see):
    """The line below a box, given to a shell."""
    old, new = GOLDEN / "limits.old.yml", see.machine.directory / "it's new.yml"
    new.write_text((GOLDEN / "limits.new.yml").read_text())
    lines = see.call("plan", old, new).stdout.splitlines()
    boxes = [(above, shlex.split(line)) for above, line in zip(lines, lines[1:])
             if line.startswith("      vigil explain ")]
    see.tap.equal("each box has a command below it", len(boxes), 4)
    for above, words in boxes:
        done = see.call(*words[1:])
        who = above.split("(")[-1].split(",")[0].removeprefix("rule ")
        see.tap.check(f"a shell runs it, and it shows who decides: {who}", done.returncode == 0
                      and f"\nRule     {who}\n" in done.stdout, cli.seen(done))


def documented(see):
    """The example of the README, command by command."""
    part = (lab.ROOT / "README.md").read_text().split("<!-- change -->\n")[1]
    policy = re.match(r"```yaml\n(.*?)```", part, re.S)[1]
    shown = textwrap.dedent(re.search(r"^    \$ .*?(?=^\S)", part, re.M | re.S)[0]).rstrip() + "\n"
    lines = {sign: re.findall(rf"^{sign} (.*)$", shown, re.M) for sign in "<>"}
    new = policy.replace("\n".join(lines["<"]), "\n".join(lines[">"]))
    see.machine.write("policy.yml", policy)
    see.machine.write("new.yml", new)
    path = f"{see.program.parent}:{os.environ['PATH']}"
    again = ""
    for command in re.findall(r"^\$ (.*)$", shown, re.M):
        done = subprocess.run(command, shell=True, cwd=see.machine.etc, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "PATH": path})
        again += f"$ {command}\n{done.stdout}"
    see.tap.equal("the README shows what its commands print", again, shown)


def main():
    tap = lab.Tap()
    why_not = lab.possible()
    if why_not:
        tap.skip("plans confirmed", f"no namespaces here: {why_not}")
        return tap.end()
    lab.enter()
    with lab.Lab() as machine:
        see = Planner(machine, tap)
        for scenario in (golden, examples, as_printed, documented):
            scenario(see)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
