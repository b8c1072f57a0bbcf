# SPDX-License-Identifier: GPL-2.0-or-later
# As much of NixOS and of its packages as nix/ touches, over the real module system of
# nixpkgs' lib. What is not here is an error, as an option that does not exist would be.
{ lib }:
let
  inherit (lib) mkOption types;

  anything =
    default:
    mkOption {
      type = types.anything;
      inherit default;
    };
  strings = mkOption {
    type = types.listOf types.str;
    default = [ ];
  };
  toggle =
    default:
    mkOption {
      type = types.bool;
      inherit default;
    };

  value =
    (types.nullOr (
      types.oneOf [
        types.bool
        types.int
        types.float
        types.str
        types.path
        (types.attrsOf value)
        (types.listOf value)
      ]
    ))
    // {
      description = "YAML value";
    };

  # Real derivations, so that what goes into them is forced as it would be.
  make =
    name: arguments:
    derivation (
      {
        inherit name;
        system = "x86_64-linux";
        builder = "/bin/sh";
      }
      //
        lib.mapAttrs
          (_: v: if lib.isDerivation v || lib.isList v || lib.isString v then v else builtins.toJSON v)
          (
            removeAttrs arguments [
              "meta"
              "passthru"
            ]
          )
    )
    // arguments.passthru or { }
    // removeAttrs arguments [ "passthru" ];

  libraries = lib.genAttrs [
    "bash"
    "clang"
    "clang-tools"
    "cmocka"
    "conntrack-tools"
    "coreutils"
    "git"
    "iproute2"
    "iputils"
    "jansson"
    "libmd"
    "libmnl"
    "libnftnl"
    "libseccomp"
    "libyaml"
    "netcat-openbsd"
    "nftables"
    "nix"
    "nixfmt-tree"
    "pkg-config"
    "podman"
    "procps"
    "python3"
    "qemu"
    "removeReferencesTo"
    "scdoc"
    "shellcheck"
    "sqlite"
    "systemdLibs"
    "tzdata"
    "universal-ctags"
    "util-linux"
  ] (name: make name { });

  pkgs = libraries // {
    inherit lib pkgs;
    buildPackages = pkgs;
    pkgsStatic.busybox = make "busybox" { };
    formats.yaml = _: {
      type = value;
      generate = name: content: make name { text = builtins.toJSON content; };
    };
    stdenv = rec {
      mkDerivation =
        arguments:
        make "${arguments.pname}-${arguments.version}" arguments
        // {
          overrideAttrs = change: mkDerivation (arguments // change arguments);
        };
      buildPlatform.canExecute = _: true;
      hostPlatform.system = "x86_64-linux";
      cc.targetPrefix = "";
    };
    runCommand =
      name: attributes: text:
      make name (attributes // { buildCommand = text; });
    writeText = name: text: make name { inherit text; };
    mkShell = arguments: make "shell" (removeAttrs arguments [ "inputsFrom" ]);
    callPackage =
      f: arguments:
      let
        function = if lib.isFunction f then f else import f;
      in
      function (builtins.intersectAttrs (lib.functionArgs function) pkgs // arguments);
    dockerTools.buildLayeredImage =
      image: make image.name (image // { passthru = { inherit image; }; });
    testers.runNixOSTest = test: make "vm-test-run-${test.name}" { passthru = { inherit test; }; };
  };

  unit = section: {
    options = {
      overrideStrategy = mkOption {
        type = types.enum [
          "asDropin"
          "asDropinIfExists"
        ];
        default = "asDropinIfExists";
      };
      wantedBy = strings;
      reloadTriggers = mkOption {
        type = types.listOf types.unspecified;
        default = [ ];
      };
      unitConfig = anything { };
      ${section} = anything { };
    };
  };
  service = {
    options = {
      path = mkOption {
        type = types.listOf types.package;
        default = [ ];
      };
      stopIfChanged = toggle true;
      environment = anything { };
    };
    config.path = lib.mkAfter [ pkgs.coreutils ];
  };
  units =
    section: extra:
    mkOption {
      type = types.attrsOf (
        types.submodule [
          (unit section)
          extra
        ]
      );
      default = { };
    };

  section =
    title: keys:
    lib.optionalString (keys != { }) (
      lib.concatStrings ([ "[${title}]\n" ] ++ lib.mapAttrsToList (key: v: "${key}=${toString v}\n") keys)
    );
  unitKeys =
    definition:
    definition.unitConfig
    // lib.optionalAttrs (definition.reloadTriggers != [ ]) {
      X-Reload-Triggers = pkgs.writeText "triggers" (toString definition.reloadTriggers);
    };
  serviceKeys =
    definition:
    lib.optionalAttrs (definition.path != [ ]) {
      Environment = ''"PATH=${lib.makeBinPath definition.path}"'';
    }
    // lib.optionalAttrs (!definition.stopIfChanged) { X-StopIfChanged = "false"; }
    // definition.serviceConfig;
  rendered = kind: title: keys: definition: {
    inherit (definition) wantedBy overrideStrategy;
    text = section "Unit" (unitKeys definition) + section title (keys definition);
  };

  ports = {
    allowedTCPPorts = anything [ ];
    allowedUDPPorts = anything [ ];
    allowedTCPPortRanges = anything [ ];
    allowedUDPPortRanges = anything [ ];
  };

  # NixOS' own modules write here whether anybody asked or not.
  tidying = {
    _file = "nixos/modules/services/networking/nat-iptables.nix";
    config.networking.firewall.extraCommands = lib.mkBefore "iptables -F nixos-nat-pre";
  };

  nixos =
    { config, ... }:
    {
      options = {
        assertions = mkOption {
          type = types.listOf types.unspecified;
          default = [ ];
        };
        warnings = strings;
        boot.kernelModules = strings;
        boot.kernel.sysctl = anything { };
        environment.systemPackages = mkOption {
          type = types.listOf types.package;
          default = [ ];
        };
        environment.etc = mkOption {
          type = types.attrsOf (types.submodule { options.source = mkOption { type = types.path; }; });
          default = { };
        };
        networking = {
          enableIPv6 = toggle true;
          useNetworkd = toggle false;
          nftables.enable = toggle false;
          nftables.flushRuleset = toggle false;
          firewall = ports // {
            enable = toggle true;
            allowPing = toggle true;
            rejectPackets = toggle false;
            pingLimit = anything null;
            extraCommands = mkOption {
              type = types.lines;
              default = "";
            };
            extraInputRules = mkOption {
              type = types.lines;
              default = "";
            };
            connectionTrackingModules = strings;
            trustedInterfaces = strings;
            filterOutput.enabled = toggle false;
            interfaces = mkOption {
              type = types.attrsOf (types.submodule { options = ports; });
              default = { };
            };
          };
        };
        systemd.packages = mkOption {
          type = types.listOf types.package;
          default = [ ];
        };
        systemd.services = units "serviceConfig" service;
        systemd.sockets = units "socketConfig" { };
        systemd.units = anything { };
        virtualisation = anything { };
      };
      config = {
        # The firewall of NixOS does so itself.
        networking.firewall.trustedInterfaces = lib.mkIf config.networking.firewall.enable [ "lo" ];
        systemd.units =
          lib.mapAttrs' (
            name: definition:
            lib.nameValuePair "${name}.service" (rendered "service" "Service" serviceKeys definition)
          ) config.systemd.services
          // lib.mapAttrs' (
            name: definition:
            lib.nameValuePair "${name}.socket" (rendered "socket" "Socket" (d: d.socketConfig) definition)
          ) config.systemd.sockets;
      };
    };
in
{
  inherit pkgs make;
  evaluate =
    specialArgs: modules:
    (lib.evalModules {
      inherit specialArgs;
      modules = modules ++ [
        nixos
        tidying
        { _module.args.pkgs = pkgs; }
      ];
    });
}
