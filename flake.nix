# SPDX-License-Identifier: GPL-2.0-or-later
{
  description = "Vigil, a Linux host firewall: one policy, enforced and remembered";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      perSystem =
        make:
        lib.genAttrs [
          "x86_64-linux"
          "aarch64-linux"
        ] (system: make nixpkgs.legacyPackages.${system});
    in
    {
      nixosModules.default.imports = [ ./nix/module.nix ];
      overlays.default = final: _: { vigil = final.callPackage ./nix/package.nix { }; };

      packages = perSystem (
        pkgs:
        let
          vigil = pkgs.callPackage ./nix/package.nix { };
        in
        {
          default = vigil;
          inherit vigil;
        }
        // import ./nix/oci.nix {
          inherit pkgs vigil;
          revision = self.rev or null;
        }
      );

      # The package with its own tests, and each scenario of tests/vm on machines of NixOS.
      checks = perSystem (
        pkgs:
        { package = pkgs.callPackage ./nix/package.nix { }; } // import ./nix/tests.nix { inherit pkgs; }
      );

      devShells = perSystem (pkgs: {
        default = import ./nix/shell.nix { inherit pkgs; };
      });
      formatter = perSystem (pkgs: pkgs.nixfmt-tree);
    };
}
