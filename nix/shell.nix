# SPDX-License-Identifier: GPL-2.0-or-later
# What building and testing by hand needs; the guests of tests/vm/run are Debian's.
{ pkgs }:
pkgs.mkShell {
  inputsFrom = [ (pkgs.callPackage ./package.nix { }) ];
  packages = [
    pkgs.clang
    pkgs.clang-tools
    pkgs.git
    pkgs.iproute2
    pkgs.nftables
    pkgs.nix
    pkgs.podman
    pkgs.qemu
    pkgs.shellcheck
    pkgs.universal-ctags
    pkgs.util-linux
  ];
  # The Makefile brings its own, and sanitizers bear no others.
  hardeningDisable = [ "all" ];
}
