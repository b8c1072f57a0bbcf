# SPDX-License-Identifier: GPL-2.0-or-later
"""What is in an image: the programs, their libraries, and what these need."""
import dataclasses
import io
import pathlib
import re
import struct
import subprocess
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
HELPER_UID, AGENT_UID, GROUP = 64000, 64001, 64000
ZONES = pathlib.Path("/usr/share/zoneinfo")
CAP_NET_ADMIN = 12
# Where packages have their licences.
LICENCES = "usr/share/doc"


class Missing(Exception):
    """Something of this system that an image needs, in a sentence."""


@dataclasses.dataclass
class File:
    """One entry of an image; without data and link it is a directory."""
    path: str  # no slash at its beginning
    data: bytes = None
    link: str = None
    mode: int = None
    uid: int = 0
    gid: int = 0
    attributes: dict = dataclasses.field(default_factory=dict)
    package: str = "vigil"


def file_capability(number):
    """The attribute security.capability with one capability, permitted and effective, as
    struct vfs_cap_data of linux/capability.h has it."""
    words = struct.pack("<IIIII", 0x02000000 | 1, 1 << number, 0, 0, 0)
    return {"SCHILY.xattr.security.capability": words.decode("ascii")}


def stripped(program):
    """The program without what only a debugger needs."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["strip", "--strip-unneeded", "-o", out.name, program], check=True)
        return pathlib.Path(out.name).read_bytes()


def libraries(programs):
    """Paths of all that the loader maps for these programs, the loader itself included."""
    found = set()
    for program in programs:
        listed = subprocess.run(["ldd", program], capture_output=True, text=True)
        if listed.returncode or "not found" in listed.stdout:
            raise Missing(f"ldd {program}: {listed.stderr.strip() or listed.stdout.strip()}")
        found |= set(re.findall(r"(/\S+) \(0x", listed.stdout))
    return sorted(found)


def packages_of(paths):
    """{path: the Debian package that it belongs to}, without those that dpkg doesn't know."""
    # With merged /usr the same file has two names, and dpkg knows one of them.
    names = {name: path for path in paths
             for name in (path, str(pathlib.Path(path).resolve()), "/usr" + path,
                          path.removeprefix("/usr"))}
    try:
        told = subprocess.run(["dpkg-query", "-S", *sorted(names)], capture_output=True,
                              text=True).stdout
    except FileNotFoundError:
        return {}
    found = re.findall(r"^([^\s,]+).*: (/.*)$", told, re.M)
    return {names[name]: package for package, name in found if name in names}


def time_zones():
    """The zones by their usual names; rules with hours follow local time."""
    if not (ZONES / "UTC").exists():
        raise Missing("there are no time zones in /usr/share/zoneinfo: install tzdata")
    package = packages_of([str(ZONES / "UTC")]).get(str(ZONES / "UTC"), "")
    for path in sorted(ZONES.rglob("*")):
        inside = path.relative_to(ZONES)
        if inside.parts[0] in ("posix", "right") or path.is_dir():
            continue
        if path.is_symlink() and not path.readlink().is_absolute():
            yield File(str(path)[1:], link=str(path.readlink()), package=package)
        elif path.is_file() and not path.is_symlink():
            yield File(str(path)[1:], path.read_bytes(), package=package)


def account(name, uid):
    yield File("etc/passwd", f"{name}:x:{uid}:{GROUP}:Vigil:/:/usr/sbin/nologin\n".encode())
    yield File("etc/group", f"vigil:x:{GROUP}:\n".encode())


def furniture():
    """Directories that engines mount something on, and the one that both share: the agent
    may make its socket there, and not remove the helper's."""
    for path in ("dev", "proc", "sys", "etc/vigil"):
        yield File(path)
    yield File("var/run", link="../run")
    yield File("run/vigil", mode=0o1770, uid=HELPER_UID, gid=GROUP)


def collect(name, programs):
    """Return the files of one image."""
    if name == "vigil-agent":
        places = {"vigil-agent": "usr/lib/vigil/vigil-agent", "vigil": "usr/bin/vigil"}
        files = [*account(name, AGENT_UID), *time_zones(),
                 File("var/lib/vigil", mode=0o750, uid=AGENT_UID, gid=GROUP)]
        attributes, access = {}, {"mode": 0o755}
    else:
        places = {"vigil-helper": "usr/lib/vigil/vigil-helper"}
        files = list(account(name, HELPER_UID))
        attributes = file_capability(CAP_NET_ADMIN)
        # Nobody else gets the capability with it.
        access = {"mode": 0o750, "gid": GROUP}
    files += furniture()
    for program, path in places.items():
        files.append(File(path, stripped(programs / program), **access,
                          attributes=attributes))
    loaded = libraries([programs / program for program in places])
    owners = packages_of(loaded)
    for path in loaded:
        files.append(File(path[1:], pathlib.Path(path).read_bytes(), mode=0o755,
                          package=owners.get(path, "")))
    files.append(File(f"{LICENCES}/vigil/LICENSE", (HERE.parent / "LICENSE").read_bytes()))
    for package in sorted({f.package for f in files} - {"vigil", ""}):
        plain = package.split(":")[0]
        text = pathlib.Path(f"/usr/share/doc/{plain}/copyright")
        if text.exists():
            files.append(File(f"{LICENCES}/{plain}/copyright", text.read_bytes(),
                              package=package))
    return files


def with_parents(files):
    """The files and all directories above them, in an order that depends on names alone."""
    known = {f.path: f for f in files}
    for path in list(known):
        for parent in pathlib.PurePath(path).parents:
            if str(parent) != ".":
                known.setdefault(str(parent), File(str(parent)))
    return [known[path] for path in sorted(known)]


def archive(files, epoch):
    """The files as the bytes of a tar archive, the same whenever and wherever it is made."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in with_parents(files):
            entry = tarfile.TarInfo(file.path)
            entry.mtime, entry.uid, entry.gid = epoch, file.uid, file.gid
            entry.pax_headers = file.attributes
            if file.link is not None:
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, file.link, 0o777
                tar.addfile(entry)
            elif file.data is None:
                entry.type, entry.mode = tarfile.DIRTYPE, file.mode or 0o755
                tar.addfile(entry)
            else:
                entry.size, entry.mode = len(file.data), file.mode or 0o644
                tar.addfile(entry, io.BytesIO(file.data))
    return out.getvalue()
