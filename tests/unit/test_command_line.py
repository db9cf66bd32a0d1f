"""The command group itself: lazy commands, wrong use, output that cannot be written."""

import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from conformance.cli import COMMANDS, slotproof

FULL = Path("/dev/full")


def test_help_lists_every_command_with_its_line() -> None:
    result = CliRunner().invoke(slotproof, ["--help"])
    assert result.exit_code == 0
    for name, line in COMMANDS.items():
        shown = next(x for x in result.stdout.splitlines() if x.startswith(f"  {name} "))
        assert shown.split(maxsplit=1)[1][:40] == line[:40]


def test_every_stand_in_is_described_as_its_command_is() -> None:
    assert list(slotproof.commands) == list(COMMANDS)
    context = click.Context(slotproof)
    for name, stand_in in slotproof.commands.items():
        _, command, _ = slotproof.resolve_command(context, [name])
        assert command is not None
        assert command is not stand_in
        assert command.name == name
        assert (command.help or "").split("\n")[0] == COMMANDS[name]


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_of_its_own(name: str) -> None:
    result = CliRunner().invoke(slotproof, [name, "--help"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: slotproof {name} ")
    assert "--help" in result.stdout.split("Options:")[1]


def leaves() -> Iterator[tuple[str, ...]]:
    """Every command that is no group, by its words."""
    context = click.Context(slotproof)
    for name in COMMANDS:
        _, command, _ = slotproof.resolve_command(context, [name])
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((name, inner) for inner in command.commands)
        else:
            yield (name,)


@pytest.mark.parametrize("words", list(leaves()), ids=" ".join)
def test_every_command_has_examples_that_parse(words: tuple[str, ...]) -> None:
    command: click.Command = slotproof
    for word in words:
        assert isinstance(command, click.Group)
        _, found, _ = command.resolve_command(click.Context(command), [word])
        assert found is not None
        command = found
    told = CliRunner().invoke(slotproof, [*words, "--help"], terminal_width=96).stdout
    prefix = f"slotproof {' '.join(words)}"
    _, heading, shown = told.partition("  Example")
    examples = [line.strip() for line in shown.splitlines() if line.strip().startswith(prefix)]
    assert heading and examples
    options = {name for option in command.params for name in option.opts}
    options |= {name for option in command.params for name in option.secondary_opts}
    for example in examples:
        used = {word for word in shlex.split(example) if word.startswith("--")}
        assert used <= options, example


def test_a_command_that_is_nearly_right_is_suggested() -> None:
    result = CliRunner().invoke(slotproof, ["chek"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "Did you mean 'check'?" in result.stderr


@pytest.mark.skipif(
    not FULL.exists() or not stat.S_ISCHR(FULL.stat().st_mode), reason="no /dev/full"
)
@pytest.mark.parametrize("arguments", [["--help"], ["decide", "--region", "5G", "--limit", "3"]])
def test_output_that_cannot_be_written_is_one_line(arguments: list[str]) -> None:
    """Not 1, which would say that a property fails."""
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "conformance.cli", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert done.stderr == "slotproof: no space left on device\n"


@pytest.mark.parametrize("place", ["", "-", ".", "..", "pipe", "link", "directory"])
def test_generate_takes_the_place_of_files_only(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trace moves to its place: as a superuser's it would replace even /dev/null."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    Path("directory").mkdir()
    before = {path.name: path.lstat().st_ino for path in tmp_path.iterdir()}
    result = CliRunner().invoke(slotproof, ["trace", "generate", place, "--steps", "2"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"slotproof: Invalid value for 'FILE': {place!r} is not the name of a file\n"
    )
    assert {path.name: path.lstat().st_ino for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("place", ["file", "dangling"])
def test_generate_replaces_nothing(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("kept")
    Path("dangling").symlink_to("nowhere")
    result = CliRunner().invoke(slotproof, ["trace", "generate", place, "--steps", "2"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"slotproof: Invalid value for 'FILE': {place!r} exists already: "
        "the name of a new file is right\n"
    )
    assert Path("file").read_text() == "kept"
    assert Path("dangling").is_symlink()


def test_generate_names_a_file_that_cannot_be() -> None:
    result = CliRunner().invoke(slotproof, ["trace", "generate", "x" * 300])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == f"slotproof: {'x' * 300}: file name too long\n"
