"""What is made for other people's CI: the action's steps run, the hook and the image are right."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest
import yaml
from click.shell_completion import BashComplete

from conformance.cli import slotproof

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / ".ci/action/action.yml").read_text())
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
CONTAINER = (ROOT / ".ci/Containerfile").read_text()
EXAMPLE = f"cmd:{sys.executable} {ROOT / 'docs/example_device.py'}"


def filled(text: str, values: dict[str, str]) -> str:
    """A text with GitHub's expressions in their place."""
    return re.sub(r"\$\{\{ *([\w.]+) *\}\}", lambda found: values[found[1]], text)


def step(number: int, tmp_path: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """A step of the action, run as its runner would."""
    described: dict[str, Any] = ACTION["runs"]["steps"][number]
    given = {name: value.get("default", "") for name, value in ACTION["inputs"].items()} | inputs
    values = {f"inputs.{name}": value for name, value in given.items()}
    values |= {"runner.temp": str(tmp_path), "github.action_path": str(ROOT / ".ci/action")}
    env = {name: filled(value, values) for name, value in described["env"].items()}
    script = filled(described["run"], values)
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        env=os.environ | env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )


BY_TEXT = {"oracle": "virtio", "expect": str(ROOT / "docs" / "example_suite" / "known.toml")}


@pytest.mark.parametrize(
    ("bug", "inputs", "code"), [("", BY_TEXT, 0), (" --bug never-unmap", {}, 1)]
)
def test_the_action_checks_the_target(
    bug: str, inputs: dict[str, str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "slotproof" / "bin"
    place.mkdir(parents=True)
    command = place / "slotproof"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m conformance "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = step(1, tmp_path, target=EXAMPLE + bug, traces="9", failures="kept here", **inputs)
    assert done.returncode == code, done.stderr
    assert len(list((tmp_path / "kept here").glob("*.jsonl"))) == code
    suites = ElementTree.parse(tmp_path / "slotproof.xml").getroot()
    assert suites.get("failures") == str(code)
    (log,) = json.loads((tmp_path / "slotproof.sarif").read_text())["runs"]
    assert sum(result["level"] == "error" for result in log["results"]) == code


def test_the_action_installs_the_checkout_that_it_is_in(tmp_path: Path) -> None:
    """Run with programs that only say what they are asked: tests/unit/test_wheel.py installs."""
    pip = tmp_path / "slotproof" / "bin" / "pip"
    pip.parent.mkdir(parents=True)
    pip.write_text('#!/bin/sh\nfor last; do :; done\ncd "$last" && pwd -P\n')
    pip.chmod(0o755)
    done = step(0, tmp_path, python="true")
    assert done.stdout == f"{ROOT}\n"


def test_every_step_takes_inputs_through_its_environment() -> None:
    """An input in the text of a script would be run as a script."""
    for described in ACTION["runs"]["steps"]:
        assert described["shell"] == "bash"
        assert "${{" not in described["run"]


def test_the_hook_is_a_command() -> None:
    for hook in HOOKS:
        program, *words = hook["entry"].split()
        assert (program, hook["language"], hook["pass_filenames"]) == ("slotproof", "python", False)
        context = click.Context(slotproof, info_name="slotproof")
        _, command, rest = slotproof.resolve_command(context, words)
        assert command is not None
        command.make_context(command.name, [*rest, "--target", EXAMPLE], parent=context)


def test_the_image_copies_what_there_is_and_all_that_the_wheel_needs() -> None:
    copied = [
        word for line in re.findall(r"^COPY (.*) \S+$", CONTAINER, re.M) for word in line.split()
    ]
    assert all((ROOT / word).exists() for word in copied)
    assert {"model", "smt_proofs", "conformance", "pyproject.toml", "README.md"} <= set(copied)
    assert 'ENTRYPOINT ["slotproof"]' in CONTAINER


def offered(*words: str) -> list[str]:
    """What a shell offers after these words; the last one is not finished."""
    complete = BashComplete(slotproof, {}, "slotproof", "_SLOTPROOF_COMPLETE")
    *before, last = words
    return [item.value for item in complete.get_completions(before, last)]


def test_a_shell_completes() -> None:
    assert offered("me") == ["merge", "metadata"]
    assert "--qemu-cmdline" in offered("metadata", "--")
    assert offered("decide", "--profile", "qemu") == ["qemu", "qemu-8.2", "qemu-7.2"]
    assert set(offered("trace", "")) == {
        "coverage",
        "explain",
        "generate",
        "replay",
        "shrink",
        "validate",
    }
    assert offered("trace", "replay", "x") == ["x"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from conformance.cli import slotproof; slotproof(prog_name='slotproof')",
        ],
        env=os.environ | {"_SLOTPROOF_COMPLETE": f"{shell}_source", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "_SLOTPROOF_COMPLETE" in done.stdout
