"""Builds the guest's ELF with the C compiler at hand, once for each source and compiler."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from platformdirs import user_cache_path

SOURCES: Final = ("boot.S", "guest.c", "guest.ld")
_FLAGS: Final = (
    *("-ffreestanding", "-nostdlib", "-static", "-no-pie", "-fno-pic", "-fno-pie"),
    # Without vector registers, whose state nobody set up, and without a red zone, which an
    # exception would overwrite.
    *("-mno-sse", "-mno-mmx", "-mno-red-zone", "-mcmodel=small"),
    *("-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-O2"),
    # Without symbols: some compilers name their temporary files there.
    *("-s", "-Wl,--build-id=none", "-Wl,-z,max-page-size=0x1000", "-Wl,-z,noexecstack"),
)
_SYSTEM: Final = ("gcc", "-fcf-protection=none", "-Wl,--no-warn-rwx-segments")
_ZIG: Final = ("-m", "ziglang", "cc", "-target", "x86_64-freestanding-none", "-fno-sanitize=all")
_TIMEOUT: Final = 120.0
"""Seconds of one compilation."""


class GuestError(Exception):
    """The guest cannot be built; the message is one line."""


def compilers() -> list[tuple[str, ...]]:
    """The compilers there are, as command lines: the system's, and that of the extra `guest`."""
    found: list[tuple[str, ...]] = []
    if shutil.which(_SYSTEM[0]):
        found.append(_SYSTEM)
    if importlib.util.find_spec("ziglang"):
        found.append((sys.executable, *_ZIG))
    return found


def guest_elf(compiler: Sequence[str] | None = None, cache: Path | None = None) -> Path:
    """The guest, built where the cache has none of this source by this compiler.

    Equal sources and compilers give equal bytes. Raises GuestError.
    """
    if compiler is None:
        compiler = next(iter(compilers()), None)
    if compiler is None:
        raise GuestError(
            "no C compiler for the guest: install gcc, or the extra: pip install 'slotproof[guest]'"
        )
    cache = cache or user_cache_path("slotproof") / "guest"
    path = cache / f"{_key(compiler)}.elf"
    if not path.exists():
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=cache) as directory:
                made = Path(directory) / "guest.elf"
                _compile(compiler, made)
                made.replace(path)
        except OSError as error:
            raise GuestError(f"cannot keep the guest in {cache}: {error.strerror}") from None
    return path


def _key(compiler: Sequence[str]) -> str:
    """A name for the result of these sources and this compiler."""
    program = compiler[:4] if "ziglang" in compiler else compiler[:1]
    version = _run([*program, "--version"])
    parts = [*_FLAGS, *compiler, version]
    parts += [_source(name) for name in SOURCES]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _source(name: str) -> str:
    return files("conformance").joinpath("guest", name).read_text(encoding="utf-8")


def _compile(compiler: Sequence[str], out: Path) -> None:
    with as_file(files("conformance").joinpath("guest")) as folder:
        inputs = ["-T", str(folder / "guest.ld"), str(folder / "boot.S"), str(folder / "guest.c")]
        _run([*compiler, *_FLAGS, "-o", str(out), *inputs])


def _run(command: Sequence[str]) -> str:
    try:
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GuestError(f"cannot run {command[0]}: {error}") from None
    if run.returncode:
        said = [line for line in run.stderr.splitlines() if "error" in line] or [run.stderr.strip()]
        raise GuestError(f"{command[0]} cannot build the guest: {said[0][-300:]}")
    return run.stdout
