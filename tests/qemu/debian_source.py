"""virtio-mem.c, memory-device.c and their headers from Debian's QEMU source package, by apt.

apt works on lists of its own there, made of the machine's entries: neither root nor a change to the
machine is needed.
"""

import fcntl
import re
import subprocess
import tarfile
from pathlib import Path

ENTRIES = Path("/etc/apt/sources.list.d")
OLD_ENTRIES = Path("/etc/apt/sources.list")
SECONDS = 300


class NoSource(Exception):
    """The source cannot be had; the message says why."""


def entries(codename: str) -> str:
    """Source entries of the release and its backports, where its binaries are served."""
    found = []
    for file in sorted(ENTRIES.glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", file.read_text()):
            fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
            if codename in fields.get("Suites", "").split():
                fields |= {"Types": "deb-src", "Suites": f"{codename} {codename}-backports"}
                found.append("".join(f"{name}: {value}\n" for name, value in fields.items()))
    lines = OLD_ENTRIES.read_text().splitlines() if OLD_ENTRIES.exists() else []
    for line in lines:
        match = re.match(rf"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+{codename}\s+(.*)", line)
        if match:
            suites = f"{codename} {codename}-backports"
            found.append(
                f"Types: deb-src\nURIs: {match[1]}\nSuites: {suites}\nComponents: {match[2]}\n"
            )
    if not found:
        raise NoSource(f"apt has no entry for {codename}")
    return "\n".join(found)


WANTED = (
    "hw/virtio/virtio-mem.c",
    "include/hw/virtio/virtio-mem.h",
    "hw/mem/memory-device.c",
    "include/hw/mem/memory-device.h",
    "include/hw/boards.h",
)


def shared(directory: Path) -> Path:
    """As `fetch`, once for all processes that name the same directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = directory / "tree" / WANTED[0]
        return file if file.exists() else fetch(directory)


def fetch(directory: Path) -> Path:
    """virtio-mem.c of the newest QEMU served, in a tree with its header. Raises NoSource."""
    try:
        release = dict(
            re.findall(r"^(\w+)=\"?([^\"\n]*)", Path("/etc/os-release").read_text(), re.M)
        )
    except OSError as error:
        raise NoSource(f"no Debian: {error}") from None
    codename = release.get("VERSION_CODENAME")
    if release.get("ID") != "debian" or not codename:
        raise NoSource("no Debian")
    for name in ("lists/partial", "state/lists/partial", "cache/archives/partial", "parts"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / "own.sources").write_text(entries(codename))
    places = {
        "Dir::Etc::sourcelist": directory / "own.sources",
        "Dir::Etc::sourceparts": directory / "parts",
        "Dir::State": directory / "state",
        "Dir::Cache": directory / "cache",
    }
    options = [word for key, value in places.items() for word in ("-o", f"{key}={value}")]
    # The description beside the tar file says nothing that is needed here.
    source = ["source", "--download-only", "--tar-only", "--only-source", "qemu"]
    for command in (["update"], source):
        try:
            done = subprocess.run(
                ["apt-get", "-q", *options, *command],
                cwd=directory,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoSource(f"apt-get {command[0]}: {error}") from None
    archives = sorted(directory.glob("qemu_*.orig.tar.xz"))
    if not archives:
        raise NoSource(f"apt-get source: {' '.join(done.stderr.split())[-300:]}")
    found = 0
    with tarfile.open(archives[-1]) as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            if path in WANTED:
                content = archive.extractfile(member)
                assert content is not None
                file = directory / "tree" / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content.read())
                found += 1
            if found == len(WANTED):
                return directory / "tree" / WANTED[0]
    raise NoSource(f"{archives[-1].name} lacks one of {', '.join(WANTED)}")
