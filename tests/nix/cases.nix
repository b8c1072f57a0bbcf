# SPDX-License-Identifier: GPL-2.0-or-later
# Configurations, and what services.vigil must make of them. The name of each is what it
# shows. `failed` and `warned` are words of each assertion and warning, in order; `policy` is
# the whole policy, where it is told.
let
  ssh = {
    id = "ssh";
    from = "any";
    to = "host";
    allow = "ssh";
  };
  alone = {
    networking.firewall.enable = false;
  };
  with_ =
    settings:
    alone
    // {
      services.vigil = {
        enable = true;
        inherit settings;
      };
    };
  importing = firewall: {
    networking = { inherit firewall; };
    services.vigil = {
      enable = true;
      importFirewall = true;
    };
  };
in
{
  "without enable nothing is done" = {
    config = { };
    failed = [ ];
    off = true;
  };
  "settings become the policy, and what is not set is left out" = {
    config = with_ { rules = [ ssh ]; };
    policy = {
      version = 1;
      rules = [ ssh ];
    };
    failed = [ ];
  };
  "rules of several modules stand in the order that they ask for" = {
    config = { lib, ... }: {
      imports = [
        (with_ {
          rules = [ ssh ];
          zones.lan = "eth1";
        })
        { services.vigil.settings.rules = lib.mkAfter [ (ssh // { id = "last"; }) ]; }
        { services.vigil.settings.rules = lib.mkBefore [ (ssh // { id = "first"; }) ]; }
        { services.vigil.settings.zones.lan = [ "br-*" ]; }
      ];
    };
    sorted = true;
    policy = {
      version = 1;
      zones.lan = [
        "br-*"
        "eth1"
      ];
      rules = [
        (ssh // { id = "first"; })
        ssh
        (ssh // { id = "last"; })
      ];
    };
    failed = [ ];
  };
  "a policy has every section, and keys that have no option pass" = {
    config = with_ {
      zones = {
        wan = "eth0";
        lan = [
          "eth1"
          "br-*"
        ];
      };
      groups = {
        admin = [
          "192.0.2.0/24"
          "2001:db8::/32"
        ];
      };
      ports = {
        game = {
          udp = [
            27015
            "27031-27036"
          ];
          tcp = 27015;
        };
      };
      feeds.bad = {
        file = "/var/lib/lists/bad.txt";
        refresh = "6h";
        never = "admin";
        on_error = "fail";
        max_entries = 1000;
        on_empty = "allow";
      };
      ban = "bad";
      defaults = {
        input = "drop";
        output = "reject";
      };
      rules = [
        {
          id = "ssh";
          from = {
            group = "admin";
          };
          to = "host";
          allow = "ssh";
          limit = {
            rate = "5/minute";
            burst = 5;
            per = "source";
          };
          log = true;
          comment = "by hand";
        }
        {
          id = "game";
          from = "wan";
          to = {
            zone = "lan";
            address = "192.168.1.20";
          };
          allow = "game";
          connections.max = 20;
          time = {
            days = [ "fri" ];
            from = "16:00";
          };
        }
        {
          id = "no";
          from = "lan";
          to = [ "wan" ];
          reject.tcp = 25;
        }
        {
          id = "never";
          from = "any";
          to = "any";
          drop = {
            protocol = "gre";
          };
        }
        {
          id = "out";
          from = "host";
          to = "any";
          allow = "all";
        }
      ];
      nat = [
        {
          masquerade = {
            from = "lan";
            to = "wan";
            family = "any";
          };
        }
        {
          forward = {
            id = "nas";
            from = "wan";
            tcp = 8443;
            to = "10.0.1.5:443";
          };
        }
      ];
      flows = {
        keep = "30d";
        max_size = "1GiB";
        denied = false;
        mark = "0xffff0000";
      };
    };
    policy = {
      version = 1;
      zones = {
        wan = [ "eth0" ];
        lan = [
          "eth1"
          "br-*"
        ];
      };
      groups = {
        admin = [
          "192.0.2.0/24"
          "2001:db8::/32"
        ];
      };
      ports = {
        game = {
          udp = [
            27015
            "27031-27036"
          ];
          tcp = 27015;
        };
      };
      feeds.bad = {
        file = "/var/lib/lists/bad.txt";
        refresh = "6h";
        never = [ "admin" ];
        on_error = "fail";
        max_entries = 1000;
        on_empty = "allow";
      };
      ban = [ "bad" ];
      defaults = {
        input = "drop";
        output = "reject";
      };
      rules = [
        {
          id = "ssh";
          from = {
            group = "admin";
          };
          to = "host";
          allow = "ssh";
          limit = {
            rate = "5/minute";
            burst = 5;
            per = "source";
          };
          log = true;
          comment = "by hand";
        }
        {
          id = "game";
          from = "wan";
          to = {
            zone = "lan";
            address = "192.168.1.20";
          };
          allow = "game";
          connections.max = 20;
          time = {
            days = [ "fri" ];
            from = "16:00";
          };
        }
        {
          id = "no";
          from = "lan";
          to = [ "wan" ];
          reject.tcp = 25;
        }
        {
          id = "never";
          from = "any";
          to = "any";
          drop = {
            protocol = "gre";
          };
        }
        {
          id = "out";
          from = "host";
          to = "any";
          allow = "all";
        }
      ];
      nat = [
        {
          masquerade = {
            from = "lan";
            to = "wan";
            family = "any";
          };
        }
        {
          forward = {
            id = "nas";
            from = "wan";
            tcp = 8443;
            to = "10.0.1.5:443";
          };
        }
      ];
      flows = {
        keep = "30d";
        max_size = "1GiB";
        denied = false;
        mark = "0xffff0000";
      };
    };
    failed = [ ];
  };
  "a wrong policy fails the build and not the evaluation" = {
    config = with_ { rules = [ (ssh // { allow = "shh"; }) ]; };
    failed = [ ];
    refused = "did you mean \"ssh\"?";
  };
  "checkPolicy = false leaves the check out" = {
    config = {
      imports = [
        (with_ { rules = [ ssh ]; })
        { services.vigil.checkPolicy = false; }
      ];
    };
    failed = [ ];
    unchecked = true;
  };
  "lists in the store are read when the system is built" = {
    config = with_ {
      rules = [ ssh ];
      feeds.bad.file = ./cases.nix;
      ban = "bad";
    };
    failed = [ ];
    feedsRead = true;
  };
  "a policy file is taken as it is" = {
    config = alone // {
      services.vigil = {
        enable = true;
        policyFile = ../../examples/web-server.yml;
      };
    };
    failed = [ ];
    file = ../../examples/web-server.yml;
  };
  "a policy file outside of the store is not checked" = {
    config = alone // {
      services.vigil = {
        enable = true;
        policyFile = "/run/secrets/policy.yml";
      };
    };
    failed = [ ];
    unchecked = true;
  };

  "beside the firewall of NixOS it is refused" = {
    config = {
      services.vigil = {
        enable = true;
        settings.rules = [ ssh ];
      };
    };
    failed = [ "would both filter" ];
  };
  "a flushed ruleset is refused" = {
    config = {
      imports = [
        (with_ { rules = [ ssh ]; })
        {
          networking.nftables = {
            enable = true;
            flushRuleset = true;
          };
        }
      ];
    };
    failed = [ "flushRuleset" ];
  };
  "nftables without a flushed ruleset is not refused" = {
    config = {
      imports = [
        (with_ { rules = [ ssh ]; })
        { networking.nftables.enable = true; }
      ];
    };
    failed = [ ];
  };
  "a flushed ruleset of an nftables that is off is not refused" = {
    config = {
      imports = [
        (with_ { rules = [ ssh ]; })
        { networking.nftables.flushRuleset = true; }
      ];
    };
    failed = [ ];
  };
  "settings and a policy file together are refused" = {
    config = {
      imports = [
        (with_ { rules = [ ssh ]; })
        { services.vigil.policyFile = ../../examples/web-server.yml; }
      ];
    };
    failed = [ "both set" ];
  };
  "a policy file and an imported firewall are refused" = {
    config = {
      imports = [
        (importing { })
        { services.vigil.policyFile = ../../examples/web-server.yml; }
      ];
    };
    failed = [ "not to a file" ];
  };
  "no policy at all is refused" = {
    config = alone // {
      services.vigil.enable = true;
    };
    failed = [ "has no policy" ];
  };
}
