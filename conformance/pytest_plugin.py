"""The pytest plugin: every scenario and every rule of VIRTIO as a test of a project's own device.

A test that asks for the fixture `slotproof_case` runs once for each. Which device that is, the
option or ini value `slotproof_target` says, or a fixture of that name in the project itself.
Everything else is imported when it is needed: pytest loads a plugin in every run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.check.cases import Case, Suite
    from conformance.targets.target import Target

USAGE = pytest.ExitCode.USAGE_ERROR
_VALUES = {
    "target": ("", "the device: reference, qemu, qemu:PATH or cmd:COMMAND"),
    "profile": ("qemu", "the profile whose device traces are made for"),
    "oracle": ("exact", "what fails: exact (any difference to the profile) or virtio"),
    "traces": ("50", "generated traces"),
    "steps": ("60", "steps of each"),
    "seed": ("0", "the same seed gives the same traces"),
    "expect": ("", "a TOML file of known faults"),
}


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
    if "slotproof_case" in metafunc.fixturenames:
        from conformance.check.cases import case_ids, settings_of

        try:
            settings_of(_values(metafunc.config))
        except ValueError as error:
            # Once, and not for each of the cases.
            raise pytest.UsageError(str(error)) from None
        metafunc.parametrize("slotproof_case", case_ids(), indirect=True)


@pytest.fixture(scope="session")
def slotproof_target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The device under test; a project overrides this with one of its own."""
    import click

    from conformance.targets.spec import open_target
    from conformance.targets.target import TargetError

    spec = _value(request.config, "target")
    if not spec:
        pytest.exit("no device: set slotproof_target, or make a fixture of that name", USAGE)
    try:
        target = open_target(spec)
    except (click.UsageError, TargetError) as error:
        pytest.exit(f"slotproof_target {spec!r}: {error}", USAGE)
    yield target
    target.close()


@pytest.fixture(scope="session")
def slotproof_suite(request: pytest.FixtureRequest, slotproof_target: Target) -> Suite:
    """The run that all cases share; the traces are run when the first one asks for them."""
    from conformance.check.cases import Suite

    return Suite.of(slotproof_target, _values(request.config))


@pytest.fixture
def slotproof_case(request: pytest.FixtureRequest, slotproof_suite: Suite) -> Case:
    """One scenario, one rule, or the generated traces as a whole."""
    return slotproof_suite.case(request.param)
