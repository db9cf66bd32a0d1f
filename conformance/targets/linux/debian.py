"""Kernels and busybox as Debian serves them, unpacked into the user's cache.

apt works on lists of its own, made of the machine's entries: neither root nor a change to the
machine is needed. Its signatures are checked as ever.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import platformdirs

from conformance.targets.linux.kernel import KernelError

DEFAULT_SUITE: Final = "bookworm"
_IMAGE: Final = "linux-image-cloud-amd64"
_PART: Final = re.compile(r"linux-(?:image|binary|modules)-\d\S*-cloud-amd64")
_ENTRIES: Final = Path("/etc/apt/sources.list.d")
_OLD_ENTRIES: Final = Path("/etc/apt/sources.list")
_KEYS: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_SECONDS: Final = 300


def debian_kernel(suite: str) -> Path:
    """The image of the suite's kernel for clouds; once fetched, it stays. Raises KernelError."""
    place = _cache() / f"kernel-{suite}"
    if not place.is_dir():
        _fetch(suite, place, kernel=True)
    images = sorted((*place.glob("boot/vmlinuz-*"), *place.glob("usr/lib/modules/*/vmlinuz")))
    if not images:
        raise KernelError(f"{place}: no kernel in what {suite} serves as {_IMAGE}")
    return images[-1]


def static_busybox() -> Path:
    """A busybox that needs no library: the machine's, or else Debian's. Raises KernelError."""
    found = shutil.which("busybox")
    if found and _is_static(Path(found)):
        return Path(found)
    place = _cache() / "busybox"
    if not place.is_dir():
        _fetch(DEFAULT_SUITE, place, kernel=False)
    for path in (place / "usr/bin/busybox", place / "bin/busybox"):
        if path.is_file():
            return path
    raise KernelError(f"{place}: no busybox in busybox-static")


def _cache() -> Path:
    return platformdirs.user_cache_path("slotproof") / "guests"


def _is_static(program: Path) -> bool:
    """No interpreter is asked for: an ELF file names it near its start."""
    return b"/ld-" not in program.read_bytes()[:4096]


def _fetch(suite: str, place: Path, *, kernel: bool) -> None:
    """Unpack packages into a folder that is there whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        work = Path(folder)
        options = _own_lists(work, suite)
        _run(work, "apt-get", "-q", *options, "update")
        names = _parts(work, options) if kernel else ["busybox-static"]
        _run(work, "apt-get", "-q", *options, "download", *names)
        tree = work / "tree"
        tree.mkdir()
        for package in sorted(work.glob("*.deb")):
            _run(work, "dpkg-deb", "-x", package.name, "tree")
        if not place.is_dir():
            tree.rename(place)


def _parts(work: Path, options: list[str]) -> list[str]:
    """The packages that hold the image and its modules: one, or since 7.x one for each."""
    found: list[str] = []
    asked = [_IMAGE]
    while asked:
        told = _run(work, "apt-cache", *options, "depends", asked.pop())
        new = [name for name in _PART.findall(told) if name not in found]
        found += dict.fromkeys(new)
        asked += dict.fromkeys(new)
    if not found:
        raise KernelError(f"{_IMAGE} depends on no image")
    return found


def _own_lists(work: Path, suite: str) -> list[str]:
    """Options that keep apt to the entries of one suite, in a folder."""
    for name in ("state/lists/partial", "cache/archives/partial", "parts"):
        (work / name).mkdir(parents=True)
    (work / "own.sources").write_text(_entry(suite))
    places = {
        "Dir::Etc::sourcelist": work / "own.sources",
        "Dir::Etc::sourceparts": work / "parts",
        "Dir::State": work / "state",
        "Dir::Cache": work / "cache",
    }
    return [word for key, value in places.items() for word in ("-o", f"{key}={value}")]


def _entry(suite: str) -> str:
    """An entry for the suite at the archive that the machine's own entries name."""
    texts = [file.read_text() for file in sorted(_ENTRIES.glob("*.sources"))]
    uris = [uri for text in texts for uri in re.findall(r"^URIs:\s*(\S+/debian/?)\s*$", text, re.M)]
    if _OLD_ENTRIES.exists():
        lines = _OLD_ENTRIES.read_text()
        uris += re.findall(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+/debian/?)\s", lines, re.M)
    if not uris:
        raise KernelError("apt has no entry for Debian: expected --kernel FILE")
    return f"Types: deb\nURIs: {uris[0]}\nSuites: {suite}\nComponents: main\nSigned-By: {_KEYS}\n"


def _run(work: Path, *command: str) -> str:
    try:
        done = subprocess.run(
            command, cwd=work, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KernelError(f"{command[0]}: {error}") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise KernelError(f"{command[0]} ended {done.returncode}: {last}")
    return done.stdout
