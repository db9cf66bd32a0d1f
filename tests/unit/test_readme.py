"""README and docs against the program: commands run, shown output is real, links lead somewhere."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from conformance.cli import COMMANDS, slotproof
from smt_proofs.book.plan import theorem_names

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "tests" / "README.md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FAST = {
    "check": ["--traces", "3", "--steps", "10"],
    "prove": ["slots_no_smaller_than_minimum"],
}
"""What makes a command quick: fewer traces, or one theorem where none is named."""
WRONG = ("--bug", "--fault", "seed-v2", "firecracker", "cloud-hypervisor")
"""What a command names that ends 1: a bug, or a profile that does not keep all."""
PROGRESS = re.compile(r"slotproof: \w+(?: \w+)*: \d+ of \d+ after [\d:]+(?:, about [\d:]+ left)?")
ELSEWHERE = (
    "--driver",
    "source.log",
    "dmesg",
    "--catalogue",
    "--certificate",
    "--all-sizes",
    "dask:tcp://boss:8786",
)
"""What a command names that needs a QEMU, a file of the reader's, a cluster, or many minutes."""


def console_blocks() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each console block of the pages, as (page, lines)."""
    for page in PAGES:
        for block in FENCED.findall(page.read_text(encoding="utf-8")):
            yield page.name, tuple(block.splitlines())


def console_lines() -> Iterator[tuple[str, str]]:
    """Each line of the pages' console blocks, as (page, line)."""
    for page, lines in console_blocks():
        for line in lines:
            yield page, line


def words_of(line: str) -> list[str]:
    """The words of a command line, without prompt, comment and where its output goes."""
    words = shlex.split(line.removeprefix("$ "), comments=True)
    return words[: words.index(">")] if ">" in words else words


BLOCKS = list(
    dict.fromkeys(
        commands
        for _, lines in console_blocks()
        if (commands := tuple(x for x in lines if x.removeprefix("$ ").startswith("slotproof ")))
    )
)
"""The commands of each block, which run one after the other."""


def shown_output() -> Iterator[tuple[str, str]]:
    """Each command that a console block shows with a prompt, and the output below it."""
    for page in PAGES:
        for block in FENCED.findall(page.read_text(encoding="utf-8")):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                yield command, output


SHOWN = list(shown_output())


def test_the_pages_hold_commands_and_output() -> None:
    """An empty list would make the tests below pass unseen."""
    assert len(BLOCKS) >= 8
    assert len(SHOWN) >= 2


def parsed(words: list[str]) -> None:
    """Parse a command line without running it. Raises click.ClickException."""
    context = slotproof.make_context("slotproof", list(words))
    with context:
        _, command, rest = slotproof.resolve_command(context, words)
        assert command is not None
        command.make_context(command.name, rest, parent=context)


@pytest.mark.parametrize("commands", BLOCKS, ids=lambda commands: commands[0][:60])
def test_the_commands_of_a_block_run(
    commands: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A QEMU is not started: tests/qemu runs such a check."""
    tmp_path.joinpath("docs").symlink_to(ROOT / "docs")
    tmp_path.joinpath("modules.cpio").touch()
    monkeypatch.chdir(tmp_path)
    for line in commands:
        words = words_of(line)[1:]
        if any(
            word in ELSEWHERE or (word.startswith(("qemu", "vmm:")) and " " not in word)
            for word in words
        ):
            parsed(words)
            continue
        runs(words)


def runs(words: list[str]) -> None:
    """Run a command quickly: it must end as the page has it, with output and no trouble."""
    named = words[0] == "prove" and set(words) & set(theorem_names())
    wrong = any(mark in word for word in words for mark in WRONG)
    extra = [] if named or wrong or "--traces" in words else FAST.get(words[0], [])
    words = [word.replace("cmd:python3 ", f"cmd:{sys.executable} ") for word in words]
    result = CliRunner().invoke(slotproof, [*words, *extra])
    assert result.exit_code == (1 if wrong else 0), result.output
    assert isinstance(result.exception, SystemExit | None), result.output
    assert result.stdout
    # On a busy machine long work tells how far it has come.
    troubles = [line for line in result.stderr.splitlines() if not PROGRESS.fullmatch(line)]
    assert troubles == []


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_shown_output_is_the_real_output(
    command: str, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    words = words_of(command)
    assert words[0] == "slotproof"
    assert CliRunner().invoke(slotproof, words[1:]).stdout == output


def test_a_line_that_does_not_parse_is_noticed() -> None:
    with pytest.raises(click.UsageError):
        parsed(["check", "--target", "qemu", "--fly"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_every_make_target_shown_exists() -> None:
    rules = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    shown = {words_of(line)[1] for _, line in console_lines() if line.startswith("make ")}
    assert shown
    assert shown <= set(rules)


def test_the_readme_lists_every_command_and_exit_code() -> None:
    readme = PAGES[0].read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"| `slotproof {name}" in readme
    for code in range(4):
        assert f"\n| {code} | " in readme
