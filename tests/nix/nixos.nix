# SPDX-License-Identifier: GPL-2.0-or-later
# evaluate as standin.nix has it, with all modules of NixOS itself, from a copy of nixpkgs
# that has them. Where it has packages too, they are its own, else names without contents.
{
  lib,
  nixpkgs,
  standin,
}:
let
  system = lib.systems.elaborate "x86_64-linux";

  named =
    name:
    standin.make name { }
    // {
      pname = name;
      version = "257.3";
      meta = { };
      override = _: named name;
      overrideAttrs = _: named name;
    }
    // lib.genAttrs [ "bin" "dev" "lib" "man" "out" ] (output: standin.make "${name}-${output}" { });

  linuxPackages = {
    extend = _: linuxPackages;
    kernel = named "linux" // {
      features = { };
      config = lib.genAttrs [ "isEnabled" "isSet" "isYes" ] (_: _: true);
      kernelAtLeast = _: true;
      kernelOlder = _: false;
    };
  };

  names =
    lib.genAttrs [
      "bashInteractive"
      "dbus"
      "dhcpcd"
      "findutils"
      "fish"
      "glibc"
      "glibcLocales"
      "gnugrep"
      "gnused"
      "iptables"
      "kexec-tools"
      "kmod"
      "logrotate"
      "makeInitrdNGTool"
      "nixos-firewall-tool"
      "nsncd"
      "openresolv"
      "perl"
      "shadow"
      "sudo"
      "xonsh"
      "lvm2"
      "zsh"
    ] named
    // lib.genAttrs [ "writeScript" "writeShellScript" ] (_: standin.pkgs.writeText)
    // lib.genAttrs [ "writeScriptBin" "writeShellScriptBin" ] (
      _: name: _:
      named name
    )
    // lib.genAttrs [ "buildEnv" "symlinkJoin" "writeShellApplication" "writeTextFile" ] (
      _: arguments: named arguments.name
    )
    // lib.genAttrs [ "replaceVars" "runCommandCC" "runCommandLocal" ] (
      _: _: _:
      named "made"
    );

  pkgs =
    standin.pkgs
    // names
    // {
      inherit lib linuxPackages;
      _type = "pkgs";
      __splicedPackages = pkgs;
      appendOverlays = _: pkgs;
      buildPackages = pkgs;
      config = { };
      overlays = [ ];
      pkgsStatic = pkgs // {
        callPackage = _: _: named "static";
      };
      runtimeShell = "/bin/sh";
      systemd = named "systemd" // {
        interfaceVersion = 2;
        withUtmp = true;
      };
      stdenv = standin.pkgs.stdenv // {
        inherit (system) is64bit isLinux isx86_64;
        hostPlatform = system;
        buildPlatform = system;
        targetPlatform = system;
      };
      formats =
        standin.pkgs.formats
        // lib.genAttrs [ "ini" "iniWithGlobalSection" "json" "keyValue" "systemd" "toml" ] (
          _: _: {
            type = lib.types.anything;
            generate = name: _: named name;
          }
        );
    };

  # What an installation would have to say as well.
  installation = {
    boot.loader.grub.enable = false;
    documentation.enable = false;
    environment.stub-ld.enable = false;
    fileSystems."/".device = "/dev/vda";
    system.stateVersion = "25.05";
  };
in
specialArgs: modules:
import (nixpkgs + "/nixos/lib/eval-config.nix") {
  inherit lib specialArgs;
  system = null;
  pkgs =
    if builtins.pathExists (nixpkgs + "/pkgs/top-level/all-packages.nix") then
      import nixpkgs { system = "x86_64-linux"; }
    else
      pkgs;
  modules = modules ++ [ installation ];
}
