# SPDX-License-Identifier: GPL-2.0-or-later
"""An SPDX 2.3 document of what is in an image (https://spdx.github.io/spdx-spec/v2.3/)."""
import datetime
import hashlib
import json
import pathlib
import re
import subprocess
import urllib.parse
import uuid

# Names that Debian's copyright files use, and the SPDX identifiers of the same texts.
NAMES = {
    "GPL-2": "GPL-2.0-only", "GPL-2.0": "GPL-2.0-only",
    "GPL-2+": "GPL-2.0-or-later", "GPL-2.0+": "GPL-2.0-or-later",
    "GPL-3+": "GPL-3.0-or-later", "GPL-3.0+": "GPL-3.0-or-later",
    "LGPL-2+": "LGPL-2.0-or-later", "LGPL-2.0+": "LGPL-2.0-or-later",
    "LGPL-2.1": "LGPL-2.1-only",
    "LGPL-2.1+": "LGPL-2.1-or-later", "LGPL-3+": "LGPL-3.0-or-later",
    "Expat": "MIT", "expat": "MIT", "MIT": "MIT", "ISC": "ISC", "Zlib": "Zlib",
    "BSD-2-clause": "BSD-2-Clause", "BSD-3-clause": "BSD-3-Clause",
}
FIELDS = ("Version", "Architecture", "Maintainer", "source:Package", "source:Version")


def date(epoch):
    when = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def identifier(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(words))


def distribution():
    """(ID, code name) of the system that the libraries are of."""
    found = {}
    path = pathlib.Path("/etc/os-release")
    for line in path.read_text().splitlines() if path.exists() else []:
        key, _, value = line.partition("=")
        found[key] = value.strip('"')
    return found.get("ID", "linux"), found.get("VERSION_CODENAME", "")


def declared_licence(package):
    """What the copyright file says about most files, where that is in words of SPDX."""
    path = pathlib.Path(f"/usr/share/doc/{package}/copyright")
    text = path.read_text(errors="replace") if path.exists() else ""
    match = re.search(r"^Files: *\*\s*\n(?:.*\n)*?License: *(.+)$", text, re.M)
    words = re.split(r"( and | or )", match[1].strip()) if match else [""]
    names = [word if word in (" and ", " or ") else NAMES.get(word) for word in words]
    if None in names:
        return "NOASSERTION"
    return "".join({" and ": " AND ", " or ": " OR "}.get(n, n) for n in names)


def debian_package(package):
    """The description of a package that dpkg knows."""
    query = "\\n".join("${%s}" % field for field in FIELDS)
    told = subprocess.run(["dpkg-query", "-W", "-f", query, package], capture_output=True,
                          text=True, check=True).stdout.split("\n")
    version, architecture, maintainer, source, source_version = told[:5]
    name, (system, codename) = package.split(":")[0], distribution()
    person = re.sub(r"\s*<(.*)>", r" (\1)", maintainer)
    return {
        "name": name, "SPDXID": identifier("package", name), "versionInfo": version,
        "supplier": f"Organization: {person}",
        "downloadLocation": "NOASSERTION",
        "sourceInfo": f"built from {source} {source_version}",
        "licenseConcluded": "NOASSERTION", "licenseDeclared": declared_licence(name),
        "licenseComments": f"See /usr/share/doc/{name}/copyright in the image.",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": f"pkg:deb/{system}/{name}@"
                                f"{urllib.parse.quote(version, safe=':~')}"
                                f"?arch={architecture}&distro={codename}"}],
    }


def other_package(name, version):
    """Vigil itself, and libraries that no package manager answers for."""
    ours = name == "vigil"
    licence = "GPL-2.0-or-later" if ours else "NOASSERTION"
    return {
        "name": name or "files-of-no-known-package",
        "SPDXID": identifier("package", name or "unknown"),
        "versionInfo": version if ours else "NOASSERTION",
        "downloadLocation": "NOASSERTION", "licenseConcluded": licence,
        "licenseDeclared": licence, "copyrightText": "NOASSERTION",
    }


def describe_file(file):
    return {
        "fileName": "./" + file.path,
        # Not the name itself: "GMT+1" and "GMT-1" would be the same identifier.
        "SPDXID": identifier("file", hashlib.sha256(file.path.encode()).hexdigest()[:16]),
        "checksums": [{"algorithm": kind, "checksumValue":
                       hashlib.new(kind.lower(), file.data).hexdigest()}
                      for kind in ("SHA1", "SHA256")],
        "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION",
    }


def verification_code(files):
    """Of one package, as clause 7.9 wants it."""
    sums = sorted(f["checksums"][0]["checksumValue"] for f in files)
    return {"packageVerificationCodeValue": hashlib.sha1("".join(sums).encode()).hexdigest()}


def relation(one, kind, other):
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def describe(name, version, epoch, files):
    """Return the document as bytes, the same for the same files."""
    image = {
        "name": name, "SPDXID": identifier("image"), "versionInfo": version,
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER", "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
    }
    packages, listed = [image], []
    relations = [relation("SPDXRef-DOCUMENT", "DESCRIBES", image["SPDXID"])]
    for owner in sorted({f.package for f in files}):
        package = (other_package(owner, version) if owner in ("vigil", "")
                   else debian_package(owner))
        own = [describe_file(f) for f in sorted(files, key=lambda f: f.path)
               if f.package == owner and f.data is not None]
        package |= {"filesAnalyzed": True, "packageVerificationCode": verification_code(own)}
        packages.append(package)
        listed += own
        relations.append(relation(image["SPDXID"], "CONTAINS", package["SPDXID"]))
        relations += [relation(package["SPDXID"], "CONTAINS", f["SPDXID"]) for f in own]
    body = {"packages": packages, "files": listed, "relationships": relations}
    number = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([name, version, body]))
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{name}-{version}",
        "documentNamespace": f"urn:uuid:{number}",
        "creationInfo": {"created": date(epoch), "creators": [f"Tool: vigil-oci-build-{version}"]},
        **body,
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
