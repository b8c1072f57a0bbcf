# SPDX-License-Identifier: GPL-2.0-or-later
# What the options of networking.firewall mean in a policy of Vigil.
#
# firewall, nftables:  config.networking.firewall and whether its rules are those of nftables
# options:             options.networking.firewall, to know who said what
# ipv6:                config.networking.enableIPv6
# zones:               the zones of the policy itself, lists of interfaces by name
#
# Answers { zones, rules, defaults } to be added to the policy, `conflicts`: what cannot be
# said in it, and `lost`: options whose contents only the firewall that wrote them knows.
{
  lib,
  firewall,
  options,
  nftables,
  ipv6,
  zones,
}:
let
  inherit (lib)
    attrNames
    concatMap
    filter
    filterAttrs
    hasPrefix
    hasSuffix
    optional
    optionals
    removeSuffix
    unique
    ;

  # iptables writes "eth+" for what is "eth*" here.
  pattern = name: if !nftables && hasSuffix "+" name then removeSuffix "+" name + "*" else name;
  covers = wide: name: wide == name || (hasSuffix "*" wide && hasPrefix (removeSuffix "*" wide) name);

  range = { from, to, ... }: if from == to then from else "${toString from}-${toString to}";
  ports = single: ranges: unique single ++ map range ranges;
  traffic =
    set:
    filterAttrs (_: list: list != [ ]) {
      tcp = ports set.allowedTCPPorts set.allowedTCPPortRanges;
      udp = ports set.allowedUDPPorts set.allowedUDPPortRanges;
    };

  # Loopback passes by itself.
  trusted = unique (filter (name: name != "lo") (map pattern firewall.trustedInterfaces));
  opened =
    filter
      (
        interface:
        interface.allow != { } && !lib.any (wide: covers wide interface.name) ([ "lo" ] ++ trusted)
      )
      (
        map (name: {
          name = pattern name;
          allow = traffic firewall.interfaces.${name};
        }) (attrNames firewall.interfaces)
      );
  named = unique (trusted ++ map (interface: interface.name) opened);

  # An interface is in one zone at most: where the policy has a zone with it, that one must
  # do, and else it gets one by itself.
  isHome = name: zone: lib.elem name zones.${zone};
  homeless = filter (name: !lib.any (isHome name) (attrNames zones)) named;
  zoneName =
    name:
    let
      plain = lib.concatStrings (
        map (c: if builtins.match "[a-z0-9._-]" c != null then c else "-") (
          lib.stringToCharacters (lib.toLower name)
        )
      );
    in
    "nixos-${plain}"
    +
      lib.optionalString (plain != name)
        "-${builtins.substring 0 6 (builtins.hashString "sha256" name)}";

  within = names: item: lib.any (name: covers name item) names;

  # The zones that together are all interfaces which names of the firewall stand for.
  zonesOf =
    names:
    filter (zone: lib.any (within names) zones.${zone}) (attrNames zones)
    ++ map zoneName (filter (within names) homeless);

  conflictsOf =
    names:
    concatMap (
      zone:
      let
        inside = filter (within names) zones.${zone};
        around = filter (name: lib.any (item: item != name && covers item name) zones.${zone}) (
          lib.intersectLists names homeless
        );
      in
      optional (
        inside != [ ] && inside != zones.${zone}
      ) "zone ${zone} holds ${toString inside} together with other interfaces (${toString zones.${zone}})"
      ++ optional (around != [ ]) "zone ${zone} holds ${toString around} by a wildcard"
    ) (attrNames zones);

  # The firewall's own modules always write some commands, to tidy up.
  own = [
    "/firewall-iptables.nix"
    "/nat-iptables.nix"
  ];
  saidByOthers =
    option:
    lib.any (
      definition:
      !lib.elem definition.value [
        null
        ""
        [ ]
      ]
      && !lib.any (file: hasSuffix file (toString definition.file)) own
    ) (options.${option}.definitionsWithLocations or [ ]);

  input = id: from: allow: {
    inherit id from allow;
    to = "host";
  };
in
{
  zones = lib.listToAttrs (map (name: lib.nameValuePair (zoneName name) [ name ]) homeless);

  rules =
    optional (trusted != [ ]) (input "nixos-trusted" (zonesOf trusted) "all")
    ++ optional (traffic firewall != { }) (input "nixos-ports" "any" (traffic firewall))
    ++ map (
      interface: input (zoneName interface.name) (zonesOf [ interface.name ]) interface.allow
    ) opened
    ++ optional firewall.allowPing (input "nixos-ping" "any" { icmp = "echo-request"; })
    # The firewall of NixOS always answers pings of IPv6, and takes answers of DHCPv6.
    ++ optionals ipv6 [
      (input "nixos-ping6" "any" { icmpv6 = "echo-request"; })
      (
        input "nixos-dhcpv6" "any" { udp = 546; }
        // {
          to = {
            zone = "host";
            address = "fe80::/64";
          };
        }
      )
    ];

  defaults = lib.optionalAttrs firewall.rejectPackets { input = "reject"; };

  conflicts = conflictsOf trusted ++ concatMap (interface: conflictsOf [ interface.name ]) opened;

  lost =
    filter saidByOthers [
      "connectionTrackingModules"
      "extraCommands"
      "extraForwardRules"
      "extraInputRules"
      "extraReversePathFilterRules"
      "pingLimit"
    ]
    ++ optional (firewall.filterOutput.enabled or false) "filterOutput";
}
