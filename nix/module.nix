# SPDX-License-Identifier: GPL-2.0-or-later
# Vigil on NixOS: services.vigil. The units are those of the package; what stands here is
# laid on top of them.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.vigil;
  format = pkgs.formats.yaml { };

  # The policy is checked on the machine that builds.
  checker =
    if pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform then
      cfg.package
    else
      pkgs.buildPackages.callPackage ./package.nix { };

  # Without what is not set.
  prune =
    value:
    if builtins.isAttrs value && !lib.isDerivation value then
      lib.mapAttrs (_: prune) (lib.filterAttrs (_: v: v != null) value)
    else if builtins.isList value then
      map prune value
    else
      value;
  empty = [
    { }
    [ ]
  ];

  imported = import ./import-firewall.nix {
    inherit lib;
    inherit (config.networking) firewall;
    options = options.networking.firewall;
    inherit (cfg.settings) zones;
    nftables = config.networking.nftables.enable;
    ipv6 = config.networking.enableIPv6;
  };
  whole =
    if cfg.importFirewall then
      cfg.settings
      // {
        # Where a name is in both, the policy's own wins.
        zones = imported.zones // cfg.settings.zones;
        rules = cfg.settings.rules ++ imported.rules;
        defaults = imported.defaults // prune cfg.settings.defaults;
      }
    else
      cfg.settings;

  hasSettings = options.services.vigil.settings.highestPrio < (lib.mkOptionDefault { }).priority;

  inStore =
    file: builtins.isPath file || lib.isDerivation file || lib.hasPrefix "${builtins.storeDir}/" file;
  # Lists in the store are read when the system is built, others when there are any.
  withoutFeeds =
    cfg.policyFile != null || !lib.all (feed: inStore feed.file) (lib.attrValues cfg.settings.feeds);

  written =
    if cfg.policyFile != null then cfg.policyFile else format.generate "policy.yml" cfg.finalSettings;
  checked = pkgs.runCommand "vigil-policy.yml" { preferLocalBuild = true; } ''
    ${checker}/bin/vigil check --no-kernel ${lib.optionalString withoutFeeds "--no-feeds "}${written}
    cp ${written} $out
  '';
  # A file outside of the store is not there when the system is built.
  knownNow = cfg.policyFile == null || inStore cfg.policyFile;
  policy = if cfg.checkPolicy && knownNow then checked else written;

  # On top of the package's unit, and restarted in one step: what the descriptor store and
  # the sockets hold outlives a restart, not a stop.
  service =
    extra:
    {
      overrideStrategy = "asDropin";
      path = lib.mkForce [ ];
      stopIfChanged = false;
    }
    // extra;
in
{
  options.services.vigil = {
    enable = lib.mkEnableOption "Vigil, a firewall that enforces one policy and remembers what happened";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ./package.nix { };
      defaultText = lib.literalExpression "pkgs.callPackage ./package.nix { }";
      description = "The package whose programs and units are used.";
    };

    settings = mkOption {
      type = import ./policy-options.nix { inherit lib format; };
      default = { };
      example = lib.literalExpression ''
        {
          zones.lan = [ "eth1" ];
          rules = [
            { id = "ssh"; from = "lan"; to = "host"; allow = "ssh"; }
          ];
        }
      '';
      description = ''
        The policy, see {manpage}`vigil-policy(5)`. Keys that are not listed here are passed on
        as they are; `vigil check` looks at the whole of it when the system is built.
      '';
    };

    policyFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./policy.yml";
      description = ''
        A policy file, in place of {option}`services.vigil.settings`. One outside of the store
        is not checked when the system is built, and a change of it needs
        `systemctl reload vigil`.
      '';
    };

    checkPolicy = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Check the policy when the system is built. Lists of addresses are read along where all
        of them are in the store.
      '';
    };

    importFirewall = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Take over what {option}`networking.firewall` opens, as rules behind those of
        {option}`services.vigil.settings`, and turn that firewall off: `allowedTCPPorts`,
        `allowedUDPPorts` and their ranges, `interfaces`, `trustedInterfaces`, `allowPing` and
        `rejectPackets`, and what it always lets in, pings of IPv6 and answers of DHCPv6.

        Forwarded traffic is decided by the policy alone, and the reverse path filter
        (`checkReversePath`) is not taken over. There is a warning for extra rules and commands,
        which are lost.
      '';
    };

    finalSettings = mkOption {
      type = types.attrsOf types.anything;
      readOnly = true;
      description = "The policy with all that was imported and without what is not set.";
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      {
        services.vigil.finalSettings = lib.filterAttrs (_: v: !lib.elem v empty) (prune whole);

        assertions = [
          {
            assertion = config.networking.firewall.enable -> cfg.importFirewall;
            message = ''
              Vigil and networking.firewall would both filter this host. Set
              services.vigil.importFirewall = true to take its open ports over, or
              networking.firewall.enable = false to go by Vigil's policy alone.
            '';
          }
          {
            assertion =
              config.networking.nftables.enable -> !(config.networking.nftables.flushRuleset or false);
            message = ''
              networking.nftables.flushRuleset takes Vigil's table away at every reload. Set it to
              false.
            '';
          }
          {
            assertion = cfg.policyFile != null -> !hasSettings;
            message = "services.vigil.policyFile and services.vigil.settings are both set: choose one.";
          }
          {
            assertion = cfg.policyFile != null -> !cfg.importFirewall;
            message = ''
              services.vigil.importFirewall adds to services.vigil.settings, not to a file: write
              the policy as settings, or the ports into services.vigil.policyFile.
            '';
          }
          {
            assertion = cfg.policyFile != null || hasSettings || cfg.importFirewall;
            message = ''
              Vigil has no policy, and with its defaults nothing gets in. Set
              services.vigil.settings, services.vigil.policyFile or services.vigil.importFirewall.
            '';
          }
          {
            assertion = cfg.importFirewall -> imported.conflicts == [ ];
            message = ''
              services.vigil.importFirewall cannot tell some interfaces apart:
              ${lib.concatStringsSep "\n" imported.conflicts}
              Give them a zone of their own in services.vigil.settings.zones.
            '';
          }
        ];

        warnings = lib.optionals cfg.importFirewall (
          map (option: ''
            services.vigil.importFirewall cannot take networking.firewall.${option} over: say it in
            services.vigil.settings.
          '') imported.lost
        );

        # Who is locked out has a console and no network to fetch nft by.
        environment.systemPackages = [
          cfg.package
          pkgs.nftables
        ];
        environment.etc."vigil/policy.yml".source = policy;

        systemd.packages = [ cfg.package ];
        # NixOS heeds no [Install] of a package's units, so their links stand here.
        systemd.services.vigil = service {
          wantedBy = [ "sysinit.target" ];
          reloadTriggers = [ policy ];
        };
        systemd.services.vigil-helper = service { };

        # Nor what a package has for modules-load.d and sysctl.d.
        boot.kernelModules = [
          "nf_tables"
          "nf_conntrack"
          "nf_conntrack_netlink"
          "nfnetlink_log"
        ];
        boot.kernel.sysctl."net.netfilter.nf_conntrack_acct" = lib.mkDefault 1;
      }
      (lib.mkIf cfg.importFirewall { networking.firewall.enable = lib.mkDefault false; })
    ]
  );
}
