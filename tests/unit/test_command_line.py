"""The command group itself: lazy commands, wrong use, output that cannot be written."""

import os
import shlex
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from conformance import cli
from conformance.cli import COMMANDS, slotproof
from conformance.commands import defect

ROOT = Path(__file__).parents[2]
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
        "expected the name of a new file\n"
    )
    assert Path("file").read_text() == "kept"
    assert Path("dangling").is_symlink()


def test_generate_names_a_file_that_cannot_be() -> None:
    result = CliRunner().invoke(slotproof, ["trace", "generate", "x" * 300])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == f"slotproof: {'x' * 300}: file name too long\n"


def fallen_over(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """A program with a defect, whose temporary files go to `place`."""

    def broken(name: str) -> click.Command:
        raise KeyError("max-size")

    monkeypatch.setattr(cli, "imported", broken)
    monkeypatch.setattr(tempfile, "tempdir", str(place))


def test_a_defect_is_one_line_and_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fallen_over(monkeypatch, tmp_path)
    result = CliRunner().invoke(slotproof, ["decide", "--region", "1G"])
    assert (result.exit_code, result.stdout) == (4, "")
    (file,) = tmp_path.iterdir()
    line = f"slotproof: a defect of slotproof: KeyError: 'max-size'; its traceback is in {file}\n"
    assert result.stderr == line
    told = file.read_text()
    assert told.startswith("$ ")
    assert "Traceback (most recent call last)" in told
    assert "in broken" in told


def test_a_defect_is_told_where_no_file_can_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fallen_over(monkeypatch, tmp_path / "nowhere")
    result = CliRunner().invoke(slotproof, ["decide", "--region", "1G"])
    assert result.exit_code == 4
    first, *rest = result.stderr.splitlines()
    assert first == "slotproof: a defect of slotproof: KeyError: 'max-size'"
    assert "in broken" in "\n".join(rest)


def test_a_program_that_cannot_be_imported_is_a_defect(tmp_path: Path) -> None:
    """What it needs is broken: that is neither wrong use nor a property that fails."""
    (tmp_path / "click.py").write_text("raise RuntimeError('bent')\n")
    done = subprocess.run(
        [sys.executable, "-c", "from conformance.entry import main; main()"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("slotproof: a defect of slotproof: RuntimeError: bent; ")
    assert done.stderr.count("\n") == 1


def test_the_exit_codes_of_the_readme_are_those_of_the_program() -> None:
    assert f"| {defect.EXIT_CODE} | a defect of slotproof" in (ROOT / "README.md").read_text()
