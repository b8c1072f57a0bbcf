# SPDX-License-Identifier: GPL-2.0-or-later
# The programs, units, manual pages and completions: callPackage ./package.nix { }
{
  lib,
  stdenv,
  cmocka,
  jansson,
  libmd,
  libmnl,
  libnftnl,
  libseccomp,
  libyaml,
  nftables,
  pkg-config,
  python3,
  scdoc,
  sqlite,
  systemdLibs,
  # What the programs are made of, so that nothing else is a reason to make them anew.
  parts ? [
    "Makefile"
    "README.md"
    "docs"
    "examples"
    "helper"
    "man"
    "src"
    "systemd"
    "tests/golden"
    "tests/kernel"
    "tests/run"
    "tests/tests.mk"
    "tests/unit"
  ],
}:
let
  root = ../.;
  lines = lib.splitString "\n" (builtins.readFile ../Makefile);
  version = lib.removePrefix "VERSION := " (lib.findFirst (lib.hasPrefix "VERSION := ") null lines);
in
stdenv.mkDerivation {
  pname = "vigil";
  inherit version;

  src = lib.cleanSourceWith {
    name = "vigil-source";
    src = root;
    filter =
      path: _:
      let
        name = lib.removePrefix "${toString root}/" path;
      in
      lib.any (part: lib.hasPrefix "${name}/" "${part}/" || lib.hasPrefix "${part}/" name) parts;
  };

  strictDeps = true;
  nativeBuildInputs = [
    pkg-config
    python3
    scdoc
  ];
  buildInputs = [
    cmocka # the Makefile asks for all libraries at once
    jansson
    libmd
    libmnl
    libnftnl
    libseccomp
    libyaml
    nftables
    sqlite
    systemdLibs
  ];

  # Warnings of a compiler that is newer than the code are no reason not to build.
  env.NIX_CFLAGS_COMPILE = "-Wno-error";

  postPatch = ''
    patchShebangs tests
  '';

  makeFlags = [
    "PREFIX=${placeholder "out"}"
    "CC=${stdenv.cc.targetPrefix}cc"
    "AR=${stdenv.cc.targetPrefix}ar"
  ];
  # The place for a policy, which the module makes on its own.
  installFlags = [ "SYSCONFDIR=${placeholder "out"}/etc" ];
  enableParallelBuilding = true;

  # What needs no namespace and no other compiler.
  doCheck = stdenv.buildPlatform.canExecute stdenv.hostPlatform;
  checkTarget = "test";

  meta = {
    description = "Linux host firewall: one policy, enforced by the kernel, and a record of what happened";
    license = lib.licenses.gpl2Plus;
    platforms = lib.platforms.linux;
    mainProgram = "vigil";
  };
}
