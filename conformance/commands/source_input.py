"""What a person gives verify-source: a tree, a file, a patch of one, or standard input."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from smt_proofs.source.changes import (
    HEADER,
    OUTSIDE,
    OUTSIDE_CORE,
    Change,
    changes,
    outside,
    rest_of_header,
)
from smt_proofs.source.mails import Series, read_series
from smt_proofs.source.material import Material, decoded, material_of, read_whole, source_of
from smt_proofs.source.parse import Source, SourceError
from smt_proofs.source.partial import partial
from smt_proofs.source.rules import RULE_NAMED
from smt_proofs.source.series import patched
from smt_proofs.source.trust import not_covered
from smt_proofs.source.verify import whole

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Given:
    """A source to verify, and what is to be said of where it comes from.

    `material` is None for a patch without a base. `changed` says what the patch did to each
    function of the base. `others` are files that the patch changes and that nobody looks at;
    `around` is what it changes outside functions.
    """

    name: str
    source: Source
    material: Material | None = None
    base: str | None = None
    changed: dict[str, Change] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    around: tuple[str, ...] = ()

    def uncovered(self) -> list[str]:
        """What the patch changes and no rule covers: functions, and what stands around them."""
        unseen = [name for name, _, _ in not_covered(self.source)]
        if self.material is None:
            looked_at = {name for name in self.source.functions if name not in unseen}
            return sorted(self.source.changed - looked_at - RULE_NAMED.keys())
        return [*(n for n in unseen if n in self.changed and self.changed[n].own), *self.around]


def given(file: Path, base: Path | None, old: Path | None) -> Given:
    """What is in FILE; a patch is for `base`, or else for `old`. Raises click.UsageError."""
    try:
        return _given(file, base, old)
    except SourceError as error:
        raise click.UsageError(f"{_name(file)}: {error}") from None


def base_of(path: Path) -> Material:
    """The tree or file. Raises click.UsageError."""
    try:
        return material_of(path)
    except SourceError as error:
        raise click.UsageError(f"{path}: {error}") from None


def _name(file: Path) -> str:
    return "standard input" if str(file) == STANDARD_INPUT else str(file)


def _given(file: Path, base: Path | None, old: Path | None) -> Given:
    name = _name(file)
    if file.is_dir():
        return _whole(name, material_of(file), base)
    right = "a C file, a patch or a QEMU tree"
    if str(file) == STANDARD_INPUT:
        data = sys.stdin.buffer.read()
    else:
        try:
            data = read_whole(file)
        except SourceError as error:
            raise SourceError(f"{error}: expected {right}") from None
    series = read_series(data)
    if series is None:
        text = decoded(data, "C source or a patch")
        known = str(file) != STANDARD_INPUT and file.exists()
        return _whole(name, material_of(file) if known else Material(name, text), base)
    tree = base or old
    if tree is None:
        return Given(name, partial(series))
    return _patched(name, series, base_of(tree), tree, against=base is None)


def _whole(name: str, material: Material, base: Path | None) -> Given:
    if base is not None:
        raise SourceError("no patch, which is what --base is for: --against compares with a tree")
    return Given(name, whole(material), material)


def _patched(name: str, series: Series, material: Material, base: Path, *, against: bool) -> Given:
    """The base with the series; `against`: memory-device.c is not looked at."""
    if against:
        material = replace(material, core=None)
    done = patched(series, material)
    new, old = source_of(done.material), source_of(material)
    if done.material == material and not done.header_hunks:
        others = ", ".join(done.others)
        looked_at = "virtio-mem.c, its header" + (", memory-device.c" if material.core else "")
        raise SourceError(f"it changes nothing of {looked_at}, only {others}")
    if done.header_hunks:
        raise SourceError(
            f"it changes {done.header_hunks[0].file}, which {base} does not hold: "
            "expected the whole tree for --base"
        )
    header = done.material.header != material.header
    around = {
        OUTSIDE: outside(material.source, old) != outside(done.material.source, new),
        HEADER: rest_of_header(material.header) != rest_of_header(done.material.header),
    }
    changed = changes(old, new, header=header)
    if material.core is not None and done.material.core is not None:
        assert old.core is not None and new.core is not None
        typed = old.core.fields != new.core.fields
        changed = changes(old.core, new.core, header=typed) | changed
        around[OUTSIDE_CORE] = outside(material.core.source, old.core) != outside(
            done.material.core.source, new.core
        )
    return Given(
        name,
        new,
        done.material,
        str(base),
        changed,
        done.others,
        tuple(what for what, differs in around.items() if differs),
    )
