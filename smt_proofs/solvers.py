"""The solvers that decide obligations, each from the same SMT-LIB text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cvc5
import z3

from smt_proofs.solve import SEED, Answer

LOGIC_LINE: Final = "(set-info :status"


def _by_z3(text: str, timeout: float) -> Answer:
    solver = z3.Solver(ctx=z3.Context())
    solver.set("timeout", max(int(timeout * 1000), 1))
    solver.set("random_seed", SEED)
    solver.from_string(text)
    return Answer(str(solver.check()))


def _by_cvc5(text: str, timeout: float) -> Answer:
    solver = cvc5.Solver()
    solver.setOption("tlimit-per", str(max(int(timeout * 1000), 1)))
    solver.setOption("seed", str(SEED))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, _unbiased(text), "obligation")
    symbols, said = parser.getSymbolManager(), ""
    while not (command := parser.nextCommand()).isNull():
        said = command.invoke(solver, symbols).strip() or said
    # cvc5 says "unknown (TIMEOUT)".
    return Answer(said.split(" ")[0])


def _unbiased(text: str) -> str:
    """The script without the answer that it expects, which cvc5 would complain about."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(LOGIC_LINE))


SOLVERS: Final[dict[str, Callable[[str, float], Answer]]] = {"z3": _by_z3, "cvc5": _by_cvc5}
"""By the name that `--solver` takes."""


def decide(text: str, solver: str, timeout: float) -> Answer:
    """What a solver says of a script; `timeout` is in seconds. Raises KeyError for another name."""
    return SOLVERS[solver](text, timeout)


def version(solver: str) -> str:
    """Name and version of a solver."""
    versions: dict[str, Any] = {"z3": z3.get_version_string(), "cvc5": cvc5.__version__}
    return f"{solver} {versions[solver]}"
