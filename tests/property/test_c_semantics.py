"""C as gcc computes it, as our run on machine integers does, and as the solver's terms have it."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import z3

from model.extents import Extents
from model.machine_ints import INTS
from smt_proofs.source.c_types import BOOL
from smt_proofs.source.domain import SourceTerms
from smt_proofs.source.lower import Lowering
from smt_proofs.source.parse import read_c
from smt_proofs.source.runs import ProofRun, TrialRun
from smt_proofs.symbolic.paths import explore

EXPRESSIONS = [
    "a + b",
    "a - b",
    "b - c",
    "c - 1",
    "b == c - 1",
    "c - 1 < b",
    "(int)b < s",
    "s < c",
    "s < b",
    "s + c",
    "-1 < (int)b",
    "-1 < b",
    "b + c * 2u",
    "(uint16_t)a + c",
    "(uint16_t)(b + c)",
    "(bool)(a - a)",
    "(bool)b + 1",
    "(int)a",
    "(uint32_t)s",
    "a + s",
    "a * b",
    "b * 4294967295u",
    "a / (c + 1u)",
    "a % (b % 7u + 1)",
    "MAX(a, 1 * GiB)",
    "MIN(b, a)",
    "MAX(c, s)",
    "QEMU_ALIGN_UP(a, c + 1u)",
    "QEMU_ALIGN_DOWN(b, 3)",
    "QEMU_IS_ALIGNED(b, 4096)",
    "DIV_ROUND_UP(a, 2 * MiB)",
    "a ? s : c",
    "a && !b || s",
    "0x80000000 + b",
    "2147483648u + b",
    "4294967295u + 1",
    "1ul + s",
    "c == (uint16_t)s",
    "a & b",
    "b & ~4095u",
    "(c + a) & ~(b + 1ul)",
    "ROUND_UP(a, 4096u)",
    "ROUND_UP(b, 4096)",
    "ROUND_DOWN(b, c + 1u)",
]
"""Over uint64_t a, uint32_t b, uint16_t c and int s."""
NUMBERS = [
    (0, 0, 0, 0),
    (1, 2, 3, -1),
    (2**64 - 1, 2**32 - 1, 2**16 - 1, 2**31 - 2**16 - 1),
    (2**63, 2**31, 2**15, -(2**31)),
    (5 << 30, 7, 40000, -40000),
    (12345678901234567, 305419896, 513, 7),
]
PRELUDE = Path(__file__).parents[2] / "smt_proofs" / "source" / "stubs.h"
WORD = 2**64


def text(index: int, kind: str = "uint64_t") -> str:
    head = f"static {kind} f{index}(uint64_t a, uint32_t b, uint16_t c, int s)"
    return f"{head}\n{{\n    return {EXPRESSIONS[index]};\n}}\n"


SOURCE = read_c("\n".join(text(i) for i in range(len(EXPRESSIONS))), "x.c")
PROGRAM = Lowering(SOURCE)


def computed(run: Any, index: int, numbers: list[Any]) -> Any:
    function = PROGRAM.function(f"f{index}")
    assert function is not None and function.kind != BOOL
    return run.call(function, numbers)


def own(index: int, numbers: tuple[int, ...]) -> int:
    run = TrialRun(INTS, PROGRAM.function, {}, None, (Extents(), Extents()))  # type: ignore[arg-type]
    return int(computed(run, index, [n % WORD for n in numbers]))


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_gcc_computes_what_we_do(tmp_path: Path) -> None:
    calls = "\n".join(
        f'printf("%" PRIu64 "\\n", f{i}({a}ull, {b}u, {c}, (int){s}ll));'
        for i in range(len(EXPRESSIONS))
        for a, b, c, s in NUMBERS
    )
    functions = "\n".join(text(i) for i in range(len(EXPRESSIONS)))
    file, binary = tmp_path / "x.c", tmp_path / "x"
    main = f"int main(void)\n{{\n{calls}\nreturn 0;\n}}\n"
    file.write_text(
        f'#define FIELDS uint64_t memslot_size, size;\n#include "{PRELUDE}"\n{functions}{main}'
    )
    subprocess.run(["gcc", "-std=gnu11", "-w", "-o", str(binary), str(file)], check=True)
    seen = subprocess.run([str(binary)], capture_output=True, text=True, check=True).stdout.split()
    expected = [str(own(i, n)) for i in range(len(EXPRESSIONS)) for n in NUMBERS]
    assert seen == expected


class Divided(SourceTerms):
    """Terms with the division of C, which proofs leave open."""

    def div(self, a: Any, b: Any) -> Any:
        return z3.UDiv(a, b)

    def mod(self, a: Any, b: Any) -> Any:
        return z3.URem(a, b)

    def mul(self, a: Any, b: Any) -> Any:
        return a * b


@pytest.mark.parametrize("index", range(len(EXPRESSIONS)), ids=EXPRESSIONS.__getitem__)
def test_terms_compute_what_we_do(index: int) -> None:
    for numbers in NUMBERS:

        def run(script: Any, numbers: tuple[int, ...] = numbers) -> tuple[Divided, Any]:
            d = Divided(script)
            sets = (d.named("plugged", 64), d.named("mapped", 32))
            terms = [d.lit(n % WORD) for n in numbers]
            made = ProofRun(d, PROGRAM.function, {}, None, sets)  # type: ignore[arg-type]
            return d, computed(made, index, terms)

        [(d, answer)] = explore(run)
        assert z3.simplify(answer).as_long() == own(index, numbers)
        assert all(z3.is_true(z3.simplify(duty.condition)) for duty in d.duties)
