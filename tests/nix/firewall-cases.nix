# SPDX-License-Identifier: GPL-2.0-or-later
# What services.vigil.importFirewall makes of networking.firewall; see cases.nix.
let
  # What the firewall of NixOS lets in with nothing opened.
  always = [
    {
      id = "nixos-ping";
      from = "any";
      to = "host";
      allow.icmp = "echo-request";
    }
    {
      id = "nixos-ping6";
      from = "any";
      to = "host";
      allow.icmpv6 = "echo-request";
    }
    {
      id = "nixos-dhcpv6";
      from = "any";
      to = {
        zone = "host";
        address = "fe80::/64";
      };
      allow.udp = 546;
    }
  ];
  importing = firewall: {
    networking = { inherit firewall; };
    services.vigil = {
      enable = true;
      importFirewall = true;
    };
  };
in
{
  "importing turns the firewall of NixOS off" = {
    config = importing { };
    failed = [ ];
    policy = {
      version = 1;
      rules = always;
    };
  };
  "who keeps the firewall of NixOS on with an import keeps both" = {
    config = importing { enable = true; };
    failed = [ ];
    firewall = true;
  };
  "open ports and ranges become one rule" = {
    config = importing {
      allowedTCPPorts = [
        22
        443
        22
      ];
      allowedTCPPortRanges = [
        {
          from = 8000;
          to = 8010;
        }
        {
          from = 9000;
          to = 9000;
        }
      ];
      allowedUDPPorts = [ 53 ];
      allowedUDPPortRanges = [
        {
          from = 60000;
          to = 61000;
        }
      ];
    };
    failed = [ ];
    policy = {
      version = 1;
      rules = [
        {
          id = "nixos-ports";
          from = "any";
          to = "host";
          allow = {
            tcp = [
              22
              443
              "8000-8010"
              9000
            ];
            udp = [
              53
              "60000-61000"
            ];
          };
        }
      ]
      ++ always;
    };
  };
  "imported rules stand behind those of the policy, whose words win" = {
    config = { lib, ... }: {
      imports = [
        (importing {
          allowedTCPPorts = [ 25 ];
          rejectPackets = true;
        })
      ];
      services.vigil.settings = {
        rules = lib.mkAfter [
          {
            id = "no-mail";
            from = "any";
            to = "host";
            drop = "smtp";
          }
        ];
        defaults.input = "drop";
      };
    };
    failed = [ ];
    policy = {
      version = 1;
      defaults.input = "drop";
      rules = [
        {
          id = "no-mail";
          from = "any";
          to = "host";
          drop = "smtp";
        }
        {
          id = "nixos-ports";
          from = "any";
          to = "host";
          allow.tcp = [ 25 ];
        }
      ]
      ++ always;
    };
  };
  "rejectPackets becomes the default of input" = {
    config = importing { rejectPackets = true; };
    failed = [ ];
    policy = {
      version = 1;
      defaults.input = "reject";
      rules = always;
    };
  };
  "allowPing = false leaves IPv6 alone, as in NixOS" = {
    config = importing { allowPing = false; };
    failed = [ ];
    policy = {
      version = 1;
      rules = builtins.tail always;
    };
  };
  "without IPv6 there are no rules for it" = {
    config = {
      imports = [
        (importing { })
        { networking.enableIPv6 = false; }
      ];
    };
    failed = [ ];
    policy = {
      version = 1;
      rules = [ (builtins.head always) ];
    };
  };
  "an interface gets a zone of its own" = {
    config = importing {
      interfaces."Eth1:x".allowedTCPPorts = [ 80 ];
      interfaces.eth1.allowedUDPPorts = [ 67 ];
      interfaces.idle = { };
    };
    failed = [ ];
    policy = {
      version = 1;
      zones = {
        nixos-eth1 = [ "eth1" ];
        nixos-eth1-x-94f406 = [ "Eth1:x" ];
      };
      rules = [
        {
          id = "nixos-eth1-x-94f406";
          from = [ "nixos-eth1-x-94f406" ];
          to = "host";
          allow.tcp = [ 80 ];
        }
        {
          id = "nixos-eth1";
          from = [ "nixos-eth1" ];
          to = "host";
          allow.udp = [ 67 ];
        }
      ]
      ++ always;
    };
  };
  "trusted interfaces may all, and need no rule of their own beside that" = {
    config = importing {
      trustedInterfaces = [
        "wg0"
        "br-+"
        "lo"
      ];
      interfaces."br-0".allowedTCPPorts = [ 80 ];
      interfaces.lo.allowedTCPPorts = [ 81 ];
    };
    failed = [ ];
    policy = {
      version = 1;
      zones = {
        nixos-wg0 = [ "wg0" ];
        nixos-br---3be97b = [ "br-*" ];
      };
      rules = [
        {
          id = "nixos-trusted";
          from = [
            "nixos-wg0"
            "nixos-br---3be97b"
          ];
          to = "host";
          allow = "all";
        }
      ]
      ++ always;
    };
  };
  "an interface of a zone by itself is that zone" = {
    config = {
      imports = [
        (importing {
          interfaces.eth1.allowedTCPPorts = [ 80 ];
          trustedInterfaces = [
            "a"
            "b"
          ];
        })
        {
          services.vigil.settings.zones = {
            lan = "eth1";
            ab = [
              "a"
              "b"
            ];
          };
        }
      ];
    };
    failed = [ ];
    policy = {
      version = 1;
      zones = {
        lan = [ "eth1" ];
        ab = [
          "a"
          "b"
        ];
      };
      rules = [
        {
          id = "nixos-trusted";
          from = [ "ab" ];
          to = "host";
          allow = "all";
        }
        {
          id = "nixos-eth1";
          from = [ "lan" ];
          to = "host";
          allow.tcp = [ 80 ];
        }
      ]
      ++ always;
    };
  };
  "a wildcard stands for the zones and interfaces that it covers" = {
    config = {
      imports = [
        (importing {
          interfaces."veth*".allowedTCPPorts = [ 80 ];
          interfaces.veth1.allowedTCPPorts = [ 81 ];
        })
        {
          networking.nftables.enable = true;
          services.vigil.settings.zones.vm = "veth0";
        }
      ];
    };
    failed = [ ];
    policy = {
      version = 1;
      zones = {
        vm = [ "veth0" ];
        nixos-veth--e7688c = [ "veth*" ];
        nixos-veth1 = [ "veth1" ];
      };
      rules = [
        {
          id = "nixos-veth--e7688c";
          from = [
            "vm"
            "nixos-veth--e7688c"
            "nixos-veth1"
          ];
          to = "host";
          allow.tcp = [ 80 ];
        }
        {
          id = "nixos-veth1";
          from = [ "nixos-veth1" ];
          to = "host";
          allow.tcp = [ 81 ];
        }
      ]
      ++ always;
    };
  };
  "an interface that shares its zone is refused" = {
    config = {
      imports = [
        (importing { interfaces.eth1.allowedTCPPorts = [ 80 ]; })
        {
          services.vigil.settings.zones.lan = [
            "eth1"
            "eth2"
          ];
        }
      ];
    };
    failed = [ "zone lan holds eth1 together" ];
  };
  "an interface that a zone holds by a wildcard is refused" = {
    config = {
      imports = [
        (importing { interfaces.eth1.allowedTCPPorts = [ 80 ]; })
        { services.vigil.settings.zones.lan = "eth*"; }
      ];
    };
    failed = [ "zone lan holds eth1 by a wildcard" ];
  };
  "what only the firewall understands is warned of" = {
    config = importing {
      extraInputRules = "ip saddr 192.0.2.1 drop";
      pingLimit = "2/second";
    };
    failed = [ ];
    warned = [
      "extraInputRules"
      "pingLimit"
    ];
  };
}
