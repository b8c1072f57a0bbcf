#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the agent says when it can't see everything. Speaks TAP; arguments choose
scenarios by name."""
import os
import pathlib
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab  # noqa: E402

POLICY = """version: 1
zones: {lan: [eth1]}
defaults: {input: drop, forward: drop, output: allow}
rules:
  - {id: ssh, from: lan, to: host, allow: ssh}
"""
LOG_GROUP = 22087

tap = lab.Tap()


class Host(lab.Lab):
    def __init__(self, **options):
        super().__init__(**options)
        self.lan = self.neighbour("eth1", "10.0.1.1/24", "10.0.1.2/24")
        self.host.serve("tcp", 22)

    def flows(self):
        return sum(r["flows"] for r in self.query(
            "select flows from readable where rule = 'ssh'"))

    def problems(self):
        return self.status()["kernel"]["problems"]


def occupy_log_group():
    """What another program does that listens to the same group of packets."""
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    s.bind((0, 0))
    # NFULNL_MSG_CONFIG, with NFULA_CFG_CMD = NFULNL_CFG_CMD_BIND.
    body = struct.pack("=BBH", 0, 0, socket.htons(LOG_GROUP)) + struct.pack("=HHBxxx", 5, 1, 1)
    s.send(struct.pack("=IHHII", 16 + len(body), 4 << 8 | 1, 1 | 4, 1, 0) + body)
    (error,) = struct.unpack_from("=i", s.recv(4096), 16)
    assert error == 0, error
    return s


def observes_connections_without_the_log():
    with Host() as m:
        other = occupy_log_group()
        m.start(POLICY)
        tap.check("status says who has the log group", lab.wait_for(lambda: any(
            f"another program listens to nflog group {LOG_GROUP}" in p for p in m.problems())),
            m.problems())
        tap.equal("and it is the one problem", len(m.problems()), 1)
        tap.equal("it is said once", m.agent.log.count("nflog group"), 1)
        tap.equal("a connection", m.lan.talk("tcp", "10.0.1.1", 22), "ok")
        m.checkpoint()
        tap.equal("is remembered all the same", m.flows(), 1)
        tap.check("lists of connections come as well", lab.wait_for(
            lambda: m.status()["kernel"]["accounting"] == "on", 15), m.status()["kernel"])
        other.close()
        tap.check("when the group is free the problem is gone", lab.wait_for(
            lambda: not m.problems(), 15), m.problems())
        m.lan.talk("udp", "10.0.1.1", 99, seconds=0.1)
        tap.check("and denied packets are remembered", lab.wait_for(lambda: m.query(
            "select 1 from readable where denied"), 10))


def listen_to_tables():
    """Notices of nf_tables: the first one of a change comes when it is committed."""
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    s.bind((0, 1 << 6))  # NFNLGRP_NFTABLES
    s.settimeout(10)
    return s


def notices_a_removal_that_nobody_heard():
    with Host() as m:
        m.start(POLICY)
        unnoticed = []
        for i in range(8):
            m.write("policy.yml", POLICY.replace("id: ssh", f"id: ssh{i}"))
            notices = listen_to_tables()
            m.agent.send(signal.SIGHUP)
            notices.recv(65536)
            # It has not asked for a socket yet that tells of tables.
            m.agent.send(signal.SIGSTOP)
            notices.close()
            m.nft("delete", "table", "inet", "vigil")
            m.agent.send(signal.SIGCONT)
            if not lab.wait_for(lambda: m.status()["kernel"]["table"] == "removed", 3):
                unnoticed.append(i)
            m.reload()
            lab.wait_for(lambda: m.status()["kernel"]["table"] == "present")
        tap.equal("a table that goes while nobody listens is missed afterwards", unnoticed, [])
        time.sleep(2)
        tap.equal("and one that is put back is there", [m.status()["kernel"]["table"],
                                                        m.state_name()],
                  ["present", "running"])


def says_at_run_time_that_a_database_was_corrupt():
    with Host() as m:
        m.start(POLICY)
        m.lan.talk("tcp", "10.0.1.1", 22)
        m.checkpoint()
        m.agent.send(signal.SIGSTOP)
        m.database_path.unlink()
        m.database_path.write_bytes(b"no database" * 1000)
        if m.root:
            os.chown(m.database_path, lab.AGENT_UID, lab.AGENT_UID)
        m.agent.send(signal.SIGCONT)
        m.lan.talk("tcp", "10.0.1.1", 22)
        tap.check("the journal says so", lab.wait_for(
            lambda: "it was set aside" in m.agent.log, 15), m.agent.log)
        m.checkpoint()
        tap.equal("a new one is used", [m.flows(), m.status()["store"]["state"]], [1, "ready"])


if __name__ == "__main__":
    lab.main("observing", tap, observes_connections_without_the_log,
             notices_a_removal_that_nobody_heard, says_at_run_time_that_a_database_was_corrupt)
