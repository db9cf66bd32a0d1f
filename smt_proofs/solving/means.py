"""How obligations are decided: by which solvers, with how much work, and where they go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smt_proofs.solving.cache import Cache
from smt_proofs.solving.settle import Settled
from smt_proofs.solving.solve import Answer

DEFAULT_TIMEOUT: Final = 20.0
"""Work that a solver may do for an obligation before its theorem counts as unknown, in seconds as
`solve.units` counts them."""
DEFAULT_SOLVERS: Final = ("z3",)
"""Which solvers decide where none is named."""


@dataclass(frozen=True, slots=True)
class Means:
    """`solvers` by name, each of which decides every obligation; `timeout` is the work allowed a
    query, in seconds as `solve.units` counts them;
    `export`: the folder that obligations are written to, if any; `run`: what tells the run that
    decides from earlier ones, if that matters."""

    solvers: tuple[str, ...] = DEFAULT_SOLVERS
    timeout: float = DEFAULT_TIMEOUT
    export: Path | None = None
    run: str = ""


ORDINARY: Final = Means()


def body(text: str) -> str:
    """A script without the comment that says whose it is: what a solver sees."""
    return text.split("\n", 2)[2]


class Decider:
    """Decides scripts, each body once, and not again if it was decided before.

    `remembered` has the bodies that an earlier run decided, each with the first day of that.
    """

    def __init__(self, means: Means) -> None:
        self._means = means
        self._cache = Cache.of_user()
        self._known: dict[str, dict[str, Answer]] = {}
        self.remembered: dict[str, str] = {}

    def __call__(self, text: str) -> dict[str, Answer]:
        """What each solver says of a script."""
        key = body(text)
        if key not in self._known:
            means = self._means
            told = {s: self._cache.decide(key, s, means.timeout, means.run) for s in means.solvers}
            self._known[key] = {solver: answer for solver, (answer, _) in told.items()}
            days = [day for _, day in told.values()]
            if all(days):
                self.remembered[key] = min(days)
        return self._known[key]

    def when(self, settled: Iterable[Settled]) -> str:
        """The first day on which obligations were decided, if all were by earlier runs."""
        days = [self.remembered.get(body(owed.text), "") for owed in settled if owed.text]
        return min(days, default="")


def export(folder: Path, about: str, settled: Iterable[Settled]) -> None:
    """Write obligations as `folder/THEOREM/ABOUT-NNN.smt2`, each text of a theorem once.

    Such scripts that an earlier run left, and that are none of these, are removed.
    """
    written: dict[str, set[str]] = {}
    about = re.sub(r"[^\w.]+", "-", about)
    for owed in settled:
        bodies = written.setdefault(owed.theorem, set())
        if owed.text and body(owed.text) not in bodies:
            bodies.add(body(owed.text))
            place = folder / owed.theorem
            place.mkdir(parents=True, exist_ok=True)
            name = f"{about}-{len(bodies):03}.smt2"
            (place / name).write_text(owed.text, encoding="utf-8")
    for theorem, bodies in written.items():
        for path in (folder / theorem).glob(f"{about}-*.smt2"):
            number = path.stem.removeprefix(f"{about}-")
            if number.isdecimal() and int(number) > len(bodies):
                path.unlink()
