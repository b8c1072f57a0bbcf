# SPDX-License-Identifier: GPL-2.0-or-later
# The scenarios of tests/vm on machines of NixOS: NAME.json tells the machines, NAME.py is the
# script. Names, addresses and interfaces are those that the NixOS test driver gives.
{ pkgs }:
let
  inherit (pkgs) lib;
  folder = ../tests/vm;

  # A program of ours that takes the agent's place.
  hostile =
    (pkgs.callPackage ./package.nix {
      parts = [
        "Makefile"
        "helper"
        "src"
        "tests/tests.mk"
        "tests/vm"
      ];
    }).overrideAttrs
      (_: {
        pname = "vigil-hostile";
        buildFlags = [ "build/tests/vm/hostile" ];
        doCheck = false;
        installPhase = "install -D -t $out/bin build/tests/vm/hostile";
      });

  # For containers: without libraries, and without the names of all that it can be.
  busybox = pkgs.runCommand "busybox-alone" { } ''
    install -D -t $out/bin ${pkgs.pkgsStatic.busybox}/bin/busybox
  '';

  features = {
    networkd.networking.useNetworkd = true;
    podman = {
      virtualisation.podman.enable = true;
      environment.systemPackages = [ busybox ];
    };
  };

  # What tests/vm/run takes from the build.
  payloads."build/tests/vm/hostile" = hostile;

  node =
    _: wanted:
    { pkgs, ... }:
    {
      imports = [ ./module.nix ] ++ map (name: features.${name}) (wanted.features or [ ]);
      config = lib.mkMerge [
        {
          virtualisation.vlans = wanted.vlans;
          # NixOS needs more than the guests of tests/vm/run.
          virtualisation.memorySize = lib.max 1024 (wanted.memory or 0);
          # What is let in is Vigil's to say, or nobody's.
          networking.firewall.enable = false;
          environment.systemPackages =
            map (path: payloads.${path}) (wanted.payload or [ ])
            ++ [
              pkgs.conntrack-tools
              pkgs.iproute2
              pkgs.iputils
              pkgs.netcat-openbsd
              pkgs.nftables
              pkgs.procps
              pkgs.python3
              pkgs.sqlite
              pkgs.util-linux
            ];
        }
        (lib.mkIf (wanted.vigil or false) {
          services.vigil = {
            enable = true;
            settings = wanted.policy;
          };
        })
      ];
    };

  test =
    name:
    pkgs.testers.runNixOSTest {
      inherit name;
      nodes = lib.mapAttrs node (lib.importJSON (folder + "/${name}.json")).nodes;
      # The scripts name no types; NixOS lints them all the same.
      skipTypeCheck = true;
      testScript = builtins.readFile (folder + "/${name}.py");
    };

  files = lib.attrNames (builtins.readDir folder);
  # Some are about Debian alone.
  forNixos = name: !((lib.importJSON (folder + "/${name}.json")).debian or false);
  names = lib.filter forNixos (
    map (lib.removeSuffix ".json") (lib.filter (lib.hasSuffix ".json") files)
  );
in
lib.genAttrs names test
