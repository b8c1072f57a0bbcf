#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the agent does when it, the helper, the database or the disk fails.
Speaks TAP; arguments choose scenarios by name."""
import os
import pathlib
import random
import re
import signal
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab  # noqa: E402
from home import Home, POLICY  # noqa: E402

tap = lab.Tap()


def survives_kill_9():
    with Home() as m:
        m.start(POLICY)
        m.lan.hold("10.0.1.1", 22, "kept")
        m.checkpoint()
        before = m.handles()
        m.agent.kill()
        tap.equal("without the agent the rules stay", m.handles(), before)
        tap.equal("and work", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        tap.equal("the database is whole", m.integrity(), "ok")
        m.start_agent()
        tap.equal("a new agent sends nothing", m.handles(), before)
        tap.check("and says so", "is enforced, as it was" in m.agent.log, m.agent.log)
        m.lan.say("kept", 5000)
        m.forget_connections()
        m.checkpoint()
        tap.check("it counts on for a connection of before, and no new flow",
                  m.total("ssh", "flows") == 1 and m.total("ssh", "bytes_out") > 5000,
                  m.rows("ssh"))

        m.helper.kill()
        tap.check("without the helper it says so", lab.wait_for(
            lambda: not m.status()["helper"]["connected"]))
        tap.equal("the rules stay", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        reply = m.reload(POLICY.replace("allow: ssh", "drop: ssh"))
        tap.equal("a reload answers", reply.get("error"), "HelperGone")
        tap.equal("and changes nothing", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        m.start_helper()
        tap.check("when it is back, the policy that waits is enforced",
                  lab.wait_for(lambda: m.state_name() == "running", 15), m.status())
        tap.equal("in the kernel", m.lan.talk("tcp", "10.0.1.1", 22, seconds=0.2), "timeout")
        m.nft("delete", "table", "inet", "vigil")
        tap.check("a table that somebody removed is noticed",
                  lab.wait_for(lambda: m.status()["kernel"]["table"] == "removed"))
        m.reload()
        tap.check("and put back by a reload", "chain r.1" in m.table() and
                  m.state_name() == "running", m.table())
        tap.equal("SIGTERM ends the agent well", m.agent.end(), 0)


def survives_kill_9_at_any_time():
    seed = int(os.environ.get("SEED", time.time()))
    chance = random.Random(seed)
    print(f"# seed {seed}")
    with Home() as m:
        m.start(POLICY)
        policies = [POLICY, POLICY + "".join(
            f"  - {{id: x{i}, from: lan, to: host, allow: {{tcp: {2000 + i}}}}}\n"
            for i in range(300))]
        closed = 0
        for i in range(30):
            m.write("policy.yml", policies[i % 2])
            m.agent.send(signal.SIGHUP)
            m.lan.flood("10.0.2.2", 53, 200)
            time.sleep(chance.uniform(0, 0.12))
            if i % 3:
                m.agent.kill()
                m.start_agent(ready=False)
            else:
                m.helper.kill()
                m.start_helper()
            closed += m.wan.talk("tcp", "10.0.2.1", 22, seconds=0.03) == "timeout"
            if i % 2:
                lab.wait_for(lambda: m.status() is not None)
        tap.equal("what is forbidden was at every moment", closed, 30)
        tap.check("the agent comes to rest", lab.wait_for(
            lambda: m.state_name() == "running", 20), m.agent.log[-2000:])
        m.reload(POLICY)
        tap.equal("what is allowed passes", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        m.lan.flood("10.0.2.2", 80, 1)
        m.lan.talk("udp", "10.0.2.2", 53, source_port=60000)
        m.checkpoint(15)
        tap.check("flows are remembered", m.total("lan-out", "flows") > 0, m.rows("lan-out"))
        m.agent.end()
        tap.equal("and the database is whole", m.integrity(), "ok")


def goes_on_without_the_database():
    with Home() as m:
        m.start(POLICY)
        m.lan.talk("tcp", "10.0.1.1", 22)
        m.checkpoint()
        lock = sqlite3.connect(m.database_path, isolation_level=None)
        lock.execute("begin exclusive")
        m.lan.talk("udp", "10.0.2.2", 53)
        tap.check("status shows that it is locked", lab.wait_for(
            lambda: m.status()["store"]["state"] == "locked", 10), m.status()["store"])
        tap.equal("the firewall goes on", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        tap.equal("policies as well", m.reload()["policy"]["rules"], 5)
        tap.check("rows wait", m.status()["flows"]["waiting_rows"] > 0)
        lock.execute("rollback")
        lock.close()
        tap.check("and are written when it is free", m.checkpoint(10))
        tap.equal("none is lost", m.total("lan-out", "flows"), 1)
        tap.equal("status is well again", m.status()["store"]["state"], "ready")
        m.agent.end()

        m.database_path.write_bytes(b"this is no database at all " * 1000)
        m.start_agent()
        m.lan.talk("tcp", "10.0.1.1", 22)
        m.checkpoint()
        tap.equal("a corrupt database is set aside", m.status()["store"]["state"], "ready")
        tap.check("and said so", "set aside" in m.agent.log and
                  any(m.state.glob("flows.db.corrupt-*")), m.agent.log)
        tap.equal("a new one is used", m.total("ssh", "flows"), 1)
        m.agent.end()

        db = sqlite3.connect(m.database_path)
        db.execute("pragma user_version = 99")
        db.commit()
        db.close()
        content = m.database_path.read_bytes()
        m.start_agent()
        m.lan.talk("tcp", "10.0.1.1", 22)
        tap.check("a newer database is not touched", lab.wait_for(
            lambda: m.status()["store"]["state"] == "newer"), m.status()["store"])
        tap.check("and status says why", m.status()["store"]["why"] != "")
        time.sleep(6)
        tap.equal("not a byte", m.database_path.read_bytes(), content)
        m.agent.end()
        if m.root:
            m.database_path.unlink()
            m.start_agent()
            m.agent.end()
            m.database_path.chmod(0o400)
            m.state.chmod(0o500)
            os.chown(m.database_path, 0, 0)
            m.database_path.chmod(0o444)
            m.start_agent(ready=False)
            tap.check("a read-only database is shown", lab.wait_for(
                lambda: (m.status() or {}).get("store", {}).get("state") in
                ("read-only", "broken"), 10), m.status() or m.agent.log)


def goes_on_with_a_full_disk():
    with Home() as m:
        lab.run("mount", "-t", "tmpfs", "-o", "size=400k,mode=0777", "tmpfs", m.state)
        m.start(POLICY)
        m.lan.talk("tcp", "10.0.1.1", 22)
        m.checkpoint()
        filler = m.state / "filler"
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        m.lan.flood("10.0.2.2", 53, 2000, ports=1)
        for port in range(20):
            m.wan.talk("udp", "10.0.2.1", 2000 + port, seconds=0.01)
        tap.check("status shows that the disk is full", lab.wait_for(
            lambda: m.status()["store"]["state"] == "full", 15), m.status()["store"])
        tap.equal("the firewall goes on", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        reply = m.reload(POLICY.replace("id: ssh", "id: shell"))
        tap.check("a policy with new rules is enforced though its numbers can't be kept",
                  reply.get("error") in ("KernelRefused", None), reply)
        tap.equal("whatever came of it, ssh passes", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        filler.unlink()
        tap.check("when there is room the rows are written", m.checkpoint(15), m.status())
        tap.equal("all of them", sum(r["packets_out"] for r in m.rows("default.input")), 20)
        tap.equal("and new rules enforced", m.reload()["policy"]["rules"], 5)
        m.agent.end()
        tap.equal("the database is whole", m.integrity(), "ok")


def clean_up():
    """What docs/security.md says to do after an agent was taken over."""
    addresses = ", ".join(f"198.51.100.{n}" for n in range(2, 80, 2))
    policy = POLICY.replace("rules:\n", f"groups: {{ops: [{addresses}]}}\nrules:\n  - {{id: ops, "
                            "from: {group: ops}, to: host, allow: {tcp: 22}}\n", 1)

    def left_behind():
        table = lab.run("nft", "list", "table", "inet", "vigil")
        return [what for what in ("evil", "10.0.2.0/24") if what in table]

    with Home() as m:
        m.start(policy)
        tap.equal("the WAN is no operator", m.wan.talk("tcp", "10.0.2.1", 22), "timeout")
        m.agent.kill()
        group, = re.findall(r"^\tset (\S+)", lab.run("nft", "list", "table", "inet", "vigil"), re.M)
        lab.run("nft", "add", "element", "inet", "vigil", group, "{ 10.0.2.0/24 }")
        lab.run("nft", "insert", "rule", "inet", "vigil", "input", "accept", "comment", "evil")
        m.start_agent()
        tap.equal("as is documented, a restart goes by the tag", left_behind(),
                  ["evil", "10.0.2.0/24"])
        m.reload(policy)
        tap.equal("and a reload writes the rules, not what sets hold", left_behind(), ["10.0.2.0/24"])
        m.agent.end()
        lab.run("nft", "delete", "table", "inet", "vigil")
        m.start_agent()
        tap.equal("without the table all is made anew", left_behind(), [])
        tap.equal("so the WAN is none again", m.wan.talk("tcp", "10.0.2.1", 22), "timeout")


if __name__ == "__main__":
    lab.main("surviving", tap, survives_kill_9, survives_kill_9_at_any_time,
             goes_on_without_the_database, goes_on_with_a_full_disk, clean_up)
