# SPDX-License-Identifier: GPL-2.0-or-later
# docs/nixos-options.md, from the options' own words.
{ lib, pkgs }:
let
  inherit
    (lib.evalModules {
      modules = [
        ./module.nix
        {
          # Nothing of the rest of NixOS is needed to describe these.
          options = lib.genAttrs [ "assertions" "boot" "environment" "networking" "systemd" "warnings" ] (
            _:
            lib.mkOption {
              type = lib.types.raw;
              visible = false;
            }
          );
          config._module.args.pkgs = pkgs;
        }
      ];
    })
    options
    ;

  shown = lib.filter (
    option: option.visible && !option.internal && lib.hasPrefix "services.vigil." option.name
  ) (lib.optionAttrSetToDocList options);

  code = text: if lib.hasInfix "\n" text then "\n\n```nix\n${text}\n```" else " `${text}`";
  text = value: code (lib.removeSuffix "\n" (value.text or (lib.generators.toPretty { } value)));

  # The roles of NixOS' own manual become plain code.
  plain =
    description:
    builtins.replaceStrings [ "{option}`" "{manpage}`" ] [ "`" "`" ] (
      lib.removeSuffix "\n" (description.text or description)
    );

  entry = option: ''
    ## `${option.name}`

    ${plain option.description}

    - Type: ${option.type}
    ${
      lib.optionalString (option ? default && !option.readOnly) "- Default:${text option.default}\n"
      + lib.optionalString (option ? example) "- Example:${text option.example}\n"
    }
  '';
in
''
  # Options of the NixOS module

  Made by `make nix-options` from [nix/module.nix](../nix/module.nix) and
  [nix/policy-options.nix](../nix/policy-options.nix). [policy.md](policy.md) says more of what
  stands in `settings`.

''
+ lib.concatMapStringsSep "\n" (option: lib.removeSuffix "\n\n" (entry option) + "\n") shown
