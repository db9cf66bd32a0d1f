"""The pytest plugin, run by a pytest of its own: every outcome, and the example of the docs."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conformance.check.cases import TRACES, case_ids
from conformance.check.scenarios import SCENARIOS
from conformance.judge.virtio.rules import RULES

ROOT = Path(__file__).parents[2]
TWO_LINES = "def test_device(slotproof_case):\n    slotproof_case.check()\n"
KNOWN = '[[expected]]\nid = "{}"\nreason = "so"\nsince = "1.0"\n'


def suite(directory: Path, *options: str, test: str = TWO_LINES) -> str:
    """What a pytest of its own prints about the tests of a directory."""
    if not (directory / "test_device.py").exists():
        (directory / "test_device.py").write_text(test)
    # By itself the plugin is only there once slotproof is installed with it.
    extra = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'docs'}"}
    command = [sys.executable, "-m", "pytest", "-p", "conformance.pytest_plugin", "-q", "-rA"]
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider", *options],
        cwd=directory,
        env=os.environ | extra,
        capture_output=True,
        text=True,
    )
    return run.stdout + run.stderr


def test_the_plugin_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"slotproof": "conformance.pytest_plugin"}


def test_every_scenario_and_every_rule_is_a_case() -> None:
    assert len(case_ids()) == len(set(case_ids())) == 1 + len(SCENARIOS) + len(RULES)


def test_the_example_of_the_docs_passes(tmp_path: Path) -> None:
    for file in (ROOT / "docs" / "example_suite").iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    printed = suite(tmp_path)
    assert "FAILED " not in printed and "ERROR " not in printed, printed
    assert "XFAIL test_device.py::test_virtio_mem[plug-plugged-is-error]" in printed
    assert f"PASSED test_device.py::test_virtio_mem[{TRACES}]" in printed
    assert "SKIPPED" in printed and "memory-plugged-kept: never applied" in printed


def test_a_fault_fails_with_its_rule_and_a_known_one_that_is_gone_too(tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text(KNOWN.format("state-mixed"))
    options = ["--slotproof-target", "reference", "--slotproof-expect", "known.toml"]
    options += ["--slotproof-oracle", "virtio", "--slotproof-traces", "20"]
    printed = suite(tmp_path, *options)
    assert "fail: plug-plugged-is-error: plug of a block that is plugged" in printed
    assert "replay: slotproof trace replay slotproof-failures/" in printed
    assert "step 2   plug" in printed and "step 3   " not in printed
    assert "unexpected pass: state-mixed: no longer fails: so (since 1.0)" in printed
    assert "2 failed" in printed


def test_what_the_profile_does_too_fails_no_more_than_in_a_check(tmp_path: Path) -> None:
    options = ["--slotproof-target", "reference", "--slotproof-traces", "20"]
    printed = suite(tmp_path, *options, "-k", f"plug-plugged-is-error or {TRACES}")
    assert "1 passed, " in printed and "1 xfailed" in printed and "FAILED" not in printed
    assert "so does the device of profile qemu, which decides: slotproof_oracle = virtio" in printed


def test_a_difference_fails_where_the_profile_is_the_oracle(tmp_path: Path) -> None:
    device = f"cmd:{sys.executable} {ROOT}/docs/example_device.py --bug unmap-early"
    options = ["--slotproof-target", device, "--slotproof-oracle", "exact"]
    printed = suite(tmp_path, *options, "-k", TRACES)
    assert f"fail: {TRACES}: mapped: allowed" in printed
    assert "replay: slotproof trace replay slotproof-failures/" in printed
    assert len(list((tmp_path / "slotproof-failures").iterdir())) == 1


BROKEN = """
import pytest
from conformance.targets.adapter import Adapter
from conformance.judge.finding import Kind
from conformance.targets.target import TargetError
from model.state import Answer
from model.observation import Observation

class Broken(Adapter):
    capabilities = frozenset({"plug", "unplug", "state", "unplug-all", "resize"})
    def start(self, profile, config):
        if KIND is Kind.REFUSED:
            raise TargetError(KIND, "not today")
        return Observation(Answer.DONE)
    def apply(self, action):
        raise TargetError(KIND, "not today", "a log")

@pytest.fixture(scope="session")
def slotproof_target():
    return Broken()

def test_device(slotproof_case):
    slotproof_case.check()
"""


@pytest.mark.parametrize(
    ("kind", "outcome"), [("REFUSED", "rejected"), ("HUNG", "hung"), ("DIED", "fail")]
)
def test_outcomes_of_a_device_that_fails_are_kept_apart(
    tmp_path: Path, kind: str, outcome: str
) -> None:
    printed = suite(
        tmp_path,
        "-k",
        "nothing-requested or reboot or state-mixed",
        test=BROKEN.replace("KIND", f"Kind.{kind}"),
    )
    assert f"{outcome}: nothing-requested: not today" in printed
    assert "reboot: the target cannot do system-reset" in printed
    assert "state-mixed: never applied" in printed
    kept = {path.suffix for path in (tmp_path / "slotproof-failures").iterdir()}
    assert kept == ({".jsonl"} if kind == "REFUSED" else {".jsonl", ".log"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no device: set slotproof_target"),
        (["--slotproof-target", "cmd:"], "slotproof_target 'cmd:'"),
        (["--slotproof-target", "reference", "--slotproof-traces", "0"], "slotproof_traces '0'"),
        (["--slotproof-target", "reference", "--slotproof-oracle", "all"], "exact or virtio"),
        (["--slotproof-target", "reference", "--slotproof-profile", "xen"], "unknown profile"),
        (["--slotproof-target", "reference", "--slotproof-expect", "none"], "no such file"),
    ],
)
def test_wrong_settings_say_what_is_right(tmp_path: Path, options: list[str], message: str) -> None:
    # One error, however many cases there are.
    printed = suite(tmp_path, *options, "-k", "state")
    # pytest itself repeats an error of the collection in its summary.
    assert 1 <= printed.count(message) <= 2 and "Traceback" not in printed
    assert "failed" not in printed and "passed" not in printed
