"""`slotproof check --target qemu`: what it prints, and what it tells of a QEMU that fails."""

import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.check import steps
from conformance.check.scenarios import SCENARIOS
from conformance.cli import slotproof
from conformance.commands import check_qemu, check_wish
from conformance.targets.qemu import expectation
from conformance.targets.qemu.decision_grid import DecisionCase
from conformance.targets.qemu.process import qemu_version
from conformance.targets.qemu.target import QemuTarget
from conformance.traces.schemas import problem
from conformance.traces.trace import read_trace
from model.arithmetic import GIB, MIB
from model.observation import Observation
from model.state import ConcreteAction

FEW = ("--seed", "3", "--traces", "2", "--steps", "10")
CASES = (
    DecisionCase(2 * GIB + 512 * MIB, 2 * MIB, 2 * GIB + 512 * MIB),
    DecisionCase(4 * GIB, 2 * MIB, 8 * GIB),
    DecisionCase(4 * GIB, 2 * MIB, 8 * GIB, option=False),
)


@pytest.fixture(autouse=True)
def few_decisions_and_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less of what other files try on a QEMU whole: the decisions, the scenarios, and memslots that
    come and go a thousand times."""
    monkeypatch.setattr(steps, "TURNS", 4)
    monkeypatch.setattr(check_wish, "SCENARIOS", SCENARIOS[:4])

    def grid(full: bool) -> tuple[DecisionCase, ...]:
        assert full
        return CASES

    monkeypatch.setattr(check_qemu, "decision_grid", grid)


def run(*arguments: str, command: str = "check") -> Result:
    result = CliRunner().invoke(slotproof, [*command.split(), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def one_line(result: Result, code: int) -> str:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("slotproof: ") and result.stderr.count("\n") == 1
    return result.stderr


def script(directory: Path, text: str) -> str:
    path = directory / "fake-qemu"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return f"qemu:{path}"


def test_decisions_and_traces_that_agree_end_0(qemu_binary: Path) -> None:
    result = run("--target", f"qemu:{qemu_binary}", *FEW)
    assert result.exit_code == 0 and result.stderr == ""
    assert result.stdout.startswith(
        f"checked qemu:{qemu_binary} against profile qemu, seed 3\n"
        f"  version           {qemu_version(qemu_binary)}\n"
        "  configurations    3\n"
        "  limits            128, 256\n"
        "  short last slot   1\n"
        "  memslots mapped   7\n"
        "  traces            2\n"
        "  steps             20\n"
    )
    assert result.stdout.endswith(
        "holds: no difference, no invariant and no contract violated in the cases counted\n"
    )


def test_a_decision_that_differs_ends_1_with_a_line(
    qemu_binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expectation, "slot_length", lambda d, slots, region, index: slots.size)
    result = run("--target", "qemu", "--profile", "qemu-8.2", *FEW)
    assert result.exit_code == 1
    told = (
        f"fails: {CASES[0]}: the model has 3 memslots, QEMU 3; "
        "memslot 2 is 1 GiB in the model, 512 MiB in QEMU"
    )
    assert told in result.stdout.splitlines()


@pytest.mark.parametrize("wrong", [False, True])
def test_the_json_is_valid(qemu_binary: Path, monkeypatch: pytest.MonkeyPatch, wrong: bool) -> None:
    if wrong:
        monkeypatch.setattr(expectation, "slot_length", lambda d, slots, region, index: slots.size)
    result = run("--target", "qemu", "--json", *FEW)
    assert result.exit_code == wrong
    document = json.loads(result.stdout)
    assert problem(document, "check-v1.json") is None
    assert document["verdict"] == ("fails" if wrong else "holds")
    decisions = document["decisions"]
    assert (decisions["configurations"], decisions["limits"]) == (3, [128, 256])
    assert len(decisions["differences"]) == wrong
    assert (document["traces"], document["steps"]) == (2, 20)


def test_a_qemu_killed_in_a_trace_ends_1_with_the_trace_kept(
    qemu_binary: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    applied = QemuTarget.apply
    left = [5]

    def killed(target: QemuTarget, action: ConcreteAction) -> Observation:
        left[0] -= 1
        if left[0] == 0:
            os.kill(target.pid, signal.SIGKILL)
        return applied(target, action)

    monkeypatch.setattr(QemuTarget, "apply", killed)
    result = run("--target", "qemu", "--failures", str(tmp_path), *FEW)
    assert result.exit_code == 1
    assert result.stderr.endswith("does not fail again from a fresh start: kept as it was\n")
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("died: "))
    assert "QEMU was ended by SIGKILL" in line
    kept, log = sorted(tmp_path.iterdir(), key=lambda path: path.suffix)
    assert log.with_suffix(".jsonl") == kept
    assert f"log kept as {log}" in result.stdout
    assert log.read_text().startswith(f"$ {qemu_binary} -object ")
    assert "QEMU was ended by SIGKILL" in log.read_text()
    # Requests of a batch are not applied one by one.
    steps = len(read_trace(kept).steps)
    assert steps >= 5
    replay = run(str(kept), "--target", "qemu", command="trace replay")
    assert replay.exit_code == 0 and replay.stdout.startswith(f"fixed: all {steps} steps")


def test_a_wrong_profile_gives_a_trace_that_replays(qemu_binary: Path, tmp_path: Path) -> None:
    options = ["--seed", "5", "--failures", str(tmp_path)]
    result = run("--target", "qemu", "--profile", "seed-v2", *options)
    assert result.exit_code == 1
    (kept,) = tmp_path.iterdir()
    assert len(read_trace(kept).steps) <= 4
    again = run(str(kept), "--target", "qemu", command="trace replay")
    assert again.exit_code == 1 and again.stdout.startswith("still fails\n")


def test_a_trace_of_another_device_is_refused(qemu_binary: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    run(path, "--region", "1T", "--steps", "2", command="trace generate")
    result = run(path, "--target", "qemu", command="trace replay")
    assert result.exit_code == 1
    assert "refused: no such QEMU machine" in result.stdout


def test_a_missing_qemu_is_wrong_use() -> None:
    line = one_line(run("--target", "qemu:/no/such/qemu"), 2)
    assert "no QEMU found as '/no/such/qemu'" in line and "bookworm-backports" in line


def test_a_qemu_without_dynamic_memslots_is_wrong_use(tmp_path: Path) -> None:
    line = one_line(run("--target", script(tmp_path, "echo block-size=size")), 2)
    assert "8.2 or later is needed" in line and "bookworm-backports" in line


def test_a_qemu_that_fails_ends_1(tmp_path: Path) -> None:
    fake = "echo block-size dynamic-memslots QEMU emulator version 9.9.9; echo broken >&2; exit 3"
    line = one_line(run("--target", script(tmp_path, fake)), 1)
    assert "block 2 MiB in " in line
    assert "exited with status 3; last line on stderr: broken" in line


def test_a_qemu_without_a_version_ends_1(tmp_path: Path) -> None:
    line = one_line(run("--target", script(tmp_path, "echo block-size dynamic-memslots")), 1)
    assert "does not say which QEMU version it is" in line
