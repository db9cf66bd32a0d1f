"""A VMM given by a path says what it is; anything else is wrong use, in one line."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import slotproof
from conformance.targets.driver.bus import DriverError
from conformance.targets.vmm import krun, machine, spec
from conformance.targets.vmm.krun import library
from conformance.targets.vmm.machine import program


@pytest.fixture(autouse=True)
def with_kvm(monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: str(path) == "/dev/kvm" or really(path, mode)
    )


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Makes a program of a line of shell."""

    def made(line: str) -> str:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
        return str(path)

    return made


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("firecracker", "Firecracker v1.16.1"),
        ("cloud-hypervisor", "cloud-hypervisor v53.0.0"),
        ("cloud-hypervisor", "Cloud Hypervisor is CloudHypervisor"),
    ],
)
def test_a_program_that_says_what_it_is(name: str, says: str, script: Callable[[str], str]) -> None:
    path = script(f'test "$1" = --version && echo "{says}"')
    assert program(name, path) == Path(path)


@pytest.mark.parametrize("name", ["firecracker", "cloud-hypervisor"])
@pytest.mark.parametrize(
    "line",
    [
        "echo QEMU emulator version 10.0.2",
        "exit 1",
        "echo firecracker and cloud-hypervisor >&2",
        "printf '\\377firecracker cloud-hypervisor'",
        "exec tail -f /dev/null",
    ],
)
def test_a_program_that_does_not(
    name: str, line: str, script: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "ASKED", 0.1 if "tail" in line else machine.ASKED)
    path = script(line)
    with pytest.raises(DriverError) as told:
        program(name, path)
    assert str(told.value) == f"{path} does not say that it is {name}: expected vmm:{name}=PATH"


def test_no_program_at_all(tmp_path: Path) -> None:
    with pytest.raises(DriverError, match="no registry has firecracker: expected vmm:firecracker="):
        program("firecracker", None)
    with pytest.raises(DriverError, match="no such program: expected vmm:firecracker=PATH"):
        program("firecracker", str(tmp_path / "none"))


def test_a_library_that_is_no_libkrun(tmp_path: Path) -> None:
    """The interpreter's own library of C is one without anything of libkrun's."""
    other = next(Path("/").glob("lib*/**/libc.so.6"))
    with pytest.raises(
        DriverError, match=r"libc\.so\.6 has no krun_set_log_level: expected a libkr"
    ):
        library(str(other))
    (tmp_path / "libkrun.so").write_text("not one")
    with pytest.raises(DriverError, match=r"libkrun\.so cannot be loaded: expected a libkrun\.so"):
        library(str(tmp_path / "libkrun.so"))
    with pytest.raises(DriverError, match="no such file: expected a libkrun"):
        library(str(tmp_path / "none"))


def test_a_library_that_hangs_or_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Callable[[str], str]
) -> None:
    (tmp_path / "libkrun.so").write_text("")
    for line, ASKED, told in (
        ("exec tail -f /dev/null", 0.1, r"does not load within 0\.1 s"),
        ("kill -SEGV $$", 10.0, "ends with status -11"),
    ):
        monkeypatch.setattr(krun, "_CHILD", (script(line),))
        monkeypatch.setattr(krun, "ASKED", ASKED)
        with pytest.raises(DriverError, match=told):
            library(str(tmp_path / "libkrun.so"))
    monkeypatch.setattr(krun, "_CHILD", (script("exit 0"),))
    assert library(str(tmp_path / "libkrun.so")) == tmp_path / "libkrun.so"


@pytest.mark.parametrize("name", ["krun", "firecracker", "cloud-hypervisor"])
def test_of_the_command_it_is_wrong_use(
    name: str, script: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spec, "guest_elf", lambda: None)
    target = f"vmm:{name}={script('echo something else')}"
    result = CliRunner().invoke(slotproof, ["check", "--target", target])
    assert (result.exit_code, result.stdout) == (2, "")
    assert ": expected " in result.stderr.splitlines()[-1]
