"""Compiles the function under test with gcc, runs it on a witness, and compares with our own run.

What the function calls and the source shows is compiled too; the primitives are small stubs.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from model.effects import ABOUT_SLOTS
from model.extents import Extents
from model.machine_ints import INTS
from model.profiles import Profile
from smt_proofs.source.c_types import BOOL, VOID, CType
from smt_proofs.source.calls import calls_of
from smt_proofs.source.case import Case
from smt_proofs.source.evaluation import Pointer, UndefinedError
from smt_proofs.source.ir import Function
from smt_proofs.source.lower import Lowering
from smt_proofs.source.names import FIELDS, PRIMITIVES
from smt_proofs.source.parse import Source, words_of
from smt_proofs.source.rules import Rule
from smt_proofs.source.runs import TrialRun
from smt_proofs.source.search import Witness

STUBS: Final = Path(__file__).with_name("stubs.h")
SECONDS: Final = 30
TOO_LARGE: Final = 99
"""The stubs hold fewer memslots or blocks than the witness has."""
WORD: Final = (1 << 64) - 1
MOST_ALIASES: Final = 8
"""Memslots past the last one that are looked at: a wrong loop may make some."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Whether a compiled run did what our own run did; `reason` says why it could not be asked."""

    confirmed: bool
    reason: str = ""


def confirm(
    rule: Rule, source: Source, program: Lowering, profile: Profile, witness: Witness
) -> Confirmation:
    """Run the compiled function on the witness."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return Confirmation(False, "no gcc")
    function = program.function(rule.function)
    assert function is not None
    case = Case(
        INTS, witness.inputs, profile, witness.mapping, TrialRun, program.function, function
    )
    aborts = False
    try:
        rule.claims(case)
    except UndefinedError:
        aborts = True
    text = _program(source, program, function, case)
    with TemporaryDirectory() as directory:
        file, binary = Path(directory) / "run.c", Path(directory) / "run"
        file.write_text(text, encoding="utf-8")
        command = [compiler, "-std=gnu11", "-w", "-O0", "-ftrapv", "-o", str(binary), str(file)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            first = next((x for x in made.stderr.split("\n") if "error" in x), made.stderr[:200])
            return Confirmation(False, f"does not compile: {first.split('error: ')[-1]}")
        try:
            ran = subprocess.run(
                [str(binary)], capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return Confirmation(False, f"the compiled run did not end within {SECONDS} s")
    if aborts:
        return Confirmation(ran.returncode < 0, "" if ran.returncode < 0 else "it did not abort")
    if ran.returncode == TOO_LARGE:
        return Confirmation(False, "the stubs hold fewer memslots or blocks")
    want = _expected(case, function)
    if ran.returncode or ran.stdout.split() != want:
        seen = " ".join(ran.stdout.split()) or f"exit {ran.returncode}"
        return Confirmation(False, f"compiled: {seen}; own run: {' '.join(want)}")
    return Confirmation(True)


def _expected(case: Case, function: Function) -> list[str]:
    """What the compiled run must print."""
    run = case.run
    slots = range(case.x.count + MOST_ALIASES) if run.allocated is not None else ()
    lines = [
        f"{e.did.value}={e.offset},{e.size}"
        for e in run.events
        if e.did is not None and e.did not in ABOUT_SLOTS
    ]
    lines += [f"alias={i},{offset},{size}" for i in slots for offset, size in run.aliases(i)]
    if function.kind != VOID:
        answer = int(case.answer)
        lines.append(f"result={answer if function.kind.bits == 64 else answer & 0xFFFFFFFF}")
    for name in sorted(FIELDS):
        if name in run.fields:
            lines.append(f"{name}={int(run.fields[name]) & WORD}")
    lines += [f"mapped={index}" for index in _members(run.mapped)]
    lines += [f"plugged={index}" for index in _members(run.plugged)]
    return lines


def _members(items: Extents) -> list[int]:
    return [index for start, end in items.ranges() for index in range(start, end)]


def _program(source: Source, program: Lowering, function: Function, case: Case) -> str:
    """The C text: stubs, the functions, and a main that sets up, calls and prints."""
    names = _closure(program, function)
    texts = [text.text for name in names if (text := program.text(name)) is not None]
    used = words_of("\n".join(texts))
    traces = sorted(word for word in used if word.startswith("trace_"))
    parts = [
        *(f"#define OWN_{name}" for name in names),
        f"#define FIELDS {' '.join(_declared(name, kind) for name, kind in _fields(source))}",
        f'#include "{STUBS}"',
        *(f"#define {name}(...) ((void)0)" for name in traces),
        *texts,
        "int main(void)\n{",
        *_setup(case),
        _called(function, case),
        *(
            f'printf("{name}=%" PRIu64 "\\n", (uint64_t)device.{name});'
            for name in sorted(FIELDS)
            if name in case.run.fields
        ),
        "show();\nreturn 0;\n}\n",
    ]
    return "\n".join(parts)


def _closure(program: Lowering, function: Function) -> list[str]:
    """The functions of the source that are needed, each behind those it calls."""
    order: list[str] = []

    def visit(of: Function) -> None:
        for name in sorted(calls_of(of.body, lambda _: None)):
            inner = None if name in PRIMITIVES else program.function(name)
            if inner is not None and name not in order:
                visit(inner)
        if of.name not in order:
            order.append(of.name)

    visit(function)
    return order


def _fields(source: Source) -> list[tuple[str, CType]]:
    return [(name, source.fields.get(name) or kind) for name, kind in FIELDS.items()]


def _declared(name: str, kind: CType) -> str:
    if name == "unplugged_inaccessible":
        return f"OnOffAuto {name};"
    base, _, width = kind.name.partition(":")
    return f"{base} {name} : {width};" if width else f"{base} {name};"


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"UINT64_C({int(value) & WORD})"


def _setup(case: Case) -> list[str]:
    """The device and its host before the call."""
    x, run = case.x, case.run
    lines = [f"device.{name} = {_number(value)};" for name, value in case.before.items()]
    host = {
        "the_region": x.region,
        "the_page": x.page,
        "the_host_page": x.host_page,
        "the_thp": x.thp,
        "the_default_block": x.default_block,
        "the_extent": x.extent,
        "the_block": x.block,
        "the_addr": x.addr,
        "the_failure": x.failure,
        "busy": bool(x.busy),
        "discard_fails": bool(x.discard_fails),
        "prealloc_fails": bool(x.prealloc_fails),
        "populate_fails": bool(x.populate_fails),
    }
    lines += [f"{name} = {_number(value)};" for name, value in host.items()]
    there = {path: run.pointers[path].there for path in run.pointers}
    lines.append(f"device.memdev = {'&memdev' if there.get('memdev', True) else 'NULL'};")
    block = there.get("memdev.mr.ram_block", True)
    lines.append(f"memdev.mr.ram_block = {'&ram' if block else 'NULL'};")
    made = case.function.name != "virtio_mem_prepare_memslots"
    lines.append(f"device.memslots = {'memslots' if made else 'NULL'};")
    lines += [f"slot({index})->mapped = true;" for index in _members(x.mapped)]
    lines += [f"*bit({index}) = true;" for index in _members(x.plugged)]
    return lines


def _called(function: Function, case: Case) -> str:
    """The call, with its result printed."""
    given = iter(case.arguments)
    arguments = []
    for parameter in function.parameters:
        value = "&device" if parameter is None else next(given)
        if isinstance(value, Pointer):
            value = "&ram"
        arguments.append(value if isinstance(value, str) else _number(value))
    call = f"{function.name}({', '.join(arguments)})"
    if function.kind == VOID:
        return f"{call};"
    kept = "uint64_t" if function.kind.bits == 64 else "uint32_t"
    cast = "" if function.kind == BOOL else f"({kept})"
    return f'printf("result=%" PRIu64 "\\n", (uint64_t){cast}{call});'
