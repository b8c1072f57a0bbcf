#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line as people use it: policies tried on this kernel, and a living agent."""
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import lab

MAN = lab.ROOT / "man"
GOOD = """\
version: 1
zones: {wan: [eth0], lan: [eth1, "br-*"]}
groups: {ops: [192.0.2.0/28, 2001:db8:7::/48]}
feeds: {bad: {file: bad.txt}}
ban: [bad]
rules:
  - {id: ssh, from: {zone: wan, group: ops}, to: host, allow: ssh, limit: {rate: 5/minute}}
  - {id: web, from: any, to: host, allow: {tcp: [80, 443]}}
  - {id: office, from: lan, to: wan, allow: all,
     time: {days: [mon, tue], from: "08:00", to: "17:00"}}
  - {id: quiet, from: wan, to: host, reject: {udp: 137-139}}
nat:
  - masquerade: {from: lan, to: wan}
  - forward: {id: nas, from: wan, tcp: 8443, to: "10.0.1.5:443"}
"""
BAD = """\
version: 1
zones: {wan: [eth0]}
rules:
  - id: ssh
    from: wann
    to: host
    allow: ssh
  - id: web
    from: wan
    to: host
    allow: {tcp: 70000}
"""
TIMEOUT = 60


class Cli:
    """Calls of vigil, with what they left."""

    def __init__(self, machine, tap):
        self.machine, self.tap = machine, tap
        self.program = machine.directory / "bin" / "vigil"
        self.agent = ["--run", str(machine.run_dir), "--state", str(machine.state)]

    def call(self, *words, user=False, before=(), stdin="", **environment):
        prefix = list(before)
        if user and self.machine.root:
            prefix += ["setpriv", f"--reuid={lab.OTHER_UID}", f"--regid={lab.OTHER_UID}",
                       "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--"]
        env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
        return subprocess.run([*prefix, self.program, *map(str, words)], input=stdin, text=True,
                              capture_output=True, timeout=TIMEOUT, env={**env, **environment})

    def ask(self, *words, **options):
        return self.call(words[0], *self.agent, *words[1:], **options)

    def json(self, *words, **options):
        return json.loads(self.ask(*words, "--json", **options).stdout)


def seen(done):
    return f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"


# --- without an agent --------------------------------------------------------------------------


def usage(cli, tap):
    done = cli.call()
    tap.check("vigil alone shows its usage and exits with 2",
              done.returncode == 2 and done.stdout.startswith("Usage: vigil"), seen(done))
    done = cli.call("--help")
    tap.check("--help shows it and exits with 0",
              done.returncode == 0 and "Commands:" in done.stdout, seen(done))
    done = cli.call("chekc")
    tap.check("a misspelt command is named, with what was meant",
              done.returncode == 2 and "did you mean 'check'?" in done.stderr, seen(done))
    done = cli.call("--version")
    tap.check("--version prints it", re.fullmatch(r"vigil \d+\.\d+\.\d+\n", done.stdout),
              seen(done))
    commands = re.findall(r"^  (\w+) {2,}\w", cli.call("help").stdout, re.M)
    bad = [c for c in commands if cli.call("help", c).returncode
           or cli.call(c, "--help").stdout != cli.call("help", c).stdout]
    tap.check("every command has its help", len(commands) >= 9 and not bad, bad)
    with open("/dev/full", "w") as full:
        done = subprocess.run([cli.program, "help"], stdout=full, stderr=subprocess.PIPE, text=True)
    tap.check("a full disk is an error", done.returncode == 1 and "can't write" in done.stderr)


def check_policies(cli, tap):
    good = cli.machine.write("good.yml", GOOD)
    bad = cli.machine.write("bad.yml", BAD)
    cli.machine.write("bad.txt", "198.51.100.0/24\n2001:db8:bad::/48\n")
    for user in (False, True):
        who = "an ordinary user" if user else "whoever runs the tests"
        done = cli.call("check", good, user=user)
        tap.check(f"check tries a good policy on this kernel, as {who}",
                  done.returncode == 0 and "this kernel takes it" in done.stdout, seen(done))
    done = cli.call("check", bad)
    tap.equal("check reports all errors with place, line and caret, and exits with 1",
              (done.returncode, done.stdout, done.stderr), (1, "", f"""\
{bad}:5:11: error: no zone is named "wann"; did you mean "wan"?
        from: wann
              ^
{bad}:11:18: error: port 70000 is out of range: ports go from 1 to 65535
        allow: {{tcp: 70000}}
                     ^
2 errors
"""))
    done = cli.call("check", "--json", bad)
    answer = json.loads(done.stdout)
    tap.check("check --json lists them", done.returncode == 1 and answer["ok"] is False
              and [f["line"] for f in answer["faults"]] == [5, 11]
              and answer["kernel"] == "not-asked", seen(done))
    done = cli.call("check", "--json", good)
    answer = json.loads(done.stdout)
    tap.check("check --json says that the kernel takes a good one",
              answer["ok"] and answer["kernel"] == "takes" and "problem" not in answer, seen(done))
    done = cli.call("check", "--color=always", bad)
    tap.check("colours when asked for", "\033[" in done.stderr)
    done = cli.call("check", bad)
    tap.check("and none where there is no terminal", "\033[" not in done.stderr)
    done = cli.call("check", "-", stdin=GOOD.replace("feeds: {bad: {file: bad.txt}}\n", "")
                    .replace("ban: [bad]\n", ""))
    tap.check("check reads standard input", done.returncode == 0, seen(done))


def progress(cli, tap):
    policy = cli.machine.write("good.yml", GOOD)
    said = {}
    for term in ("xterm", "dumb", None):
        master, terminal = pty.openpty()
        env = {k: v for k, v in os.environ.items() if k != "TERM"}
        subprocess.run([cli.program, "check", "--no-kernel", policy], stdout=subprocess.DEVNULL,
                       stderr=terminal, timeout=TIMEOUT, env=env | ({"TERM": term} if term else {}))
        os.write(terminal, b"END")
        said[term] = b""
        while not said[term].endswith(b"END"):
            said[term] += os.read(master, 4096)
        os.close(master)
        os.close(terminal)
    tap.check("a person's terminal is told what goes on", b"..." in said["xterm"], said)
    tap.equal("one that erases nothing is not", (said["dumb"], said[None]), (b"END", b"END"))


def check_odd_files(cli, tap):
    for name, path, words in (("a file that is not there", "/nonexistent/policy.yml", "no such file"),
                              ("a directory", cli.machine.etc, "is a directory")):
        done = cli.call("check", path)
        tap.check(f"check says so for {name}", done.returncode == 1 and words in done.stderr
                  and "Traceback" not in done.stderr, seen(done))
    secret = cli.machine.write("secret.yml", GOOD)
    secret.chmod(0o600)
    if cli.machine.root:
        done = cli.call("check", secret, user=True)
        tap.check("check says so for a file that is not ours to read",
                  done.returncode == 1 and "you may not read" in done.stderr, seen(done))
    strange = cli.machine.etc / os.fsdecode(b"p\xff\x1b[31m.yml")
    strange.write_bytes(b"version: 1\n\x1b[2J: \xff\n")
    done = cli.call("check", strange)
    json_done = cli.call("check", "--json", strange)
    tap.check("no control character of a name or a file reaches the terminal",
              done.returncode == 1 and "\x1b" not in done.stderr
              and json.loads(json_done.stdout)["ok"] is False, seen(done))


def check_without_namespaces(cli, tap):
    good = cli.machine.write("good.yml", GOOD)
    # In a user namespace of its own the number of further ones can be limited to none.
    none = ["unshare", "--user", "--map-root-user", "sh", "-c",
            'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh"]
    done = cli.call("check", good, before=none)
    tap.check("where there are no user namespaces it says so and names the way out",
              done.returncode == 1 and "user namespace" in done.stderr
              and "--no-kernel" in done.stderr and done.stderr.count("\n") == 1, seen(done))
    done = cli.call("check", "--no-kernel", good, before=none)
    tap.check("--no-kernel checks the rest there",
              done.returncode == 0 and "not tried" in done.stdout, seen(done))
    elsewhere = cli.machine.directory / "elsewhere.yml"
    elsewhere.write_text("version: 1\nban: [bad]\n"
                         "feeds: {bad: {file: /nowhere/bad.txt, on_error: fail}}\n")
    tap.check("a list that is not here is an error",
              cli.call("check", "--no-kernel", elsewhere).returncode == 1)
    done = cli.call("check", "--no-kernel", "--no-feeds", elsewhere)
    tap.check("--no-feeds checks a policy whose lists are on another machine",
              done.returncode == 0 and "1 feed with 0 ranges" in done.stdout, seen(done))
    alone = cli.machine.directory / "alone"
    alone.mkdir()
    shutil.copy(cli.program, alone / "vigil")
    # Any program that complains and ends: mv without operands.
    shutil.copy(shutil.which("mv"), alone / "vigil-helper")
    done = subprocess.run([alone / "vigil", "check", good], capture_output=True, text=True,
                          timeout=TIMEOUT)
    tap.check("a helper that ends at once is quoted",
              done.returncode == 1 and "--help" in done.stderr, seen(done))


def check_touches_nothing(cli, tap):
    good = cli.machine.write("good.yml", GOOD)
    lab.run("nft", "add", "table", "inet", "other")
    before = lab.run("nft", "list", "ruleset"), lab.run("ip", "-o", "link")
    cli.call("check", good)
    tap.equal("check leaves the rules and interfaces of this host as they are",
              (lab.run("nft", "list", "ruleset"), lab.run("ip", "-o", "link")), before)
    children = pathlib.Path("/proc/self/task", str(os.getpid()), "children")
    known = set(children.read_text().split()) if children.exists() else set()
    cli.call("check", good)
    now = set(children.read_text().split()) if children.exists() else set()
    tap.equal("and no process behind", now - known, set())
    lab.run("nft", "delete", "table", "inet", "other")


def check_examples(cli, tap):
    examples = sorted((lab.ROOT / "examples").glob("*.yml"))
    bad = [(str(e), seen(d)) for e in examples if (d := cli.call("check", e)).returncode]
    tap.check(f"all {len(examples)} examples are taken", examples and not bad, bad)
    page = (MAN / "vigil-policy.5.scd").read_text()
    text = page.split("# EXAMPLE\n")[1].split("```")[1]
    done = cli.call("check", cli.machine.write("page.yml", text))
    tap.check("so is the example of vigil-policy(5)", done.returncode == 0, seen(done))
    nodes = json.loads((lab.ROOT / "tests/vm/neighbours.json").read_text())["nodes"]
    there = cli.machine.write("there.yml", json.dumps(nodes["gateway"]["policy"]))
    text = (lab.ROOT / "examples/container-host.yml").read_text().replace("net: eth0", "net: eth1")
    here = cli.machine.write("here.yml", text)
    tap.check("the guests of tests/vm try the example for container hosts as it stands",
              (got := cli.call("compile", there).stdout) and got == cli.call("compile", here).stdout)


COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_vigil
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completions(cli, tap):
    docgen = lab.BUILD / "vigil-docgen"
    if not docgen.exists():
        return
    for shell in ("bash", "zsh", "fish"):
        text = lab.run(docgen, shell)
        path = cli.machine.write(f"vigil.{shell}", text)
        if shutil.which(shell):
            done = subprocess.run([shell, "-n", path], capture_output=True, text=True)
            tap.check(f"{shell} understands its completions", done.returncode == 0, seen(done))
    for words, wanted in ((["fl"], ["flows"]), (["flows", "--den"], ["--denied"]),
                          (["flows", "--top", "p"], ["port", "protocol"]),
                          (["flows", "--top", "=", "z"], ["zone"]), (["help", "f"], ["flows", "feeds"]),
                          (["flows", ""], [""]), (["check", "--color", ""], ["auto", "always", "never"])):
        got = lab.run("bash", "-c", COMPLETE, "bash", cli.machine.etc / "vigil.bash", "vigil", *words)
        tap.equal(f"bash completes {' '.join(words)!r}", got.split("\n")[:-1], wanted)


def compile_policies(cli, tap):
    good = cli.machine.write("good.yml", GOOD)
    first, second = cli.call("compile", good), cli.call("compile", good, user=True)
    tap.check("compile prints the same script each time and for everybody",
              first.returncode == 0 and first.stdout == second.stdout
              and first.stdout.startswith("add table inet vigil\n"), seen(first))
    plain = cli.call("compile", "--plain", good)
    tap.check("--plain prints another one", plain.returncode == 0
              and plain.stdout != first.stdout, seen(plain))
    sets = cli.call("compile", "--elements", good).stdout
    tap.check("--elements prints the sets", "SET f.bad.4." in sets and "\n198.51.100.0/24\n" in sets
              and "\n2001:db8:bad::/48\n" in sets, sets)
    done = cli.call("compile", cli.machine.write("bad.yml", BAD))
    tap.check("compile shows errors and prints no script",
              done.returncode == 1 and done.stdout == "" and "2 errors" in done.stderr, seen(done))
    names = set(re.findall(r"^add set inet vigil (f\.\S+)", first.stdout, re.M))
    loaded = cli.machine.directory / "script.nft"
    loaded.write_text(first.stdout)
    lab.run("nft", "-f", loaded)
    tap.check("nft itself takes the script", "table inet vigil" in cli.machine.table() and names)
    lab.run("nft", "delete", "table", "inet", "vigil")


def plan_files(cli, tap):
    """Two files, without an agent."""
    old = cli.machine.write("old.yml", GOOD)
    opened = GOOD.replace("tcp: [80, 443]", "tcp: [80, 443, 8080]")
    new = cli.machine.write("new.yml", opened)
    done = cli.call("plan", old, new, user=True)
    tap.check("plan tells the rule that differs, as an ordinary user", done.returncode == 0
              and "~ rule web: traffic: tcp 80,443 -> tcp 80,443,8080" in done.stdout, seen(done))
    tap.check("and the traffic, with who decides and a packet",
              "+ allow any -> host tcp 8080 from any but feed bad to any but feed bad "
              "(rule web, was default.input drop)\n      vigil explain 'tcp 203.0.113.9 -> " in done.stdout
              and "1 newly allowed" in done.stdout, seen(done))
    tap.check("nothing else fares otherwise", done.stdout.count("\n  + ") == 1
              and "\n  - " not in done.stdout, seen(done))
    done = cli.call("plan", new, old)
    tap.check("the other way round it is denied", "- drop any -> host tcp 8080" in done.stdout,
              seen(done))
    done = cli.call("plan", "--json", old, new)
    answer = json.loads(done.stdout)
    change = answer["traffic"][0]
    tap.check("plan --json tells the same", not answer["same"] and len(answer["traffic"]) == 1
              and (change["change"], change["traffic"]["items"], change["now"]["id"],
                   change["before"]["id"], change["ipv4"], change["ipv6"])
              == ("allowed", ["tcp 8080"], "web", "default.input", True, True)
              and (change["witness"]["protocol"], change["witness"]["port"]) == ("tcp", 8080)
              and change["witness"]["explain"] == [change["witness"]["text"], "--in", "eth0"],
              answer)
    codes = [cli.call("plan", *words).returncode for words in
             ((old, new), ("--exit-code", old, new), ("--exit-code", old, old))]
    tap.equal("--exit-code tells whether anything changes", codes, [0, 3, 0])
    done = cli.call("plan", old, old)
    tap.equal("nothing changes is said in two words", done.stdout, "Nothing changes.\n")
    done = cli.call("plan", "--color=always", old, new)
    tap.check("colours when asked for", "\033[32m" in done.stdout)
    dead = cli.machine.write("dead.yml", GOOD.replace(
        "nat:", "  - {id: late, from: any, to: host, drop: {tcp: 443}}\nnat:"))
    words = 'rule "late" can never match: rule "web" in line 8 takes all its traffic'
    for command in ("plan", old, dead), ("check", "--no-kernel", dead):
        done = cli.call(*command)
        tap.check(f"{command[0]} warns of a rule that can never match, and who covers it",
                  done.returncode == 0 and words in done.stderr, seen(done))
    bad = cli.machine.write("bad.yml", BAD)
    for sides in (bad, old), (old, bad):
        done = cli.call("plan", *sides)
        tap.check("a policy that is wrong is told as by check", done.returncode == 1
                  and f"{bad}:5:11: error:" in done.stderr and not done.stdout, seen(done))
    done = cli.call("plan", old, new, new)
    tap.check("three are too many", done.returncode == 2, seen(done))


def nobody_there(cli, tap):
    for command in ("status", "rules", "feeds", "apply", "plan"):
        words = [cli.machine.write("good.yml", GOOD)] if command == "plan" else []
        done = cli.ask(command, *words)
        tap.check(f"{command} says in one sentence that no agent runs, and exits with 1",
                  done.returncode == 1 and "the agent is not running" in done.stderr, seen(done))
    done = cli.ask("flows")
    tap.check("flows says that there is no database", done.returncode == 1
              and done.stderr.startswith("vigil: ") and done.stderr.count("\n") == 1, seen(done))
    bad = [c for c in ("rules", "feeds", "flows", "apply") if not (a := cli.json(c)).get("error")
           and not a.get("problem")]
    tap.equal("as JSON, too", bad, [])
    answer = cli.json("status")
    tap.check("status --json is JSON even then", answer["state"] == "unreachable", answer)


# --- with one ------------------------------------------------------------------------------------


def make_traffic(machine):
    wan = machine.neighbour("eth0", ["192.0.2.1/24", "2001:db8:1::1/64"],
                            ["192.0.2.9/24", "192.0.2.99/24", "2001:db8:1::9/64"])
    machine.host.serve("tcp", 80, 1000)
    machine.write("bad.txt", "198.51.100.0/24\nnonsense\n")
    machine.start(GOOD)
    came = [wan.talk("tcp", "192.0.2.1", 80, source="192.0.2.9"),
            wan.talk("tcp", "2001:db8:1::1", 80), wan.talk("tcp", "192.0.2.1", 23, seconds=0.2)]
    return wan, came


def flows(cli, tap, came):
    tap.equal("the traffic goes as the policy says", came, ["ok", "ok", "timeout"])
    rows = lab.wait_for(lambda: (r := cli.json("flows")["flows"]) and len(r) >= 3 and r, 20) or []
    tap.check("flows shows what was seen", {(r["source"], r["port"], r["rule"]) for r in rows} >= {
        ("192.0.2.9", 80, "web"), ("2001:db8:1::9", 80, "web")}, rows)
    tap.check("and what was denied", [r["rule"] for r in rows if r["denied"]] == ["default.input"],
              rows)
    names = {"minute", "span", "complete", "rule", "direction", "from_zone", "to_zone", "verdict",
             "denied", "source", "destination", "protocol", "port", "flows", "packets_out",
             "packets_in", "bytes_known", "bytes_out", "bytes_in"}
    tap.equal("each with the members the manual names", {frozenset(r) for r in rows},
              {frozenset(names)})
    page = (MAN / "vigil-flows.part").read_text()
    tap.equal("all of which it does name", [n for n in sorted(names) if f"*{n}*" not in page], [])
    for words, wanted in ((["--rule", "web"], 2), (["--denied"], 1), (["--dst", "192.0.2.1"], 2),
                          (["--src", "2001:db8:1::/64"], 1), (["--port", "23"], 1),
                          (["--protocol", "udp"], 0), (["--since", "1h"], 3),
                          (["--until", "1h"], 0), (["--limit", "1"], 1),
                          (["--src", "192.0.2.9-192.0.2.10", "--port", "80"], 1)):
        got = cli.json("flows", *words)["flows"]
        tap.check(f"flows {' '.join(words)} finds {wanted}", len(got) == wanted, got)
    for field, key in (("rule", "rule"), ("src", "source"), ("dst", "destination"),
                       ("port", "port"), ("protocol", "protocol"), ("zone", "from_zone"),
                       ("direction", "direction")):
        got = cli.json("flows", "--top", field)["flows"]
        tap.check(f"flows --top {field} adds up by it", got and all(key in r for r in got)
                  and sum(r["flows"] for r in got) == sum(r["flows"] for r in rows), got)


    got = cli.json("flows", "--port", "http", "--protocol", "TCP")["flows"]
    tap.equal("a service's name stands for its port", len(got), 2)
    got = {(r["direction"], r["from_zone"], r["to_zone"]) for r in rows}
    tap.check("this machine is the host, also where zones are added up", ("input", "wan", "host") in got
              and " > host" in cli.ask("flows", "--top", "zone").stdout, got)
    done = cli.ask("flows", "--rule", "nosuch")
    tap.check("a rule that is not in the records is said to be none", done.returncode == 0
              and "No rule of the name 'nosuch'" in done.stdout, seen(done))


def flow_tables(cli, tap):
    for width in ("45", "60", "80", "120", "200"):
        out = cli.ask("flows", COLUMNS=width).stdout
        table = out.split("\n\n")[0]
        tap.check(f"the table fits {width} columns",
                  table and all(len(line) <= int(width) for line in table.splitlines()), out)
    wide = cli.ask("flows").stdout
    tap.check("and is whole where there is no terminal",
              "ZONES" in wide and "2001:db8:1::9" in wide and "\033" not in wide, wide)
    tap.check("it is coloured when asked for", "\033[" in cli.ask("flows", "--color=always").stdout)


def follow(cli, tap, wan):
    child = subprocess.Popen([cli.program, "flows", *cli.agent, "--follow", "--json", "--rule",
                              "web"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             preexec_fn=lab.die_with_parent)
    person = subprocess.Popen([cli.program, "flows", *cli.agent, "--follow", "--denied"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              preexec_fn=lab.die_with_parent)
    time.sleep(0.7)
    wan.talk("tcp", "192.0.2.1", 25, seconds=0.2, source="192.0.2.99")
    wan.talk("tcp", "192.0.2.1", 80, source="192.0.2.99")
    event = json.loads(child.stdout.readline())
    tap.check("--follow shows a connection as it begins", event["event"] == "new"
              and event["source"] == "192.0.2.99" and event["rule"] == "web", event)
    line = person.stdout.readline()
    tap.check("and a denied packet as a line", re.match(
        r"\d\d:\d\d:\d\d  denied  default.input +tcp/25 +192\.0\.2\.99 > 192\.0\.2\.1\b", line), line)
    child.stdout.close()
    wan.talk("tcp", "192.0.2.1", 80, source="192.0.2.99")
    try:
        code = child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        code = "still there"
    tap.equal("it ends when its reader does, without a word", (code, child.stderr.read()), (1, ""))
    return person


def rules_and_feeds(cli, tap):
    rules = {r["id"]: r for r in cli.json("rules")["rules"]}
    tap.check("rules shows packets, flows and the last match", rules["web"]["packets"] >= 2
              and rules["web"]["flows"] >= 2 and time.time() - rules["web"]["last"] < 600,
              rules.get("web"))
    unused = [r["id"] for r in cli.json("rules", "--unused")["rules"]]
    tap.check("rules --unused names those that never matched", "ssh" in unused
              and "web" not in unused and not any(u.startswith("builtin.") for u in unused), unused)
    ids = [line.split()[0] for line in cli.ask("rules").stdout.splitlines()[1:]]
    tap.check("the table has the policy's order, and defaults last",
              [i for i in ids if i in ("ssh", "web", "office", "quiet")]
              == ["ssh", "web", "office", "quiet"] and ids[-1].startswith("default."), ids)
    feeds = cli.json("feeds")["feeds"]
    tap.check("feeds shows sizes and broken lines", feeds and feeds[0]["name"] == "bad"
              and feeds[0]["ranges"] == 1 and feeds[0]["bad_lines"] == 1, feeds)
    done = cli.ask("feeds")
    tap.check("as a table too", re.search(r"^bad +\d+ +1 +\d+s ago +1", done.stdout, re.M), seen(done))


def status(cli, tap):
    done = cli.ask("status")
    tap.check("status shows a person how things are, in 80 columns", done.returncode == 0
              and done.stdout.startswith("State      running\n")
              and max(map(len, done.stdout.splitlines())) <= 80, seen(done))
    tap.equal("status --json is what the agent says", cli.json("status").keys(),
              cli.machine.status().keys())
    done = cli.ask("status", "--wait")
    tap.equal("status --wait says what is enforced, and nothing else",
              (done.returncode, done.stdout, done.stderr),
              (0, cli.machine.status()["sentence"] + "\n", ""))
    good = cli.machine.policy_path.read_text()
    cli.machine.reload(good.replace("version: 1", "version: 1\nrulez: 7", 1))
    done = cli.ask("status", "--wait")
    tap.check("or why the last reload failed, with the place of the first error",
              done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1 and
              f"{cli.machine.policy_path} was not enforced: the policy has 1 error. "
              f"{cli.machine.policy_path} as it was before still is" in done.stderr
              and f"({cli.machine.policy_path}:2: " in done.stderr, seen(done))
    tap.equal("as data, too", cli.json("status", "--wait")["state"], "failed")
    cli.machine.reload(good)


def apply(cli, tap):
    machine = cli.machine
    before = machine.table()
    done = cli.ask("apply")
    tap.check("apply without a policy reads the agent's own again", done.returncode == 0
              and "nothing had to change" in done.stdout, seen(done))
    bad = machine.write("other.yml", BAD)
    done = cli.ask("apply", bad)
    tap.check("apply shows the errors of another policy with its lines",
              done.returncode == 1 and f"{bad}:5:11: error:" in done.stderr
              and "        from: wann\n" in done.stderr and "still is" in done.stderr, seen(done))
    tap.equal("which changed nothing", machine.table(), before)
    machine.write("policy.yml", BAD)
    done = cli.ask("apply")
    tap.check("errors of the agent's own policy have their place, but no file is opened "
              "because the agent names it", done.returncode == 1
              and f"{machine.policy_path}:5:11: error:" in done.stderr
              and "from: wann" not in done.stderr, seen(done))
    answer = cli.json("apply")
    tap.check("apply --json tells them as well", answer["ok"] is False
              and [f["line"] for f in answer["faults"]] == [5, 11], answer)
    machine.write("policy.yml", GOOD)
    other = machine.write("other.yml", GOOD.replace("id: web", "id: site"))
    done = cli.ask("apply", other)
    tap.check("apply brings another policy into force", done.returncode == 0
              and str(other) in done.stdout and "n.site" in machine.table(), seen(done))
    tap.check("and says until when", f"until the agent reads {machine.policy_path} again"
              in done.stdout, seen(done))
    done = cli.ask("status")
    tap.check("as status does", "temporary: it holds until" in done.stdout, seen(done))
    done = cli.ask("apply", "-", stdin=GOOD.replace("id: web", "id: typed"))
    tap.check("standard input has no path", "In force: (standard input), 4 rules" in done.stdout
              and "/(standard" not in done.stdout, seen(done))
    done = cli.ask("apply", "-", stdin="version: 1\n\0\n")
    tap.check("what is not even text is refused with its place",
              done.returncode == 1 and "(standard input):2:1: error:" in done.stderr, seen(done))
    done = cli.ask("apply")
    tap.check("the next apply is back to the agent's own", done.returncode == 0
              and "until the agent" not in done.stdout
              and "temporary" not in cli.ask("status").stdout and "n.site" not in machine.table(), seen(done))
    if machine.root:
        done = cli.ask("apply", user=True)
        tap.check("an ordinary user may not apply", done.returncode == 1
                  and "root" in done.stderr, seen(done))


def plan_running(cli, tap):
    """Against what is in force, which the agent tells."""
    before = cli.machine.table()
    done = cli.ask("plan", cli.machine.policy_path)
    tap.equal("plan of the policy in force changes nothing", (done.returncode, done.stdout),
              (0, "Nothing changes.\n"))
    new = cli.machine.write("other.yml", GOOD.replace("allow: ssh", "allow: [ssh, ntp]"))
    done = cli.ask("plan", new)
    tap.check("plan compares with the policy in force", done.returncode == 0
              and "+ allow wan -> host ntp (udp 123) from group ops" in done.stdout
              and "(rule ssh, was default.input drop)" in done.stdout, seen(done))
    answer = cli.json("plan", new)
    tap.check("and names both", (answer["old"], answer["new"])
              == (str(cli.machine.policy_path), str(new)), answer)
    done = cli.ask("plan", "-", stdin=GOOD.replace("id: web", "id: site"))
    tap.check("plan reads standard input; a new name alone moves no packet", done.returncode == 0
              and "+ rule site" in done.stdout and "no packet fares otherwise" in done.stdout,
              seen(done))
    tap.equal("plan changes nothing", cli.machine.table(), before)


def same_numbers(cli, tap):
    """compile knows the agent's numbers: what it prints is what is in force."""
    script = cli.ask("compile", cli.machine.policy_path).stdout
    marks = set(re.findall(r"ct mark set \S+ (?:and \S+ or )?(0x\w+)", script))
    listed = cli.machine.table()
    prefixes = set(re.findall(r'log prefix "([^"]+)"', script))
    tap.check("compile prints what is in force, with its numbers", prefixes and all(
        f'log prefix "{p}"' in listed for p in prefixes), f"{prefixes}\n{marks}\n{listed}")


def agent_gone(cli, tap, person):
    cli.machine.agent.end(signal.SIGKILL)
    code = person.wait(10)
    tap.check("--follow says that the agent ended", code == 1
              and "the agent ended" in person.stderr.read(), code)
    done = cli.ask("flows", "--rule", "web")
    tap.check("flows needs no agent", done.returncode == 0 and "192.0.2.9" in done.stdout, seen(done))
    done = cli.ask("rules")
    tap.check("rules shows what the database knows, and says why only that",
              done.returncode == 1 and "not running" in done.stderr
              and re.search(r"^web +\d+ +\d\d:\d\d$", done.stdout, re.M), seen(done))
    done = cli.ask("status")
    tap.check("status does, too", done.returncode == 1 and "not running" in done.stderr
              and done.stdout.startswith("Database   "), seen(done))
    answer = cli.json("status")
    tap.check("also as JSON", answer["state"] == "unreachable"
              and answer["database"]["minutes"] >= 1, answer)
    if cli.machine.root:
        done = cli.ask("flows", user=True)
        tap.check("who may not read the database is told so", done.returncode == 1
                  and done.stderr.count("\n") == 1 and done.stdout == "", seen(done))


def broken_databases(cli, tap):
    path = cli.machine.database_path
    for name, content in (("no database", b"not a database" * 100), ("an empty file", b"")):
        path.write_bytes(content)
        for extra in ("-wal", "-shm"):
            pathlib.Path(f"{path}{extra}").unlink(missing_ok=True)
        done = cli.ask("flows")
        tap.check(f"{name} is one sentence", done.returncode == 1 and done.stdout == ""
                  and done.stderr.startswith("vigil: ") and done.stderr.count("\n") == 1, seen(done))


# --- with an agent that was taken over ----------------------------------------------------------

EVIL = "a\x1b[2J\x07\n\u009b31m\u202eb"


def hostile_answers():
    """Replies whose every text is evil, in all the places where a command looks for one."""
    fault = {"file": EVIL, "line": 1, "column": 1, "severity": "error", "text": EVIL}
    item = {key: EVIL for key in ("id", "name", "rule", "action", "direction", "problem", "file",
                                  "event", "protocol", "source", "destination", "translated")}
    item |= {"directions": [EVIL], "numbers": [EVIL], "port": 1, "packets": 1, "bytes": 1}
    policy = {"path": EVIL, "tag": EVIL, "rules": 1, "zones": 1, "loaded": 1, "warnings": [fault]}
    body = {key: EVIL for key in ("sentence", "configured", "version", "text")}
    body |= {"policy": policy, "rules": [item], "feeds": [item], "faults": [fault], **item,
             "failure": {"path": EVIL, "text": EVIL, "time": 1, "faults": [fault]},
             "helper": {"connected": False, "problem": EVIL}, "change": {},
             "kernel": {"table": EVIL, "problems": [EVIL]}, "problems": [EVIL],
             "store": {"state": EVIL, "why": EVIL, "path": EVIL}}
    for state in ("running", "failed", EVIL):
        yield {"parameters": {**body, "state": state}}
    for error in ("io.vigil.Agent.PolicyRefused", "io.vigil.Agent." + EVIL):
        yield {"error": error, "parameters": body}
    yield {"parameters": {**body, "text": (
        'version: 1\nfeeds: {bad: {file: "a\\u202eb\\u009bc"}}\nban: bad\n'
        'rules: [{id: web, from: any, to: host, drop: ssh}]\n')}}


def hostile_agent(cli, tap):
    place = cli.machine.directory / "hostile"
    place.mkdir()
    words = [["status"], ["status", "--wait"], ["rules"], ["feeds"], ["apply"],
             ["flows", "--follow"], ["plan", cli.machine.write("good.yml", GOOD)]]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "agent.sock"))
        listener.listen()
        for call in [w + more for w in words for more in ([], ["--json"])]:
            shown = ""
            for answer in hostile_answers():
                child = subprocess.Popen(
                    [cli.program, call[0], "--run", place, "--state", place, *call[1:]],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                # It may ask several times.
                listener.settimeout(0.05)
                while child.poll() is None:
                    try:
                        peer = listener.accept()[0]
                    except TimeoutError:
                        continue
                    with peer:
                        peer.settimeout(TIMEOUT)
                        peer.recv(65536)
                        peer.sendall(json.dumps(answer).encode() + b"\0")
                shown += child.communicate()[0]
            odd = {c for c in shown if c != "\n" and not c.isprintable()}
            tap.check(f"{' '.join(w for w in call if isinstance(w, str))} shows what a hostile agent says, and no more",
                      shown and not odd, f"{odd}\n{ascii(shown)}")


def main():
    tap = lab.Tap()
    why_not = lab.possible()
    if why_not:
        tap.skip("the command line", f"no namespaces here: {why_not}")
        return tap.end()
    lab.enter()
    with lab.Lab() as machine:
        cli = Cli(machine, tap)
        for scenario in (usage, check_policies, progress, check_odd_files,
                         check_without_namespaces, check_touches_nothing, check_examples, completions,
                         compile_policies, plan_files, nobody_there, hostile_agent):
            scenario(cli, tap)
        wan, came = make_traffic(machine)
        flows(cli, tap, came)
        flow_tables(cli, tap)
        person = follow(cli, tap, wan)
        for scenario in (rules_and_feeds, status, apply, plan_running, same_numbers):
            scenario(cli, tap)
        agent_gone(cli, tap, person)
        broken_databases(cli, tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
