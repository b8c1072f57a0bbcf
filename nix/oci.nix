# SPDX-License-Identifier: GPL-2.0-or-later
# The two images of oci/ by dockerTools: the same users, entry points and labels. A file of
# the store bears no capability, so the helper has CAP_NET_ADMIN only from engines that hand
# it to a user other than root, as podman does; for others take the images of oci/.
{
  pkgs,
  vigil,
  revision ? null,
}:
let
  inherit (pkgs) lib;
  group = 64000;

  # Programs alone, with the libraries that they name, and not all of the package.
  programs =
    name: places:
    pkgs.runCommand "${name}-programs" { nativeBuildInputs = [ pkgs.removeReferencesTo ]; } ''
      ${lib.concatStrings (
        lib.mapAttrsToList (from: to: "install -D ${vigil}/${from} $out/${to}\n") places
      )}
      find $out -type f -exec remove-references-to -t ${vigil} {} +
      install -D -m 644 ${../LICENSE} $out/usr/share/doc/vigil/LICENSE
    '';

  image =
    {
      name,
      uid,
      description,
      places,
      contents ? [ ],
      entrypoint,
      env ? [ ],
      state ? "",
    }:
    pkgs.dockerTools.buildLayeredImage {
      inherit name;
      tag = vigil.version;
      contents = [ (programs name places) ] ++ contents;
      # What both images share is the helper's: the agent may make its socket there, and not
      # remove the helper's.
      fakeRootCommands = ''
        mkdir -p dev proc sys etc/vigil run/vigil
        chown ${toString group}:${toString group} run/vigil
        chmod 1770 run/vigil
        echo '${name}:x:${toString uid}:${toString group}:Vigil:/:/usr/sbin/nologin' > etc/passwd
        echo 'vigil:x:${toString group}:' > etc/group
        ${state}
      '';
      config = {
        User = "${toString uid}:${toString group}";
        Env = env;
        Entrypoint = entrypoint;
        StopSignal = "SIGTERM";
        Labels = lib.mapAttrs' (key: lib.nameValuePair "org.opencontainers.image.${key}") (
          {
            title = name;
            inherit description;
            inherit (vigil) version;
            licenses = "GPL-2.0-or-later";
          }
          // lib.optionalAttrs (revision != null) { inherit revision; }
        );
      };
    };
in
{
  oci-agent = image {
    name = "vigil-agent";
    uid = 64001;
    description = "Vigil, the host firewall: reads the policy and remembers what happened. Needs no capability and no network.";
    places = {
      "lib/vigil/vigil-agent" = "usr/lib/vigil/vigil-agent";
      "bin/vigil" = "usr/bin/vigil";
    };
    # Rules with hours follow local time.
    contents = [
      (pkgs.runCommand "vigil-zoneinfo" { } ''
        mkdir -p $out/usr/share
        ln -s ${pkgs.tzdata}/share/zoneinfo $out/usr/share/zoneinfo
      '')
    ];
    entrypoint = [ "/usr/lib/vigil/vigil-agent" ];
    # Where `podman exec vigil-agent vigil status` finds it.
    env = [ "PATH=/usr/bin" ];
    state = ''
      mkdir -p var/lib/vigil
      chown 64001:${toString group} var/lib/vigil
      chmod 750 var/lib/vigil
    '';
  };

  oci-helper = image {
    name = "vigil-helper";
    uid = 64000;
    description = "Vigil, the host firewall: hands the agent's rules to the kernel. Needs CAP_NET_ADMIN and nothing else.";
    places."lib/vigil/vigil-helper" = "usr/lib/vigil/vigil-helper";
    entrypoint = [
      "/usr/lib/vigil/vigil-helper"
      "--listen"
      "/run/vigil/helper.sock"
    ];
  };
}
