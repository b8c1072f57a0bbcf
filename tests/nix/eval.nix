# SPDX-License-Identifier: GPL-2.0-or-later
# What tests/nix/check looks at, as one value that can be written as JSON.
#
# nixpkgs: nixpkgs itself, or a copy of its lib/ alone. readme: the README's snippet, a file.
# only: the names of the cases to look at, null for all.
{
  nixpkgs,
  readme,
  only ? null,
}:
let
  lib = import (nixpkgs + "/lib");
  standin = import ./standin.nix { inherit lib; };
  flake = import ../../flake.nix;
  systems = [
    "x86_64-linux"
    "aarch64-linux"
  ];
  outputs = flake.outputs {
    self = outputs;
    nixpkgs = {
      inherit lib;
      legacyPackages = lib.genAttrs systems (_: standin.pkgs);
    };
  };
  vigil = outputs.nixosModules.default;

  unitsOf =
    config:
    lib.mapAttrs (_: unit: { inherit (unit) text wantedBy overrideStrategy; }) (
      lib.filterAttrs (name: _: lib.hasPrefix "vigil" name) config.systemd.units
    );

  ours = lib.hasInfix "igil";

  look =
    config:
    let
      source = config.environment.etc."vigil/policy.yml".source or null;
    in
    {
      # NixOS itself has more to say, of file systems and boot loaders.
      failed = lib.filter ours (map (a: a.message) (lib.filter (a: !a.assertion) config.assertions));
      warnings = lib.filter ours config.warnings;
      firewall = config.networking.firewall.enable;
      inherit (config.boot) kernelModules;
      sysctl = config.boot.kernel.sysctl;
      units = unitsOf config;
      commands = map toString config.environment.systemPackages;
      packages = map toString (lib.filter (p: p.pname or "" == "vigil") config.systemd.packages);
      etc = lib.filter (lib.hasPrefix "vigil") (lib.attrNames config.environment.etc);
    }
    // lib.optionalAttrs config.services.vigil.enable {
      policy = config.services.vigil.finalSettings;
      source = toString source;
      check = source.buildCommand or null;
      package = toString config.services.vigil.package;
    };

  # NixOS itself, where it is there.
  whole = builtins.pathExists (nixpkgs + "/nixos/modules/module-list.nix");
  nixos = import ./nixos.nix { inherit lib nixpkgs standin; };

  by = evaluate: {
    cases = lib.mapAttrs (_: case evaluate) (
      lib.filterAttrs (name: _: only == null || lib.elem name only) (
        import ./cases.nix // import ./firewall-cases.nix
      )
    );
    readme = look (evaluate { vigil = outputs; } [ (import readme) ]).config;
  };
  case =
    evaluate: expected:
    let
      found =
        look
          (evaluate { } [
            vigil
            expected.config
          ]).config;
      safe = builtins.tryEval (builtins.deepSeq found found);
    in
    {
      expected =
        removeAttrs expected [ "config" ]
        // lib.optionalAttrs (expected ? file) { file = toString expected.file; };
      found = if safe.success then safe.value else { error = true; };
    };

  # A test's nodes without what the test driver adds.
  vm = test: {
    inherit (test.test) name testScript;
    nodes = lib.mapAttrs (_: node: {
      found = look (standin.evaluate { } [ node ]).config;
      inherit ((standin.evaluate { } [ node ]).config) virtualisation;
    }) test.test.nodes;
  };
  names = lib.mapAttrs (_: lib.attrNames);
in
{
  # Large, and so asked for by the piece.
  nixos = by nixos;
  rest = {
    inherit whole;
    standin = by standin.evaluate;
    options = import ../../nix/options-doc.nix {
      inherit lib;
      inherit (standin) pkgs;
    };
    flake = {
      outputs = lib.attrNames outputs;
      inputs = lib.attrNames flake.inputs;
      packages = names outputs.packages;
      checks = names outputs.checks;
      shells = names outputs.devShells;
      formatter = lib.attrNames outputs.formatter;
      images = lib.mapAttrs (_: package: package.image.config) (
        lib.filterAttrs (_: package: package ? image) outputs.packages.x86_64-linux
      );
      # Forces all that goes into them.
      derivations = lib.mapAttrs (_: package: package.drvPath) outputs.packages.x86_64-linux;
      source = "${outputs.packages.x86_64-linux.vigil.src}";
      shell = outputs.devShells.x86_64-linux.default.drvPath;
      overlay = (outputs.overlays.default standin.pkgs standin.pkgs).vigil.drvPath;
    };
    tests = lib.mapAttrs (_: vm) (lib.filterAttrs (_: check: check ? test) outputs.checks.x86_64-linux);
  };
}
