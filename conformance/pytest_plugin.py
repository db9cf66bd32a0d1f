"""The pytest plugin: every scenario and every rule of VIRTIO as a test of a project's own device.

A test that asks for the fixture `slotproof_case` runs once for each. Which device that is, the
option or ini value `slotproof_target` says, or a fixture of that name in the project itself. A
device that is named runs in a process of its own, so that the project may have packages named as
slotproof's are; one that is driven from Python runs here, and what it takes is imported only then.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

if TYPE_CHECKING:
    from conformance.targets.target import Target

USAGE: Final = pytest.ExitCode.USAGE_ERROR
HOME: Final = Path(__file__).resolve().parents[1]
"""The folder that slotproof's packages are imported from."""
START: Final = """\
import sys
sys.path.insert(0, sys.argv[1])
from conformance.commands.plugin_cases import main
main()
"""
_VALUES: Final = {
    "target": ("", "the device: reference, qemu, qemu:PATH or cmd:COMMAND"),
    "profile": ("qemu", "the profile whose device traces are made for"),
    "oracle": ("exact", "what fails: exact (any difference to the profile) or virtio"),
    "traces": ("50", "generated traces"),
    "steps": ("60", "steps of each"),
    "seed": ("0", "the same seed gives the same traces"),
    "expect": ("", "a TOML file of known faults"),
}


class Runner(Protocol):
    """What runs cases by their ids."""

    def run(self, id: str) -> tuple[str, tuple[str, ...]]:
        """How a case ended (a value of conformance.judge.verdict.Verdict), and what is told."""


class Apart:
    """slotproof in a process of its own, which lives as long as the run of pytest."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, str(HOME)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._waited_for = False

    def ask(self, **question: Any) -> dict[str, Any]:
        """The answer to a question; one that says what is wrong ends the run of pytest."""
        assert self._process.stdin and self._process.stdout
        self._waited_for = True
        try:
            print(json.dumps(question), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            pytest.exit(f"slotproof ended with {self._process.wait()}", USAGE)
        self._waited_for = False
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process, at once where an answer is still to come."""
        assert self._process.stdin and self._process.stdout
        if self._waited_for:
            self._process.terminate()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@dataclass(frozen=True, slots=True)
class Named:
    """The cases of a device that is named, run apart."""

    apart: Apart
    spec: str

    def run(self, id: str) -> tuple[str, tuple[str, ...]]:
        answer = self.apart.ask(case=id, target=self.spec)
        if "wrong" in answer:
            pytest.exit(answer["wrong"], USAGE)
        return answer["verdict"], tuple(answer["lines"])


@dataclass(frozen=True, slots=True)
class Driven:
    """The cases of a device that is driven from Python, run here."""

    suite: Any

    def run(self, id: str) -> tuple[str, tuple[str, ...]]:
        told = self.suite.told(id)
        return told.verdict.value, told.lines


@dataclass(frozen=True, slots=True)
class Case:
    """One test."""

    id: str
    runner: Runner

    def check(self) -> None:
        """Pass, or end the test as pytest knows it: failed, skipped, or failed as expected."""
        verdict, lines = self.runner.run(self.id)
        told = "\n".join(lines)
        if verdict == "skipped":
            pytest.skip(told)
        if verdict == "expected":
            pytest.xfail(told)
        if verdict != "pass":
            pytest.fail(told, pytrace=False)


APART: Final = pytest.StashKey[Apart]()
CASES: Final = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """An option and an ini value for each setting."""
    group = parser.getgroup("slotproof", "virtio-mem conformance (slotproof)")
    for name, (default, help) in _VALUES.items():
        parser.addini(f"slotproof_{name}", help, default=default)
        group.addoption(f"--slotproof-{name}", help=help)


def _value(config: pytest.Config, name: str) -> str:
    given = config.getoption(f"--slotproof-{name}")
    return str(config.getini(f"slotproof_{name}") if given is None else given)


def _values(config: pytest.Config) -> dict[str, str]:
    """All settings as texts; the file of known faults from the root of the tests."""
    values = {name: _value(config, name) for name in _VALUES}
    known = values["expect"] and str(Path(config.rootpath, values["expect"]))
    return values | {"expect": known}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each scenario and rule."""
    if "slotproof_case" not in metafunc.fixturenames:
        return
    stash = metafunc.config.stash
    if CASES not in stash:
        stash[APART] = Apart()
        answer = stash[APART].ask(settings=_values(metafunc.config))
        if "wrong" in answer:
            # Once, and not for each of the cases.
            raise pytest.UsageError(answer["wrong"])
        stash[CASES] = answer["cases"]
    ids = stash[CASES]
    metafunc.parametrize("slotproof_case", ids, indirect=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Nothing is left running."""
    if APART in config.stash:
        config.stash[APART].close()


@pytest.fixture(scope="session")
def slotproof_target(request: pytest.FixtureRequest) -> str:
    """The device under test by its name; a project overrides this with another name, or with an
    adapter of its own."""
    spec = _value(request.config, "target")
    if not spec:
        pytest.exit("no device: set slotproof_target, or make a fixture of that name", USAGE)
    return spec


@pytest.fixture(scope="session")
def slotproof_suite(request: pytest.FixtureRequest, slotproof_target: str | Target) -> Runner:
    """The run that all cases share; the traces are run when the first one asks for them."""
    if isinstance(slotproof_target, str):
        return Named(request.config.stash[APART], slotproof_target)
    from conformance.check.cases import Suite, settings_of

    return Driven(Suite(slotproof_target, settings_of(_values(request.config))))


@pytest.fixture
def slotproof_case(request: pytest.FixtureRequest, slotproof_suite: Runner) -> Case:
    """One scenario, one rule, or the generated traces as a whole."""
    return Case(request.param, slotproof_suite)
