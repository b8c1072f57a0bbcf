#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The gateway that the agent's scenarios run on, and its policies."""
import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab  # noqa: E402

POLICY = """version: 1
zones: {wan: [eth0], lan: [eth1]}
defaults: {input: drop, forward: drop, output: allow}
rules:
  - {id: ssh, from: lan, to: host, allow: ssh}
  - {id: lan-out, from: lan, to: wan, allow: {tcp: 80, udp: 53}}
  - {id: resolve, from: host, to: wan, allow: dns}
  - {id: no-smtp, from: lan, to: wan, reject: {tcp: 25}, log: true}
  - {id: ping, from: lan, to: host, allow: ping}
"""
BAD_POLICY = """version: 1
zones: {wan: [eth0]}
rules:
  - {id: ssh, from: wan, to: hots, allow: ssh}
  - {id: web, from: wan, to: host, allow: {tcp: 70000}}
"""

FD02_2 = "fd02" + "0" * 27 + "2"  # fd02::2, as the database shows it


class Home(lab.Lab):
    """A gateway between a LAN and a WAN."""

    def __init__(self, **options):
        super().__init__(**options)
        self.lan = self.neighbour("eth1", ["10.0.1.1/24", "fd01::1/64"],
                                  ["10.0.1.2/24", "fd01::2/64"])
        self.wan = self.neighbour("eth0", ["10.0.2.1/24", "fd02::1/64"],
                                  ["10.0.2.2/24", "fd02::2/64"])
        self.host.serve("tcp", 22)
        self.wan.serve("tcp", 80)
        self.wan.serve("tcp", 25)
        self.wan.serve("udp", 53, 100)

    def rows(self, rule):
        return self.query("select * from readable where rule = ?", rule)

    def total(self, rule, column):
        """The sum over all minutes; None when one of them is unknown."""
        values = [row[column] for row in self.rows(rule)]
        return None if None in values else sum(values)

    def handles(self):
        """The table with its handles: any change of the rules changes some."""
        return lab.run("nft", "-a", "-s", "list", "table", "inet", "vigil")

    def integrity(self):
        db = sqlite3.connect(self.database_path)
        try:
            return db.execute("pragma integrity_check").fetchone()[0]
        finally:
            db.close()
