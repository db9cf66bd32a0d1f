"""The pages of `docs/` that are made from the code: `python docs/generate.py` writes them.

A test compares them, so that they cannot drift.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

from kernelbook import CHART, kernels_chart, kernels_page  # noqa: E402
from measuredbook import measured_page  # noqa: E402
from patchbook import patch_page  # noqa: E402
from roommap import PICTURE, map_page, picture  # noqa: E402
from rulebook import UNPROVEN, Rule, claims, rules, tests_of, theorems_of, used_by  # noqa: E402
from tables import TABLES, with_tables  # noqa: E402
from theorembook import theorems_page  # noqa: E402

from conformance.cli import slotproof  # noqa: E402

WIDTH = 96
"""Columns of the help on the page."""
MOST = 8
"""Theorems that are named for a rule."""
MADE = "<!-- Made by docs/generate.py from the code. -->"

MODULES = {
    "arithmetic": "C arithmetic",
    "geometry": "The decision and the memslots' bounds",
    "caller": "The limit that QEMU's core hands out",
    "machine": "Several memory devices",
    "device": "Configurations",
    "mapping": "Which memslots are mapped",
    "rules": "One step",
    "answers": "Requests that change no block",
    "requests": "Requests of the guest",
    "events": "Events of the host",
    "peers": "Devices of other programs",
    "own_rules": "Devices of other programs by version",
    "metadata": "Metadata of KVM",
    "kernels": "What a kernel allocates",
    "allocation": "What an allocation takes",
}
"""The heading of each module of `model/` with rules, in the order of the page."""


def commands_page() -> str:
    """`docs/commands.md`: every command's own help."""
    lines = [
        MADE,
        "# The commands",
        "",
        "What `--help` says of each command. Sizes take K, M, G, T, P or E (powers of two), or are",
        "bytes, decimal or hexadecimal (0x100000000). `slotproof COMMAND --help` prints the same.",
        "",
        "What takes long tells on standard error how far it has come: by a bar on a terminal, and",
        "elsewhere, as in the log of a CI, by a line a minute, the first after a minute.",
        "",
        "```text",
        "slotproof: proving: 412 of 818 after 0:01:00, about 0:00:59 left",
        "```",
        "",
    ]
    for path, command in every_command():
        lines += [f"## {' '.join(path)}", "", "```text", help_of(path, command), "```", ""]
    return "\n".join([*lines, *AFTERWORD])


AFTERWORD = [
    "## Exit codes",
    "",
    "| exit code | meaning |",
    "| --- | --- |",
    "| 0 | everything holds |",
    "| 1 | a property or an implementation fails |",
    "| 2 | wrong use or input: one line on standard error says what is wrong and what is right |",
    "| 3 | not decided within its limit, or cut off, as where a Dask scheduler is gone |",
    "| 4 | a defect of slotproof itself: one line, and its traceback in the file that it names |",
    "| 130, 143 | interrupted, terminated |",
    "",
    "## Completion",
    "",
    "A shell completes commands, options, profiles and files once it was told so, in `~/.bashrc`,",
    "`~/.zshrc` or `~/.config/fish/completions/slotproof.fish`:",
    "",
    "```bash",
    'eval "$(_SLOTPROOF_COMPLETE=bash_source slotproof)"',
    "```",
    "",
    "```zsh",
    'eval "$(_SLOTPROOF_COMPLETE=zsh_source slotproof)"',
    "```",
    "",
    "```fish",
    "_SLOTPROOF_COMPLETE=fish_source slotproof | source",
    "```",
    "",
]


def every_command() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The program, its commands and theirs."""
    yield ("slotproof",), slotproof
    context = click.Context(slotproof, info_name="slotproof")
    for name in slotproof.commands:
        _, command, _ = slotproof.resolve_command(context, [name])
        assert command is not None
        yield ("slotproof", name), command
        if isinstance(command, click.Group):
            for inner, part in command.commands.items():
                yield ("slotproof", name, inner), part


def help_of(path: tuple[str, ...], command: click.Command) -> str:
    """The help text, as wide on every terminal."""
    parent: click.Context | None = None
    for word in path[:-1]:
        parent = click.Context(slotproof, info_name=word, parent=parent)
    context = click.Context(
        command, info_name=path[-1], parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    )
    return command.get_help(context)


def rules_page() -> str:
    """`docs/rules.md`: every rule with its source, code, theorems and tests."""
    known = rules()
    lines = [
        MADE,
        "# Every rule",
        "",
        "What each rule of `model/` says, where it was read, what holds it to account. A theorem",
        "is listed where its statement comes to evaluate the rule. [The model](model.md) tells the",
        "same as a story.",
        "",
    ]
    for module, heading in MODULES.items():
        lines += [f"## {heading}", ""]
        for rule in known:
            if rule.file.stem == module:
                lines += entry(rule)
    for kind, heading in (("invariant", "Invariants"), ("contract", "Contracts")):
        lines += [f"## {heading}", ""]
        for rule in claims():
            if rule.kind == kind:
                lines += entry(rule)
    return "\n".join(lines)


def entry(rule: Rule) -> list[str]:
    """One rule."""
    proven = theorems_of(rule)
    named = ", ".join(f"`{name}`" for name in proven[:MOST])
    if len(proven) > MOST:
        named += f" and {len(proven) - MOST} more"
    tests = ", ".join(f"[{path.name}](../{path})" for path in tests_of(rule))
    lines = [
        f"### {rule.id}",
        "",
        rule.says,
        "",
        f"- source: {rule.source}",
        f"- code: [`{rule.symbol}`](../{rule.file}#{rule.symbol}) in {rule.file}",
        f"- theorems: {named or f'none: {UNPROVEN[rule.id]}'}",
        f"- tests: {tests}",
    ]
    if operations := used_by(rule):
        lines.append("- part of: " + ", ".join(f"[{r.id}](#{r.id})" for r in operations))
    return [*lines, ""]


PAGES = {
    "commands.md": commands_page,
    "kernels.md": lambda: f"{MADE}\n{kernels_page()}",
    CHART: kernels_chart,
    "map.md": map_page,
    "measured.md": lambda: f"{MADE}\n{measured_page()}",
    "patch.md": lambda: f"{MADE}\n{patch_page()}",
    "rules.md": rules_page,
    "theorems.md": lambda: f"{MADE}\n{theorems_page()}",
}

if __name__ == "__main__":
    for page, made in PAGES.items():
        DOCS.joinpath(page).write_text(made(), encoding="utf-8")
    DOCS.joinpath(PICTURE).write_bytes(picture().pipe("svg"))
    for page in TABLES:
        path = DOCS.joinpath(page)
        path.write_text(with_tables(page, path.read_text(encoding="utf-8")), encoding="utf-8")
