# SPDX-License-Identifier: GPL-2.0-or-later
# The type of `services.vigil.settings`: the sections of a policy that are worth a type of
# their own. What is not told here is free: `vigil check` knows every key, and has the last
# word when the system is built.
{ lib, format }:
let
  inherit (lib) mkOption types;

  # What is not set is left out of the policy, so that Vigil's own default holds.
  optional =
    type: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit description;
    };

  section =
    options:
    types.submoduleWith {
      description = "attribute set";
      shorthandOnlyDefinesConfig = true;
      modules = [
        {
          freeformType = format.type;
          inherit options;
        }
      ];
    };

  end = types.oneOf [
    types.str
    (types.listOf types.str)
    (types.attrsOf format.type)
  ];

  listOrOne = types.coercedTo types.str lib.singleton (types.listOf types.str);

  name = types.strMatching "[a-z0-9][a-z0-9._-]{0,62}" // {
    description = "name of `a-z`, `0-9`, `.`, `_` and `-`";
  };

  verdict = types.enum [
    "allow"
    "drop"
    "reject"
  ];

  feed = section {
    file = mkOption {
      type = types.either types.path types.str;
      example = "/var/lib/lists/bad.txt";
      description = ''
        The list, one address, prefix or range a line. A relative path begins in `/etc/vigil`;
        a Nix path is copied into the store.
      '';
    };
    refresh = optional types.str "How often the file is looked at, such as `6h`. Without it, only at a reload.";
    never = optional listOrOne "Addresses and groups that are taken out, whatever the list says.";
    max_entries = optional (types.ints.between 1 4000000) "A longer list is refused.";
    on_error = optional (types.enum [
      "keep"
      "fail"
    ]) "A list that cannot be used: keep the last good one, or fail.";
    on_empty = optional (types.enum [
      "keep"
      "allow"
    ]) "A list without an entry: an error, or an empty list.";
  };

  rule = section {
    id = mkOption {
      type = name;
      example = "ssh";
      description = "Unique and stable: counters, logs and flows are named after it.";
    };
    from = mkOption {
      type = end;
      example = "any";
      description = "Where the connection begins: `host`, `any`, a zone, a list of zones or a map.";
    };
    to = mkOption {
      type = end;
      example = "host";
      description = "Where it leads, written as `from`.";
    };
    allow = optional format.type "The traffic that is allowed. A rule has one of `allow`, `drop` and `reject`.";
    drop = optional format.type "The traffic that is dropped.";
    reject = optional format.type "The traffic that is refused with an answer.";
    limit = optional format.type "New connections in a time, such as `{ rate = \"5/minute\"; }`; only with `allow`.";
    connections = optional format.type "Connections at a time, such as `{ max = 20; }`; only with `allow`.";
    log = optional types.bool "Log the packet that decides.";
    time = optional format.type "When the rule matches, such as `{ days = [ \"sat\" \"sun\" ]; from = \"08:00\"; }`.";
    comment = optional types.singleLineStr "For people.";
  };

  translation = section {
    masquerade = optional format.type "Connections between two zones get the address of the interface they leave by.";
    forward = optional format.type "Connections to a port of this machine are sent on to another one.";
  };
in
section {
  version = mkOption {
    type = types.enum [ 1 ];
    default = 1;
    description = "The version of the policy's language.";
  };
  zones = mkOption {
    type = types.attrsOf listOrOne;
    default = { };
    example = {
      wan = "eth0";
      lan = [
        "eth1"
        "br-*"
      ];
    };
    description = "Named sets of network interfaces. `host` and `any` are built in.";
  };
  groups = mkOption {
    type = types.attrsOf listOrOne;
    default = { };
    example = {
      admin = [
        "192.168.1.10"
        "2001:db8:1::/64"
      ];
    };
    description = "Named sets of addresses, prefixes, ranges and other groups.";
  };
  ports = mkOption {
    type = types.attrsOf format.type;
    default = { };
    example = {
      web = {
        tcp = [
          80
          443
        ];
        udp = 443;
      };
    };
    description = "Services with names of your own, beside the built-in ones.";
  };
  feeds = mkOption {
    type = types.attrsOf feed;
    default = { };
    description = ''
      Long address lists in files of their own, which the agent reads as its own user: they
      must be readable for everybody.
    '';
  };
  ban = mkOption {
    type = listOrOne;
    default = [ ];
    example = [ "bad" ];
    description = "Groups, feeds and addresses whose packets are dropped first, both ways.";
  };
  defaults = mkOption {
    type = section {
      input = optional verdict "Traffic to this machine; `drop` when not set.";
      forward = optional verdict "Traffic through this machine; `drop` when not set.";
      output = optional verdict "Traffic from this machine; `allow` when not set.";
    };
    default = { };
    description = "What happens to a packet that no rule decides about.";
  };
  rules = mkOption {
    type = types.listOf rule;
    default = [ ];
    example = [
      {
        id = "ssh";
        from = "any";
        to = "host";
        allow = "ssh";
      }
    ];
    description = ''
      The first rule that matches decides. Rules of several modules are joined: `lib.mkBefore`
      and `lib.mkAfter` say where they stand.
    '';
  };
  nat = mkOption {
    type = types.listOf translation;
    default = [ ];
    example = [
      {
        masquerade = {
          from = "lan";
          to = "wan";
        };
      }
    ];
    description = "Translations of addresses, each a `masquerade` or a `forward`.";
  };
  flows = mkOption {
    type = section {
      keep = optional types.str "Older flows are forgotten; `30d` when not set.";
      max_size = optional types.str "The size of the database; `1GiB` when not set.";
      denied = optional types.bool "Remember denied packets too; so it is when not set.";
      mark = optional types.str ''
        The bits of the connection mark that hold the number of the rule, such as `0xffff0000`.
      '';
    };
    default = { };
    description = "What is remembered.";
  };
}
